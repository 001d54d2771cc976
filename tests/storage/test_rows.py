"""Rows: what was written is read as it was, and nothing else is read at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.storage.rows import MAX_TEXT, SECONDS, RowReader, UnsoundError, dumps, layout_of, loads


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Pair(NamedTuple):
    first: int
    second: float | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    name: str
    colours: frozenset[Colour] = frozenset()
    pairs: tuple[Pair, ...] = ()
    both: tuple[str, bool] = ("", False)
    more: float = 1.5


def reader(**changes: tuple[str, ...]) -> RowReader:
    return RowReader({**layout_of(Thing), **changes}, {})


def read(text: str, hint: Any = Thing, **layout: tuple[str, ...]) -> Any:
    return reader(**layout).of(hint)(loads(text))


THINGS = st.builds(
    Thing,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.frozensets(st.sampled_from(Colour)),
    st.lists(st.builds(Pair, st.integers(-(2**60), 2**60), st.none() | st.floats(*SECONDS)), max_size=3).map(tuple),
    st.tuples(st.text('ab\n"\\\x00é', max_size=5), st.booleans()),
    st.floats(*SECONDS),
)


@given(THINGS)
def test_what_is_written_is_read_as_it_was(thing: Thing) -> None:
    text = dumps(thing)
    assert "\n" not in text
    assert read(text) == thing


def test_a_row_has_the_fields_that_its_file_names() -> None:
    """So a file of an older version is read, and of a newer one that knows more."""
    assert read('["a"]', Thing=("name",)) == Thing("a")
    assert read('[["red"], {"any": 1}, "a"]', Thing=("colours", "new", "name")) == Thing("a", frozenset({Colour.RED}))


def test_a_layout_without_what_a_class_needs_is_refused_at_once() -> None:
    for layout in ({"Thing": ("colours",)}, {"Thing": ("name", "pairs")}):
        with pytest.raises(UnsoundError):
            RowReader(layout, {}).of(Thing)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "{}",
        '"a"',
        "[]",
        '["a", [], [], ["", false]]',
        '["a", [], [], ["", false], 1.5, 1]',
        '[1, [], [], ["", false], 1.5]',
        '["a", ["green"], [], ["", false], 1.5]',
        '["a", [["red"]], [], ["", false], 1.5]',
        '["a", "red", [], ["", false], 1.5]',
        '["a", [], [[1]], ["", false], 1.5]',
        '["a", [], [[1.0, null]], ["", false], 1.5]',
        '["a", [], [[true, null]], ["", false], 1.5]',
        '["a", [], [], [""], 1.5]',
        '["a", [], [], ["", 0], 1.5]',
        '["a", [], [], ["", false], "1.5"]',
        '["a", [], [], ["", false], true]',
        '["a", [], [], ["", false], 1e999]',
        '["a", [], [], ["", false], 253402300800]',  # of the year 10,000
        '["a", [], [], ["", false], -6.3e10]',
        '["a", [], [], ["", false], NaN]',
        '["a", [], [], ["", false], Infinity]',
        f'["a", [], [[{10**21}, null]], ["", false], 1.5]',
        f'["a", [], [[{"9" * 5000}, null]], ["", false], 1.5]',
        f'["{"a" * (MAX_TEXT + 1)}", [], [], ["", false], 1.5]',
        '["\\ud800", [], [], ["", false], 1.5]',
        "[" * 100_000,
        '["a"',
        "",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UnsoundError):
        read(text)


def test_a_class_may_have_a_check_of_its_own() -> None:
    def positive(pair: Pair) -> None:
        if pair.first < 0:
            raise UnsoundError("below 0")

    rows = RowReader(layout_of(Thing), {Pair: positive})
    assert rows.of(Pair)([1, None]) == Pair(1)
    with pytest.raises(UnsoundError):
        rows.of(Pair)([-1, None])


def test_a_value_that_is_no_number_is_not_written() -> None:
    with pytest.raises(ValueError):
        dumps([float("nan")])
