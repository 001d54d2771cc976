"""The values of plain (unquoted) YAML scalars on which YAML 1.1 and 1.2 agree.

PyYAML reads YAML 1.1, in which `no` is false, `012` is ten and `1:30` is ninety; other tools that write or check the
same file read 1.2. A scalar on which the two differ is refused with a better spelling, so no user has to know the
difference. No key takes a number with a fraction or a date, so these are refused here as well.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

# Beyond any number a key takes, and far below the digits at which int() itself refuses.
MAX_DIGITS: Final = 18
_SHOWN: Final = 80  # characters of a wrong one

_PLAIN: Final = re.compile(
    r"(?P<null>|~|null|Null|NULL)"
    r"|(?P<true>true)"
    r"|(?P<false>false)"
    r"|(?P<integer>[-+]?(?:0|[1-9][0-9]*))"
    r"|(?P<yes>(?i:true|yes|on|y))"
    r"|(?P<no>(?i:false|no|off|n))"
    r"|(?P<leading_zero>[-+]?0[0-9]+)"
    r"|(?P<other_base>[-+]?0(?:o[0-7_]+|x[0-9a-fA-F_]+|b[01_]+))"
    r"|(?P<underscore>[-+]?[0-9][0-9_]*)"
    r"|(?P<base60>[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)"
    r"|(?P<fraction>[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?i:inf)|\.(?i:nan))"
    r"|(?P<date>[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?)"
    r"|(?P<indicator>=|<<)"
)
_ADVICE: Final = MappingProxyType(
    {
        "yes": "is true to YAML 1.1 only: write true, or quote it if meant as text",
        "no": "is false to YAML 1.1 only: write false, or quote it if meant as text",
        "leading_zero": "is octal in YAML 1.1 and decimal in YAML 1.2: write it without the leading zero, or quote it",
        "other_base": "is not decimal: write a decimal number, or quote it if meant as text",
        "underscore": "is a number to YAML 1.1 only: leave the underscores out, or quote it if meant as text",
        "base60": "is a base-60 number in YAML 1.1: give a unit, such as 90s, or quote it if meant as text",
        "fraction": "is a number with a fraction: use a smaller unit, such as 1500ms, or quote it if meant as text",
        "date": "is a date in YAML 1.1: quote it",
        "indicator": "has a special meaning in YAML 1.1: quote it",
    }
)


class ScalarError(ValueError):
    """A scalar without one agreed meaning; the message has a better spelling."""


def resolve(text: str) -> str | int | bool | None:
    """The value of a plain scalar. Raises ScalarError."""
    match = _PLAIN.fullmatch(text)
    if match is None:
        return text
    meaning = match.lastgroup or ""
    if meaning == "null":
        return None
    if meaning in ("true", "false"):
        return meaning == "true"
    if meaning == "integer":
        if len(text) > MAX_DIGITS:
            raise ScalarError("is too large a number")
        return int(text)
    raise ScalarError(f"{text[:_SHOWN]!r} {_ADVICE[meaning]}")


def needs_quotes(text: str) -> bool:
    """True where `text` without quotes would be read as another type."""
    return _PLAIN.fullmatch(text) is not None
