"""Templates and values as text."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

from exporter.metrics import families as f
from exporter.metrics.columns import Labels, RowWriter, escaped, label_set, value_text, value_texts

NONE: frozenset[str] = frozenset()
# The library has no types for it.
as_go: Callable[[float], str] = floatToGoString


@given(st.one_of(st.integers(-5, 10**12), st.booleans(), st.floats().filter(lambda value: str(value) != "-0.0")))
def test_a_value_is_written_as_the_library_does(value: float) -> None:
    assert value_text(value) == as_go(value)


_NUMBERS = st.floats().filter(lambda value: str(value) != "-0.0")


@given(
    st.one_of(
        st.lists(_NUMBERS),
        st.lists(st.one_of(st.integers(0, 10**12), st.booleans(), _NUMBERS)),
        st.lists(st.floats(1e-300, 2e6)),
        st.lists(st.floats(0.9e9, 1.1e10)),
        st.lists(st.integers(10**9, 10**10).map(float)),
    )
)
def test_a_column_is_written_as_its_values_are(values: list[float]) -> None:
    assert value_texts(values) == [as_go(value) for value in values]


@pytest.mark.parametrize(
    ("text", "expected"), [("a.example", "a.example"), ('a"b', r"a\"b"), ("a\\n", r"a\\n"), ("a\nb", r"a\nb"), ("", "")]
)
def test_a_label_s_value_is_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected


def test_a_text_without_escapes_is_not_copied() -> None:
    text = "".join(["mx.", "a.example"])
    assert escaped(text) is text


def writer(*labels: tuple[str, str | int], disabled: frozenset[str] = NONE) -> RowWriter:
    return RowWriter(labels, ("a.example", "b"), disabled)


def test_labels_are_in_alphabetical_order_whether_they_are_a_row_s_own_or_not() -> None:
    row = writer(("domain", 0), ("team", 1))
    row.mark(f.DOMAIN_FAILURE, (("stage", "dns"), ("class", "dns_bogus")))
    (template,) = row.row().shape.templates
    assert template.line == ('\nmx_domain_failure{class="dns_bogus",domain="', "", '",stage="dns",team="', "", '"} 1.0')
    assert (template.keys, template.has_number) == ((0, 1), False)


def test_rows_with_the_same_series_have_one_shape_and_other_rows_another() -> None:
    rows = []
    for warnings in (("a",), ("a",), ("a", "b")):
        row = writer(("domain", 0))
        row.number(f.DOMAIN_UP, 1)
        for warning in warnings:
            row.mark(f.DOMAIN_WARNING, (("class", warning),))
        rows.append(row.row())
    assert rows[0].shape is rows[1].shape
    assert rows[2].shape is not rows[0].shape
    assert rows[2].shape.numbers == (0, -1, -1)


def test_templates_and_shapes_that_no_row_has_any_more_are_freed() -> None:
    """Extensions and replies, which hosts choose, make shapes: years of them must not fill the memory."""
    labels: Labels = (("domain", 0), ("used_once", 1))
    row = RowWriter(labels, ("a.example", "b"), NONE)
    row.number(f.DOMAIN_UP, 1)
    kept = row.row()
    assert kept.shape.labels is label_set(labels)
    used = [weakref.ref(each) for each in (kept.shape, kept.shape.templates[0], kept.shape.labels)]
    del kept, row
    gc.collect()
    assert [each() for each in used] == [None, None, None]


def test_a_key_that_comes_later_has_the_next_place_and_is_escaped() -> None:
    row = writer(("domain", 0))
    assert (row.key('x"'), row.key("y")) == (2, 3)
    assert row.row().keys == ("a.example", "b", r"x\"", "y")


def test_a_series_that_is_switched_off_takes_no_place() -> None:
    row = writer(("domain", 0), disabled=frozenset({"mx_domain_up", "mx_domain_warning"}))
    row.number(f.DOMAIN_UP, 1)
    row.mark(f.DOMAIN_WARNING, (("class", "x"),))
    row.number(f.DNS_MX_RECORDS, 7)
    assert (len(row.row().shape.templates), row.row().numbers) == (1, ("7.0",))


def test_a_number_that_moves_takes_no_place_among_those_of_the_row() -> None:
    row = writer(("domain", 0), disabled=frozenset({"mx_domain_probe_failures_total"}))
    row.number(f.DOMAIN_UP, 1)
    row.moving(f.DOMAIN_PROBE_FAILURES, 0)
    row.moving(f.DOMAIN_PROBES, 1)
    row.number(f.DNS_MX_RECORDS, 7)
    shape, _, numbers = row.row()
    assert numbers == ("1.0", "7.0")
    assert {template.moving for template in shape.templates} == {-1, 1}


def test_equal_numbers_of_rows_are_one_object() -> None:
    rows = [writer(("domain", 0)), writer(("domain", 0))]
    for row in rows:
        row.number(f.DOMAIN_UP, 1)
        row.number(f.DNS_MX_RECORDS, 12)
    assert rows[0].row().numbers is rows[1].row().numbers
