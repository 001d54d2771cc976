"""A stream of TLS cut into records: whole, byte by byte, and up to where it is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tls.records import Records

FIRST = b"\x16\x03\x01\x00\x03abc"
SECOND = b"\x17\x03\x03\x00\x00"
THIRD = b"\x15\x03\x03\x00\x02\x01\x00"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_records_come_out_whole_however_they_came_in(size: int) -> None:
    stream = FIRST + SECOND + THIRD
    records = Records()
    found: list[bytes] = []
    for place in range(0, len(stream), size):
        found += records.split(stream[place : place + size])
    assert found == [FIRST, SECOND, THIRD]
    assert not records.broken


@pytest.mark.parametrize("rest", [b"HTTP/1.1 400", b"\x16\x02\x01\x00\x01x", b"\x17\x03\x03\x48\x01", b"\x19\x03\x03"])
def test_what_is_no_record_comes_out_as_it_is(rest: bytes) -> None:
    records = Records()
    assert [*records.split(FIRST + rest)] == [FIRST, rest]
    assert records.broken
    assert [*records.split(b"more")] == [b"more"]


def test_half_a_record_waits() -> None:
    records = Records()
    assert [*records.split(FIRST[:-1])] == []
    assert not records.broken
    assert [*records.split(b"")] == []
    assert [*records.split(FIRST[-1:])] == [FIRST]


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_nothing_is_lost(pieces: list[bytes]) -> None:
    records, found = Records(), b""
    for piece in pieces:
        found += b"".join(records.split(piece))
    assert b"".join(pieces).startswith(found)
    assert records.broken <= (found == b"".join(pieces))
