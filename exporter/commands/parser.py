"""The parser of a command: its errors name the flag that was meant, and names and flags may alternate."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
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
        unknown = [self._unknown(flag, elsewhere) for flag in self._unknown_flags(arguments)]
        if unknown:
            self.error("; ".join(unknown))
        found, rest = self.parse_known_intermixed_args(arguments)
        if rest:
            use = elsewhere.get(rest[0])
            self.error(f"unexpected argument {quoted(rest[0])}" + (f"; did you mean `{use}`?" if use else ""))
        return found

    def error(self, message: str) -> NoReturn:
        """Tell a mistake, and end."""
        self.exit(USAGE, f"{self.prog}: {printable(message, len(message))}\nSee {self.prog} --help.\n")

    def _unknown_flags(self, arguments: Sequence[str]) -> list[str]:
        found: dict[str, None] = {}
        for argument in arguments:
            if argument == "--":
                break
            # A hyphen alone is the standard input; with a space in it, argparse takes it for a value.
            flag = argument.partition("=")[0]
            if len(flag) > 1 and flag[0] == "-" and " " not in argument and not self._is_known(flag):
                found[flag] = None
        return list(found)

    def _is_known(self, flag: str) -> bool:
        """True for a flag, and for a flag of one letter with its value or others behind it."""
        return flag in self._option_string_actions or (flag[1] != "-" and flag[:2] in self._option_string_actions)

    def _unknown(self, flag: str, elsewhere: Mapping[str, str]) -> str:
        use = elsewhere.get(flag)
        meant = f", which belongs to `{use}`" if use is not None else nearest(flag, self.flags)
        return f"unknown flag {printable(flag, _COLUMNS)}{meant}"
