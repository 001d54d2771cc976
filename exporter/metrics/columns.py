"""The series of rows: templates made once for all records whose labels have the same names.

The lines are those that prometheus_client would write, labels in alphabetical order (tests/metrics compares both byte
by byte). Sorting and escaping happen once per template and once per record, not once per line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import isfinite
from operator import itemgetter
from typing import Final
from weakref import WeakValueDictionary

from prometheus_client.utils import floatToGoString

from exporter.metrics.families import PLACE, MetricFamily
from exporter.store.row import Moving, Row, Shape, Template

# A label: its name, and its escaped text, or the place of its text among the keys of a row.
Label = tuple[str, str | int]
Labels = tuple[Label, ...]

# The library's own way to write a value: as Go does.
_as_go: Callable[[float], str] = floatToGoString
# Most values are 0, 1 or a reply code: looked up in a quarter of the time, and one text for all records.
_WHOLE: Final = {number: _as_go(number) for number in range(1000)}
# Below it Python writes a fraction as Go does.
_GO_DIFFERS: Final = 1e6
# Unix times, which Go writes with an exponent: 2001 to 2286.
_DATES_BEGIN: Final = 1e9
_DATES_END: Final = 1e10
# Records have few different numbers beside those that move, so equal ones are one object.
_MAX_EQUAL: Final = 4096
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_ONE: Final = _WHOLE[1]


def value_text(value: float) -> str:
    """A value as exposition text."""
    whole = _WHOLE.get(value)  # type: ignore[call-overload]  # 1.0 is found as 1
    if whole is not None:
        return whole  # type: ignore[no-any-return]
    return repr(value) if type(value) is float and 0.0 < value < _GO_DIFFERS else _as_go(value)


def value_texts(values: Sequence[float]) -> list[str]:
    """The texts of a column of numbers, each as :func:`value_text` has it; a third of the time for most columns."""
    kinds = set(map(type, values))
    if kinds == {float} and isfinite(sum(values)):
        least, most = min(values), max(values)
        if least > 0.0 and most < _GO_DIFFERS:
            return [*map(repr, values)]
        if least >= _DATES_BEGIN and most < _DATES_END:
            return [f"{text[0]}.{text[1:10]}{text[11:]}".rstrip("0.") + "e+09" for text in map(repr, values)]
    return [*map(value_text, values)]


def escaped(text: str) -> str:
    """The text of a label's value: the very same, and no copy of it, where nothing needs an escape."""
    written = text.translate(_ESCAPES)
    return text if written == text else written


class LabelSet:
    """The labels that all series of a record have, and the templates with them. Of equal labels one is in use."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        # By family and further labels: these come from closed lists, or are keys.
        self._templates: dict[tuple[MetricFamily, Labels, bool, int], Template] = {}
        self._shapes: WeakValueDictionary[tuple[object, ...], Shape] = WeakValueDictionary()

    def template(self, family: MetricFamily, more: Labels, has_number: bool, moving: int = -1) -> Template:
        """The template of a series of `family` with `more` labels; without a number its value is 1."""
        key = family, more, has_number, moving
        found = self._templates.get(key)
        if found is None:
            labels = sorted((*self._labels, *more), key=itemgetter(0))
            found = self._templates[key] = _template(family, labels, has_number, moving)
        return found

    def shape(self, templates: tuple[Template, ...], moving: Moving | None = None) -> Shape:
        """The shape of rows with these series, whose numbers are in the same order."""
        key = moving, templates
        found = self._shapes.get(key)
        if found is None:
            places = iter(range(len(templates)))
            pairs = [
                (template, next(places) if template.has_number and template.moving < 0 else -1)
                for template in templates
            ]
            pairs.sort(key=lambda pair: pair[0].place)
            in_order, numbers = zip(*pairs, strict=True) if pairs else ((), ())
            found = self._shapes[key] = Shape(in_order, numbers, moving, self)
        return found


_label_sets: Final[WeakValueDictionary[Labels, LabelSet]] = WeakValueDictionary()


def label_set(labels: Labels) -> LabelSet:
    """The set of these labels."""
    found = _label_sets.get(labels)
    if found is None:
        found = _label_sets[labels] = LabelSet(labels)
    return found


class RowWriter:
    """A row in the making, without the series that the configuration switches off."""

    def __init__(
        self, labels: Labels, keys: tuple[object, ...], disabled: frozenset[str], moving: Moving | None = None
    ) -> None:
        """`keys` are the escaped texts of the labels that are a record's own; `moving` reads its numbers that move."""
        self._labels = label_set(labels)
        self._keys = keys
        self._more_keys: list[str] = []
        self._disabled = disabled
        self._moving = moving
        self._templates: list[Template] = []
        self._numbers: list[str] = []

    def key(self, text: str) -> int:
        """The place of one more text among the keys."""
        self._more_keys.append(escaped(text))
        return len(self._keys) + len(self._more_keys) - 1

    def mark(self, family: MetricFamily, more: Labels = ()) -> None:
        """Add a series that is always 1."""
        if family.name not in self._disabled:
            self._templates.append(self._labels.template(family, more, has_number=False))

    def number(self, family: MetricFamily, value: float, more: Labels = ()) -> None:
        """Add a series with a number."""
        if family.name not in self._disabled:
            self._templates.append(self._labels.template(family, more, has_number=True))
            self._numbers.append(value_text(value))

    def moving(self, family: MetricFamily, place: int, more: Labels = ()) -> None:
        """Add a series whose number is the one at `place` among those that move."""
        if family.name not in self._disabled:
            self._templates.append(self._labels.template(family, more, has_number=True, moving=place))

    def row(self) -> Row:
        """The row."""
        keys = (*self._keys, *self._more_keys) if self._more_keys else self._keys
        return Row(self._labels.shape(tuple(self._templates), self._moving), keys, _equal(tuple(self._numbers)))


@lru_cache(maxsize=_MAX_EQUAL)
def _equal(numbers: tuple[str, ...]) -> tuple[str, ...]:
    return numbers


def _template(family: MetricFamily, labels: Sequence[Label], has_number: bool, moving: int) -> Template:
    """The parts of a line, which begins with the end of the line before."""
    line: list[str] = []
    keys: list[int] = []
    text = f"\n{family.name}{{"
    for number, (name, value) in enumerate(labels):
        text += f'{"," if number else ""}{name}="'
        if isinstance(value, int):
            line += (text, "")
            keys.append(value)
            text = '"'
        else:
            text += f'{value}"'
    line += (text + "} ", "") if has_number else (f"{text}}} {_ONE}",)
    return Template(PLACE[family], tuple(line), tuple(keys), has_number, moving)
