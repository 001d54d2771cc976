"""Refusals beside our own standing: a statement is never stronger than what is known."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from exporter.diagnosis.own_standing import with_standing
from exporter.model.address import Family
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.standing import (
    AddressName,
    AddressSource,
    FamilyStanding,
    ListAnswer,
    ListingState,
    ReverseDns,
    StandingView,
)

C, L = FailureClass, ListingState
OURS, HOST = "192.0.2.1", "203.0.113.9"
POINTER = "1.2.0.192.in-addr.arpa"
NAMELESS = ReverseDns(POINTER)


def view(reverse: ReverseDns | None = None, refusing: int = 0, **lists: ListingState) -> StandingView:
    answers = tuple(ListAnswer(f"{name}.bl", state) for name, state in lists.items())
    standing = FamilyStanding(Family.IPV4, AddressSource.TOLD, OURS, 3, reverse=reverse, lists=answers)
    return StandingView(
        MappingProxyType({Family.IPV4: standing}), tuple(f"{name}.bl" for name in lists), MappingProxyType({}), refusing
    )


def refused(failure_class: FailureClass, said: str = "no", confidence: Confidence = Confidence.LIKELY) -> Failure:
    return Failure(Stage.BANNER, failure_class, f"the server said: 554 {said}", confidence)


def told(failure: Failure, seen: StandingView, host: str = HOST, source: str = "") -> Failure:
    found = with_standing(failure, host, source, seen)
    assert found is not None
    return found


def test_a_missing_ptr_makes_the_reason_certain_and_is_named() -> None:
    found = told(refused(C.RDNS_REQUIRED), view(NAMELESS))
    assert found.confidence is Confidence.CERTAIN
    assert found.evidence == (f"our address {OURS} has no PTR record: {POINTER} names nothing",)


def test_where_hosts_see_us_by_several_addresses_only_the_one_that_is_named_is_certain() -> None:
    seen = view(NAMELESS)
    contested = replace(seen.of(Family.IPV4), is_contested=True)
    seen = replace(seen, families=MappingProxyType({Family.IPV4: contested}))
    found = told(refused(C.RDNS_REQUIRED), seen)
    assert (found.confidence, len(found.evidence)) == (Confidence.LIKELY, 1)
    assert told(refused(C.RDNS_REQUIRED, f"no PTR of [{OURS}]"), seen).confidence is Confidence.CERTAIN


def test_a_name_that_leads_elsewhere_is_named_with_where() -> None:
    names = (AddressName("mail.example.net", False, ("198.51.100.7",)), AddressName("gone.example.net", False))
    found = told(refused(C.RDNS_REQUIRED), view(ReverseDns(POINTER, names)))
    assert found.confidence is Confidence.CERTAIN
    assert found.evidence == (
        f"the PTR record of our address {OURS} names mail.example.net, which resolves to 198.51.100.7, not back to it",
        f"the PTR record of our address {OURS} names gone.example.net, which has no such address, not back to it",
    )


def test_a_name_that_resolves_back_is_told_and_makes_nothing_certain() -> None:
    names = (AddressName("dsl-1.example.net", True, (OURS,), "has the word dsl in it"),)
    found = told(refused(C.RDNS_REQUIRED), view(ReverseDns(POINTER, names)))
    assert found.confidence is Confidence.LIKELY
    assert "resolves back to it" in found.evidence[0]
    assert found.evidence[1] == (
        "the name dsl-1.example.net has the word dsl in it: some receivers take it for no mail server's"
    )


@pytest.mark.parametrize("reverse", [None, ReverseDns(POINTER, failure="no answer")])
def test_an_unknown_name_shows_nothing(reverse: ReverseDns | None) -> None:
    failure = refused(C.RDNS_REQUIRED)
    assert told(failure, view(reverse)) is failure


def test_the_lists_that_really_have_us_are_named_with_the_domains_that_refuse_us() -> None:
    found = told(refused(C.REPUTATION_BLOCKED), view(None, 12, one=L.LISTED, two=L.CLEAR, three=L.LISTED, four=L.DEAD))
    assert found.evidence == (
        f"our address {OURS} is listed by one.bl and three.bl; 12 domains refuse us for our reputation",
        f"no usable answer about our address {OURS} came from four.bl",
    )
    assert found.about == "one.bl"
    assert found.confidence is Confidence.LIKELY


def test_the_list_that_the_reply_names_stays_the_one_to_ask() -> None:
    failure = replace(refused(C.REPUTATION_BLOCKED), about="zen.bl")
    assert told(failure, view(one=L.LISTED)).about == "zen.bl"


def test_without_a_listing_anywhere_that_is_told() -> None:
    found = told(refused(C.REPUTATION_BLOCKED), view(None, 1, one=L.CLEAR, two=L.CLEAR))
    assert found.evidence == (
        f"our address {OURS} is listed by none of one.bl and two.bl; 1 domain refuses us for our reputation",
    )
    assert found.about == ""


@pytest.mark.parametrize("state", [L.DEAD, L.FAILED, L.REFUSED])
def test_a_list_without_a_usable_answer_does_not_clear_us(state: ListingState) -> None:
    found = told(refused(C.REPUTATION_BLOCKED), view(one=L.CLEAR, two=state))
    assert found.evidence == (
        f"our address {OURS} is not listed by one.bl",
        f"no usable answer about our address {OURS} came from two.bl",
    )
    only = told(refused(C.REPUTATION_BLOCKED), view(two=state))
    assert only.evidence == (f"no usable answer about our address {OURS} came from two.bl",)


def test_without_a_list_that_says_anything_the_domains_that_refuse_us_are_told() -> None:
    found = told(refused(C.REPUTATION_BLOCKED), view(None, 5, one=L.DEAD))
    assert found.evidence == (
        f"no usable answer about our address {OURS} came from one.bl; 5 domains refuse us for our reputation",
    )
    found = told(refused(C.REPUTATION_BLOCKED), view(None, 5))
    assert found.evidence == (
        f"no block list is asked about our address {OURS} (standing.lists names none); "
        "5 domains refuse us for our reputation",
    )
    assert found.about == ""


def test_lists_that_are_not_asked_yet_are_not_spoken_of() -> None:
    failure = refused(C.REPUTATION_BLOCKED)
    assert told(failure, replace(view(), lists=("one.bl",))) is failure
    partly = replace(view(one=L.CLEAR), lists=("one.bl", "two.bl"))
    assert told(failure, partly).evidence == (f"our address {OURS} is not listed by one.bl",)


@pytest.mark.parametrize("failure_class", [C.RDNS_REQUIRED, C.REPUTATION_BLOCKED])
def test_a_reply_about_another_address_gains_nothing(failure_class: FailureClass) -> None:
    seen = view(NAMELESS, one=L.LISTED)
    other = refused(failure_class, "client host [198.51.100.7] rejected")
    assert told(other, seen) is other
    ours = refused(failure_class, f"client host [{OURS}] rejected; see {HOST}")
    assert told(ours, seen).evidence


def test_another_family_another_source_and_another_class_gain_nothing() -> None:
    seen = view(NAMELESS, one=L.LISTED)
    failure = refused(C.RDNS_REQUIRED)
    assert told(failure, seen, host="2001:db8::9") is failure
    assert told(failure, seen, source="198.51.100.7") is failure
    usual = replace(seen, sources=MappingProxyType({Family.IPV4: "198.51.100.7"}))
    assert told(failure, usual) is failure
    assert told(failure, usual, source="198.51.100.7").evidence
    policy = refused(C.POLICY_REJECTED)
    assert told(policy, seen) is policy
    assert with_standing(None, HOST, "", seen) is None
    assert told(failure, StandingView()) is failure
