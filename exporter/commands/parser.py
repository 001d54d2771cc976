"""The parser of a command: its errors name the flag that was meant, and names and flags may alternate."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from types import MappingProxyType
from typing import Final, NoReturn

from exporter.config.suggestions import nearest
from exporter.model.printable import printable, quoted

USAGE: Final = 2
PROGRAM: Final = "mx-exporter"

_COLUMNS: Final = 79
_NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})


class CommandParser(argparse.ArgumentParser):
    """The parser of one command. `command` is its name, "" of the one that serves."""

    def __init__(self, command: str, description: str, examples: Sequence[str] = ()) -> None:
        shown = "\n".join(("examples:", *(f"  {PROGRAM} {example}" for example in examples)))
        super().__init__(
            prog=f"{PROGRAM} {command}".strip(),
            description=fill(description, _COLUMNS),
            epilog=shown if examples else None,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags that it takes."""
        return tuple(self._option_string_actions)

    def parse(self, arguments: Sequence[str], elsewhere: Mapping[str, str] = _NOWHERE) -> argparse.Namespace:
        """The values of the flags; a mistake ends the program. An unknown flag is told before any that is missing.

        `elsewhere`: other commands and their flags, with a use of each.
        """
        arguments = self._with_values(arguments)
        if mistakes := [*self._mistakes(arguments, elsewhere)]:
            self.error("; ".join(mistakes))
        found, rest = self.parse_known_intermixed_args(arguments)
        if rest:
            use = elsewhere.get(rest[0])
            self.error(f"unexpected argument {quoted(rest[0])}" + (f"; did you mean `{use}`?" if use else ""))
        return found

    def error(self, message: str) -> NoReturn:
        """Tell a mistake, and end."""
        self.exit(USAGE, f"{self.prog}: {printable(message, len(message))}\nSee {self.prog} --help.\n")

    def _with_values(self, arguments: Sequence[str]) -> list[str]:
        """The arguments, those that begin with one hyphen joined to the flag before them, where that needs a value."""
        joined: list[str] = []
        for argument in arguments:
            before = self._option_string_actions.get(joined[-1]) if joined and "--" not in joined else None
            is_value = argument[:1] == "-" and argument[1:2] not in ("", "-") and argument not in self.flags
            if before is not None and before.nargs is None and is_value:
                joined[-1] += f"={argument}"
            else:
                joined.append(argument)
        return joined

    def _mistakes(self, arguments: Sequence[str], elsewhere: Mapping[str, str]) -> Iterator[str]:
        """The flags that are unknown, each once, or have a value that they do not take."""
        seen: set[str] = set()
        for argument in arguments:
            if argument == "--":
                return
            # A hyphen alone is the standard input; with a space in it, argparse takes it for a value.
            flag, has_value, _ = argument.partition("=")
            if len(flag) < 2 or flag[0] != "-" or " " in argument or flag in seen:
                continue
            seen.add(flag)
            action = self._option_string_actions.get(flag)
            if action is not None and action.nargs == 0 and has_value:
                off = f"--no-{flag.removeprefix('--')}"
                yield f"{flag} takes no value" + (f"; {off} switches it off" if off in self.flags else "")
            elif action is None and not self._are_letters(flag):
                yield self._unknown(flag, elsewhere)

    def _are_letters(self, flag: str) -> bool:
        """True for flags of one letter behind one hyphen."""
        return all(f"-{letter}" in self._option_string_actions for letter in flag[1:])

    def _unknown(self, flag: str, elsewhere: Mapping[str, str]) -> str:
        use = elsewhere.get(flag)
        meant = f", which belongs to `{use}`" if use is not None else nearest(flag, self.flags)
        return f"unknown flag {printable(flag, _COLUMNS)}{meant}"


def one_of(known: Iterable[str]) -> Callable[[str], str]:
    """The type of a flag that takes one of these words; argparse itself would not say which was meant."""
    words = tuple(known)

    def parse(text: str) -> str:
        if text in words:
            return text
        near = nearest(text.lower(), words)
        raise argparse.ArgumentTypeError(f"{quoted(text)} is none of {', '.join(words)}{near}")

    return parse


def whole_number(text: str) -> int:
    """The type of a flag that takes a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number") from None
