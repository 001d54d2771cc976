"""The answers of a block list: an entry, none, an error of its own, or one that decides nothing."""

from __future__ import annotations

import pytest

from exporter.model.address import Family
from exporter.model.standing import ListAnswer, ListingState
from exporter.resolver.answer import DnsAnswer
from exporter.standing.list_answers import ListReplies, judge_list, query_name
from tests.standing.zones import ABSENT, NO_ANSWER

ENTRY = DnsAnswer(("127.0.0.2",))
NODATA = DnsAnswer()


def judged(
    ours: DnsAnswer,
    must_list: DnsAnswer = ENTRY,
    must_not: DnsAnswer = ABSENT,
    family: Family = Family.IPV4,
    of_ipv4: DnsAnswer | None = None,
) -> ListAnswer:
    return judge_list("bl.example", family, ListReplies(must_list, must_not, ours, of_ipv4), 7.0, "why")


def test_the_question_has_the_octets_or_nibbles_reversed() -> None:
    assert query_name("192.0.2.1", "bl.example") == "1.2.0.192.bl.example"
    nibbles = "3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert query_name("2001:db8::1:2:3", "bl.example") == f"{nibbles}.bl.example"
    assert query_name("::ffff:7f00:2", "bl.example").startswith("2.0.0.0.0.0.f.7.f.f.f.f.0.0.")  # RFC 5782 5


@pytest.mark.parametrize("code", ["127.0.0.2", "127.0.0.3", "127.0.1.4", "127.0.0.10"])
def test_an_entry_is_a_listing_with_its_words(code: str) -> None:
    found = judged(DnsAnswer((code,)))
    assert (found.state, found.codes, found.detail, found.at) == (ListingState.LISTED, (code,), "why", 7.0)


@pytest.mark.parametrize("ours", [ABSENT, NODATA])
def test_no_entry_is_none(ours: DnsAnswer) -> None:
    assert judged(ours).state is ListingState.CLEAR


@pytest.mark.parametrize(
    "code", ["127.255.255.252", "127.255.255.254", "127.255.255.255", "127.255.255.7", "127.0.0.1"]
)
def test_an_error_code_is_no_listing(code: str) -> None:
    found = judged(DnsAnswer((code,)), DnsAnswer((code,)), DnsAnswer((code,)))
    assert (found.state, found.codes) == (ListingState.REFUSED, (code,))
    assert judged(DnsAnswer((code,))).state is ListingState.REFUSED
    assert judged(ABSENT, DnsAnswer((code,))).state is ListingState.REFUSED


def test_a_list_that_answers_for_everything_is_dead() -> None:
    found = judged(ENTRY, ENTRY, ENTRY)
    assert found.state is ListingState.DEAD
    assert "answers for everything" in found.detail
    parked = DnsAnswer(("203.0.113.80",))
    assert judged(parked, parked, parked).state is ListingState.DEAD
    assert judged(NO_ANSWER, ENTRY, ENTRY).state is ListingState.DEAD


def test_a_list_without_its_test_entry_is_dead_whatever_it_says_of_us() -> None:
    for ours in (ABSENT, ENTRY):
        found = judged(ours, ABSENT)
        assert found.state is ListingState.DEAD
        assert "127.0.0.2" in found.detail


@pytest.mark.parametrize("position", range(3))
def test_without_an_answer_nothing_is_said(position: int) -> None:
    ours, must_list, must_not = [
        NO_ANSWER if place == position else each for place, each in enumerate((ABSENT, ENTRY, ABSENT))
    ]
    found = judged(ours, must_list, must_not)
    assert found.state is ListingState.FAILED
    assert "no answer" in found.detail


def test_an_answer_that_is_no_entry_is_none() -> None:
    assert judged(DnsAnswer(("203.0.113.80",))).state is ListingState.FAILED


def test_a_list_of_ipv4_alone_says_nothing_of_ipv6() -> None:
    assert judged(ABSENT, ABSENT, family=Family.IPV6, of_ipv4=ENTRY).state is ListingState.IPV4_ONLY
    assert judged(ABSENT, ABSENT, family=Family.IPV6, of_ipv4=ABSENT).state is ListingState.DEAD
    assert judged(ABSENT, family=Family.IPV6).state is ListingState.CLEAR
    assert judged(ABSENT, ABSENT, family=Family.IPV6, of_ipv4=NO_ANSWER).state is ListingState.FAILED


def test_a_filter_of_our_resolver_is_no_answer_of_the_list() -> None:
    filtered = DnsAnswer(("127.0.0.2",), filtered=NO_ANSWER.failure)
    assert judged(filtered).state is ListingState.FAILED
    assert judged(filtered, filtered, filtered).state is ListingState.FAILED
    silently = DnsAnswer(("0.0.0.0",))
    found = judged(silently, silently, silently)
    assert (found.state, found.detail) == (ListingState.FAILED, "our resolver filters it: it answers with 0.0.0.0")


def test_an_answer_that_our_resolver_makes_of_nxdomain_is_no_sign_of_a_dead_list() -> None:
    searched = DnsAnswer(("203.0.113.80",))
    found = judged(searched, ENTRY, searched)
    assert (found.state, found.codes) == (ListingState.FAILED, ("203.0.113.80",))
    assert "our resolver may have made it" in found.detail
    assert judged(searched, searched, searched, Family.IPV6, of_ipv4=ENTRY).state is ListingState.FAILED
