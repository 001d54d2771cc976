"""The values of our standing: unknown is neither good nor bad."""

from __future__ import annotations

import pytest

from exporter.model.address import Family
from exporter.model.standing import (
    NO_STANDING,
    AddressName,
    FamilyStanding,
    HeloName,
    ListAnswer,
    ListingState,
    ReverseDns,
)

BACK = AddressName("a.example", True)
AWAY = AddressName("b.example", False)
UNKNOWN = AddressName("c.example", None)


@pytest.mark.parametrize(
    ("names", "failure", "confirmed"),
    [
        ((), "", False),
        ((), "no answer", None),
        ((AWAY,), "", False),
        ((AWAY, BACK), "", True),
        ((UNKNOWN, BACK), "", True),
        ((AWAY, UNKNOWN), "", None),
    ],
)
def test_one_name_that_resolves_back_confirms(
    names: tuple[AddressName, ...], failure: str, confirmed: bool | None
) -> None:
    assert ReverseDns("pointer", names, failure).confirmed is confirmed


def test_an_address_looks_generic_if_all_its_names_do() -> None:
    generic = AddressName("dsl.example", True, generic="has a word")
    assert ReverseDns("pointer", (generic,)).generic is True
    assert ReverseDns("pointer", (generic, BACK)).generic is False
    assert ReverseDns("pointer").generic is None


@pytest.mark.parametrize(
    ("known", "matches"),
    [((), None), ((True,), True), ((True, False), False), ((True, None), None), ((None, False), False)],
)
def test_every_ehlo_name_has_to_match(known: tuple[bool | None, ...], matches: bool | None) -> None:
    names = tuple(HeloName(f"{number}.example", each) for number, each in enumerate(known))
    assert FamilyStanding(Family.IPV4, helo=names).helo_matches is matches


def test_only_listings_are_listings() -> None:
    answers = tuple(ListAnswer(state.value, state) for state in ListingState)
    assert [each.name for each in FamilyStanding(Family.IPV4, lists=answers).listed] == ["listed"]


def test_the_time_of_an_answer_makes_no_other_standing() -> None:
    assert ListAnswer("a.bl", ListingState.CLEAR, 1.0) == ListAnswer("a.bl", ListingState.CLEAR, 2.0)


def test_of_a_family_without_a_standing_nothing_is_known() -> None:
    assert NO_STANDING.of(Family.IPV6) == FamilyStanding(Family.IPV6)
