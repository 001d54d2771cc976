"""A YAML file as plain data, with the place of every key and value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from exporter.config.problems import ConfigProblem, Place

# The section beside whose keys a password may stand by mistake, and those keys.
_AUTH: Final = "auth"
_AUTH_KEYS: Final = ("username", "password_file", "password_env", "password")

KeyPath = Sequence[str | int]


class Refused:
    """A placeholder for a value that could not be read."""

    def __repr__(self) -> str:
        return "REFUSED"


REFUSED: Final = Refused()


@dataclass(slots=True)
class Marks:
    """The place of a mapping or sequence and of its contents; line and column count from 0."""

    place: tuple[int, int]
    children: dict[str | int, Marks | tuple[int, int]] = field(default_factory=dict)
    keys: dict[str, tuple[int, int]] = field(default_factory=dict)
    nodes: int = 1


@dataclass(slots=True)
class Document:
    """The contents of a file. `data` is REFUSED where the file could not be read; `problems` has the reason."""

    file: str
    data: Any = REFUSED
    problems: list[ConfigProblem] = field(default_factory=list)
    marks: Marks | tuple[int, int] = (0, 0)

    def place(self, path: KeyPath, *, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key, or of the nearest value around it that exists."""
        marks = self.marks
        for index, part in enumerate(path):
            if isinstance(marks, tuple) or part not in marks.children:
                break
            if key and index == len(path) - 1 and part in marks.keys:
                marks = marks.keys[str(part)]
                break
            marks = marks.children[part]
        line, column = marks if isinstance(marks, tuple) else marks.place
        return Place(self.file, line + 1, column + 1)

    def existing(self, path: KeyPath) -> KeyPath:
        """The part of `path` that the file has."""
        marks = self.marks
        for index, part in enumerate(path):
            if isinstance(marks, tuple) or part not in marks.children:
                return path[:index]
            marks = marks.children[part]
        return path

    def problem(self, path: KeyPath, message: str, *, key: bool = False, heals: bool = False) -> None:
        """Note a mistake at `path`, or at its key."""
        self.problems.append(ConfigProblem(*self.place(path, key=key), dotted(path), message, heals))


def dotted(path: KeyPath) -> str:
    """`domains[3].labels.team`. An unknown key in `auth` may be the password, and is hidden."""
    parts = [
        _dotted_part("…" if before == _AUTH and part not in _AUTH_KEYS else part)
        for before, part in zip(("", *path), path, strict=False)
    ]
    return "".join(parts).removeprefix(".")


def _dotted_part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part if part.isprintable() else repr(part)}"
