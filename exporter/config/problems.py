"""The mistakes of a configuration with their places: one value for each, one exception for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.model.printable import printable

_MAX_MESSAGE: Final = 2048  # characters; messages quote bounded pieces of a file, and a few of them


class Place(NamedTuple):
    """A spot in a file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """One mistake. `path` is the key in dotted form, empty where the file as a whole or a line of a list is meant.

    `heals`: it may go without a change of the configuration, as a file that another program has not written yet.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    heals: bool = False

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        # Always one line: readers of the output take it line by line.
        return f"{self.file}:{self.line}:{self.column}: {path}{printable(self.message, _MAX_MESSAGE)}"


class ConfigError(Exception):
    """The configuration cannot be used; `errors` are all its mistakes, in the order of files and lines."""

    def __init__(self, errors: tuple[ConfigProblem, ...]) -> None:
        super().__init__(errors)
        self.errors = errors

    @property
    def heals(self) -> bool:
        """True where another try may succeed though nobody has changed the configuration."""
        return all(error.heals for error in self.errors)

    def __str__(self) -> str:
        return "\n".join(map(str, self.errors))
