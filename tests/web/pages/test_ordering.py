"""A part of a table is that of the sorted table."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.web.pages import ordering
from exporter.web.pages.ordering import part


@given(
    st.lists(st.integers(0, 50), max_size=60), st.integers(0, 70), st.integers(0, 20), st.integers(1, 9), st.booleans()
)
def test_a_part_is_that_of_the_sorted_whole(
    rows: list[int], first: int, count: int, slice_: int, reverse: bool
) -> None:
    before = ordering._SLICE
    ordering._SLICE = slice_  # type: ignore[misc]
    try:
        ordered = sorted(rows, key=lambda row: -row, reverse=reverse)[first : first + count]
        assert part(rows, lambda row: -row, first, count, reverse=reverse) == ordered
    finally:
        ordering._SLICE = before  # type: ignore[misc]
