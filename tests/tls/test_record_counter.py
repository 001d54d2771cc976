"""Records and bytes of a server against the limits of a connection."""

from __future__ import annotations

import pytest

from exporter.tls.record_counter import MAX_ANSWER_BYTES, RecordCounter, RecordLimits

LIMITS = RecordLimits(
    handshake_bytes=1000,
    all_bytes=5000,
    records=20,
    text_records=10,
    empty_records=4,
    empty_bytes=300,
    bytes_beside_text=500,
)


def _after_handshake() -> RecordCounter:
    counter = RecordCounter(LIMITS)
    counter.in_handshake = False
    return counter


def test_bytes_have_one_limit_in_the_handshake_and_another_in_all() -> None:
    counter = RecordCounter(LIMITS)
    counter.add_bytes(1000)
    assert counter.excess_of_bytes() is None
    counter.add_bytes(1)
    assert counter.excess_of_bytes() == "sent more than 1000 bytes of TLS"
    counter.in_handshake = False
    assert counter.excess_of_bytes() is None
    counter.add_bytes(4000)
    assert counter.excess_of_bytes() == "sent more than 5000 bytes of TLS"


@pytest.mark.parametrize(
    ("records", "size", "text", "words"),
    [
        (5, 20, 0, "4 records of TLS that say nothing"),
        (4, 100, 0, "300 bytes of TLS without saying anything"),
        (11, 30, 10, "10 records of TLS"),
        (3, 300, 100, "500 bytes of TLS that are no text"),
    ],
)
def test_each_kind_of_excess_is_named(records: int, size: int, text: int, words: str) -> None:
    counter = _after_handshake()
    for _ in range(records):
        assert counter.excess_of_records() is None
        counter.begin_record(size)
        counter.add_text(text)
    assert words in (counter.excess_of_records() or "")


def test_text_in_several_pieces_is_that_of_one_record() -> None:
    counter = _after_handshake()
    for _ in range(9):
        counter.begin_record(60)
        for piece in (20, 0, 20):
            counter.add_text(piece)
    assert counter.excess_of_records() is None


def test_records_of_the_handshake_count_and_their_bytes_do_not() -> None:
    counter = RecordCounter(LIMITS)
    for _ in range(4):
        counter.begin_record(1000)
    counter.in_handshake = False
    assert counter.excess_of_records() is None
    counter.begin_record(10)
    assert "4 records of TLS that say nothing" in (counter.excess_of_records() or "")


def test_a_connection_may_do_without_a_limit() -> None:
    counter = RecordCounter(RecordLimits(1000))
    counter.in_handshake = False
    for _ in range(10_000):
        counter.add_bytes(1000)
        counter.begin_record(1000)
    assert (counter.excess_of_bytes(), counter.excess_of_records()) == (None, None)


def test_answers_have_a_limit() -> None:
    assert RecordCounter.excess_of_answers(MAX_ANSWER_BYTES) is None
    assert RecordCounter.excess_of_answers(MAX_ANSWER_BYTES + 1) is not None
