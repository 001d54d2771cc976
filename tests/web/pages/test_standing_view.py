"""The page about our own standing."""

from __future__ import annotations

from types import MappingProxyType

from exporter.model.address import Family
from exporter.model.standing import (
    AddressName,
    AddressSource,
    FamilyStanding,
    HeloName,
    ListAnswer,
    ListingState,
    ReverseDns,
    SenderPolicy,
    SpfResult,
    StandingView,
    ToldAddress,
)
from exporter.web.pages.standing_view import standing_page
from tests.results import AT
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import HOSTILE, get, text

OURS = "192.0.2.1"


def seen(standing: FamilyStanding, refusing: int = 0, lists: tuple[str, ...] = ()) -> StandingView:
    return StandingView(MappingProxyType({standing.family: standing}), lists, MappingProxyType({}), refusing)


async def test_without_being_asked_for_the_page_says_how_to_ask(backend: FakeBackend) -> None:
    shown = text(await get(backend, "/standing"))
    assert "Not asked for" in shown
    assert "Nothing is looked up without it." in shown


async def test_every_fact_is_shown_with_its_evidence(backend: FakeBackend) -> None:
    answers = (
        ListAnswer("one.bl", ListingState.LISTED, AT, ("127.0.0.4",), "see one.bl"),
        ListAnswer("two.bl", ListingState.DEAD, AT, (), "it answers for everything"),
    )
    standing = FamilyStanding(
        Family.IPV4,
        AddressSource.TOLD,
        OURS,
        3,
        told=(ToldAddress("10.0.0.5", 1, 2, "mx.odd.example", "it is private (RFC 1918)"),),
        reverse=ReverseDns("1.2.0.192.in-addr.arpa"),
        helo=(HeloName("probe.example", False, "it resolves to 198.51.100.7"),),
        spf=(SenderPolicy("sender.example", SpfResult.FAIL, "p@sender.example"),),
        lists=answers,
    )
    backend.own_standing = seen(standing, 3, ("one.bl", "two.bl", "three.bl"))
    page = await get(backend, "/standing")
    shown = text(page)
    assert "3 domains refuse us for our reputation" in shown
    assert 'href="./?class=reputation_blocked"' in page
    assert f"IPv4 {OURS} 3 unrelated organisations tell it in their answers to EHLO." in shown
    assert "Reverse DNS missing our address 192.0.2.1 has no PTR record: 1.2.0.192.in-addr.arpa names nothing" in shown
    assert "names nothing Next: have the owner of 192.0.2.1, mostly our provider, name probe.example in" in shown
    assert "EHLO name probe.example differs it resolves to 198.51.100.7 Next: say another name" in shown
    assert "SPF of sender.example fail for p@sender.example: the policy forbids our address" in shown
    assert "Next: have the SPF record of sender.example allow 192.0.2.1, or set another mail_from" in shown
    assert "one.bl listed 127.0.0.4 see one.bl Next: find what was sent from our address; then ask one.bl to" in shown
    assert "two.bl dead it answers for everything Next: mend its name in standing.lists, or take it out" in shown
    assert "three.bl not asked yet" in shown
    assert "10.0.0.5, told by 2 hosts of 1 organisation such as mx.odd.example: not believed, it is private" in shown


async def test_a_text_of_a_list_cannot_act_on_the_page(backend: FakeBackend) -> None:
    answer = ListAnswer("one.bl", ListingState.LISTED, AT, (), HOSTILE)
    backend.own_standing = seen(
        FamilyStanding(Family.IPV4, AddressSource.TOLD, OURS, 3, lists=(answer,)), 0, ("one.bl",)
    )
    page = await get(backend, "/standing")
    assert HOSTILE not in page
    assert "<script>" not in page


def test_the_tone_of_a_card_is_that_of_its_worst_fact() -> None:
    good = ReverseDns("pointer", (AddressName("mail.example.net", True, (OURS,)),))
    generic = ReverseDns("pointer", (AddressName("dsl-1.example.net", True, (OURS,), "has a word"),))
    listed = (ListAnswer("one.bl", ListingState.LISTED),)

    def tone(**facts: object) -> str:
        standing = FamilyStanding(Family.IPV4, AddressSource.TOLD, OURS, 3, **facts)  # type: ignore[arg-type]
        return standing_page(seen(standing, lists=("one.bl",))).cards[0].tone

    assert tone(reverse=good) == "up"
    assert tone(reverse=generic) == "misconfigured"
    assert tone(reverse=generic, lists=listed) == "blocked"
    assert tone(reverse=ReverseDns("pointer", failure="no answer")) == "up"
    assert standing_page(seen(FamilyStanding(Family.IPV4))).cards[0].tone == "unknown"


def test_only_what_is_wrong_has_a_next_step() -> None:
    names = (AddressName("mail.example.net", True, (OURS,)),)
    good = FamilyStanding(
        Family.IPV4,
        AddressSource.TOLD,
        OURS,
        3,
        reverse=ReverseDns("pointer", names),
        helo=(HeloName("mail.example.net", True),),
        spf=tuple([SenderPolicy("a.example", each) for each in (SpfResult.PASS, SpfResult.NONE, SpfResult.TEMPERROR)]),
        lists=(ListAnswer("one.bl", ListingState.CLEAR), ListAnswer("two.bl", ListingState.FAILED)),
    )
    (card,) = standing_page(seen(good, lists=("one.bl", "two.bl"))).cards
    assert {*[fact.next for fact in card.facts], *[row.next for row in card.lists]} == {""}
    generic = ReverseDns("pointer", (AddressName("dsl-1.example.net", True, (OURS,), "has a word"),))
    (card,) = standing_page(seen(FamilyStanding(Family.IPV4, AddressSource.TOLD, OURS, 3, reverse=generic))).cards
    assert card.facts[0].next.startswith(f"ask the owner of {OURS}, mostly our provider, for the name ")


def test_an_unknown_fact_is_said_to_be_unknown() -> None:
    standing = FamilyStanding(
        Family.IPV4,
        AddressSource.CONFIGURED,
        OURS,
        reverse=ReverseDns("pointer", failure="no answer"),
        helo=(HeloName("probe.example", None, "no answer"),),
        spf=(SenderPolicy("probe.example", SpfResult.TEMPERROR, "", "no answer"),),
    )
    (card,) = standing_page(seen(standing)).cards
    assert [(fact.state, fact.tone) for fact in card.facts] == [
        ("not known", "unknown"),
        ("not known", "unknown"),
        ("temperror", "unknown"),
    ]
    assert card.source == "Configured."
