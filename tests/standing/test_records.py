"""The records that standing is read from."""

from __future__ import annotations

from exporter.resolver.answer import DnsAnswer
from exporter.standing.records import failure_in, texts_in
from tests.standing.zones import ABSENT, NO_ANSWER


def test_a_name_that_does_not_exist_is_known_to_have_no_records() -> None:
    assert failure_in(ABSENT) == ""
    assert failure_in(DnsAnswer()) == ""
    assert failure_in(NO_ANSWER) == "no answer from the resolver"


def test_records_that_a_filter_made_are_not_known() -> None:
    assert failure_in(DnsAnswer(("192.0.2.1",), filtered=NO_ANSWER.failure))


def test_texts_are_sorted_and_nothing_else_is_one() -> None:
    assert texts_in(DnsAnswer(("b", (10, "mx"), b"text", "a"))) == ("a", "b")
