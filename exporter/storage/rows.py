"""Values of exporter.model as rows of JSON, and back by their type hints. Pure.

A dataclass or a named tuple is the row of its fields; the head of a file names the fields of each class, so that a file
of another version is read as far as both know them. Reading trusts nothing: each value has the type of its hint, an
enumeration has its members, texts and numbers are bounded, and a class may have a check of its own.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final

# A failure quotes a server with a few hundred characters, and has some lines of evidence.
MAX_TEXT: Final = 8192
# A SIZE limit has at most twenty digits (RFC 1870 4); no counter gets there.
MAX_NUMBER: Final = 10**20
# All fractions are seconds: Unix times of the years 1 to 9999, which have a date to be shown.
SECONDS: Final = (-62_135_596_800, 253_402_300_799)

Read = Callable[[Any], Any]
# Class name -> the names of its fields in their order.
Layout = Mapping[str, tuple[str, ...]]
# Class -> raises UnsoundError for a value that has the types of its fields, and is none all the same.
Checks = Mapping[type, Callable[[Any], None]]


class UnsoundError(ValueError):
    """The text is no such value; the message says why."""


def dumps(row: object) -> str:
    """One line of JSON; dataclasses, named tuples, enumerations and sets are part of it."""
    return _ENCODER.encode(row)


def loads(text: str) -> Any:
    """The JSON of one line. Raises UnsoundError."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UnsoundError(f"no JSON: {type(error).__name__}") from None


def layout_of(*hints: Any) -> dict[str, tuple[str, ...]]:
    """The fields of all classes that values of these hints may have in them."""
    found: dict[str, tuple[str, ...]] = {}
    for hint in hints:
        for cls in _classes(hint, found):
            found[cls.__name__] = _names(cls)
    return found


class RowReader:
    """Makes values of what JSON gives. `layout`: that of the file; `instead`: hints that replace those of fields."""

    def __init__(self, layout: Layout, checks: Checks, instead: Mapping[tuple[type, str], Any] | None = None) -> None:
        self._layout = layout
        self._checks = checks
        self._instead = instead or {}
        self._made: dict[Any, Read] = {}

    def of(self, hint: Any) -> Read:
        """The function that makes values of a hint, or raises UnsoundError. Raises it itself where the layout lacks."""
        made = self._made.get(hint)
        if made is None:
            made = self._made[hint] = self._make(hint)
        return made

    def _make(self, hint: Any) -> Read:
        simple = _SIMPLE.get(hint)
        if simple is not None:
            return simple
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, UnionType):
            (inner,) = (each for each in arguments if each is not NoneType)
            return _optional(self.of(inner))
        if origin is tuple and arguments[1:] == (Ellipsis,):
            return _many(self.of(arguments[0]), tuple)
        if origin is tuple:
            return _each([self.of(each) for each in arguments])
        if origin is frozenset:
            return _many(self.of(arguments[0]), frozenset)
        if issubclass(hint, Enum):
            return _member(hint)
        return self._row(hint)

    def _row(self, cls: Any) -> Read:
        """A row in the layout of the file: fields that it does not name have their defaults."""
        named = self._layout.get(cls.__name__)
        if named is None:
            raise UnsoundError(f"no layout of {cls.__name__}")
        hints, defaults = typing.get_type_hints(cls), _defaults(cls)
        read: list[tuple[int, Read]] = []
        for name in _names(cls):
            if name in named:
                read.append((named.index(name), self.of(self._instead.get((cls, name), hints[name]))))
            elif name in defaults:
                read.append((-1, _constant(defaults[name])))
            else:
                raise UnsoundError(f"no field {name} of {cls.__name__}")
        check, width = self._checks.get(cls), len(named)

        def row(value: Any) -> Any:
            if type(value) is not list or len(value) != width:
                raise UnsoundError(f"no row of {cls.__name__}")
            made = cls(*[each(value[place] if place >= 0 else None) for place, each in read])
            if check is not None:
                check(made)
            return made

        return row


def _default(value: Any) -> Any:
    """A value that JSON has no word for, as a row."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    getter = _GETTERS.get(type(value))
    if getter is None:
        getter = _GETTERS[type(value)] = attrgetter(*_names(type(value)), "__class__")
    return getter(value)[:-1]


_GETTERS: Final[dict[type, Callable[[Any], tuple[Any, ...]]]] = {}
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False, default=_default)


def _names(cls: Any) -> tuple[str, ...]:
    if dataclasses.is_dataclass(cls):
        return tuple([each.name for each in dataclasses.fields(cls) if each.init])
    names: tuple[str, ...] = cls._fields
    return names


def _defaults(cls: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls):
        return dict(cls._field_defaults)
    return {each.name: each.default for each in dataclasses.fields(cls) if each.default is not dataclasses.MISSING}


def _classes(hint: Any, known: Mapping[str, object]) -> Iterator[Any]:
    """The row classes of a hint and of their fields, each once."""
    found: dict[str, Any] = {}

    def walk(hint: Any) -> None:
        for each in typing.get_args(hint):
            walk(each)
        is_row = isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hasattr(hint, "_fields"))
        if not is_row or hint.__name__ in found or hint.__name__ in known:
            return
        found[hint.__name__] = hint
        for each in typing.get_type_hints(hint).values():
            walk(each)

    walk(hint)
    return iter(found.values())


def _no_constant(name: str) -> float:
    raise UnsoundError(name)


def _text(value: Any) -> str:
    if type(value) is not str or len(value) > MAX_TEXT:
        raise UnsoundError("no text, or a long one")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise UnsoundError("half a character")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise UnsoundError("no whole number")
    return value


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not SECONDS[0] <= value <= SECONDS[1]:
        raise UnsoundError("no seconds")
    return float(value)


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise UnsoundError("neither true nor false")
    return value


def _constant(value: Any) -> Read:
    return lambda _: value


_SIMPLE: Final[Mapping[Any, Read]] = {
    str: _text,
    int: _whole,
    float: _seconds,
    bool: _truth,
    NoneType: _constant(None),
}


def _optional(read: Read) -> Read:
    return lambda value: None if value is None else read(value)


def _many(read: Read, kind: Callable[[list[Any]], Any]) -> Read:
    def many(value: Any) -> Any:
        if type(value) is not list:
            raise UnsoundError("no list")
        return kind([read(each) for each in value])

    return many


def _each(reads: list[Read]) -> Read:
    def each(value: Any) -> Any:
        if type(value) is not list or len(value) != len(reads):
            raise UnsoundError("no list of that length")
        return tuple([read(part) for read, part in zip(reads, value, strict=True)])

    return each


def _member(enumeration: type[Enum]) -> Read:
    members = {member.value: member for member in enumeration}

    def member(value: Any) -> Any:
        found = members.get(value) if type(value) is str else None
        if found is None:
            raise UnsoundError(f"no {enumeration.__name__}")
        return found

    return member
