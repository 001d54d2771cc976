"""The content of the page about our own standing, as plain values for the template.

Names and texts of the DNS are printable already; the template escapes markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.own_standing import reverse_dns_lines
from exporter.model.address import Family
from exporter.model.standing import AddressSource, FamilyStanding, ListingState, SpfResult, StandingView

_TITLES: Final = MappingProxyType({Family.IPV4: "IPv4", Family.IPV6: "IPv6"})
# The class of a badge: its colours are those of verdicts.
_GOOD, _BLOCKED, _WRONG, _OPEN = "up", "blocked", "misconfigured", "unknown"
_SPF_TONES: Final = MappingProxyType(
    {
        SpfResult.PASS: _GOOD,
        SpfResult.FAIL: _WRONG,
        SpfResult.SOFTFAIL: _WRONG,
        SpfResult.PERMERROR: _WRONG,
        SpfResult.NEUTRAL: _OPEN,
        SpfResult.NONE: _OPEN,
        SpfResult.TEMPERROR: _OPEN,
    }
)
_SPF_MEANINGS: Final = MappingProxyType(
    {
        SpfResult.PASS: "the policy allows our address",
        SpfResult.FAIL: "the policy forbids our address: receivers refuse mail from it",
        SpfResult.SOFTFAIL: "the policy does not name our address: receivers distrust mail from it",
        SpfResult.NEUTRAL: "the policy says nothing about our address",
        SpfResult.NONE: "the domain has no policy",
        SpfResult.PERMERROR: "the policy is wrong, and receivers may refuse mail for it",
        SpfResult.TEMPERROR: "the DNS gave no answer about the policy",
    }
)
_SPF_STEPS: Final = MappingProxyType(
    {
        SpfResult.FAIL: "have the SPF record of {domain} allow {address}, or set another mail_from",
        SpfResult.SOFTFAIL: "have the SPF record of {domain} allow {address}, or set another mail_from",
        SpfResult.PERMERROR: "have the SPF record of {domain} mended, or set another mail_from",
    }
)
_LIST_STEPS: Final = MappingProxyType(
    {
        ListingState.LISTED: "find what was sent from our address; then ask {list} to remove it",
        ListingState.REFUSED: "ask it by a resolver of our own (nameservers), or take it out of standing.lists",
        ListingState.DEAD: "mend its name in standing.lists, or take it out",
    }
)
_LIST_TONES: Final = MappingProxyType(
    {
        ListingState.LISTED: _BLOCKED,
        ListingState.CLEAR: _GOOD,
        ListingState.REFUSED: _OPEN,
        ListingState.FAILED: _OPEN,
        ListingState.IPV4_ONLY: _OPEN,
        ListingState.DEAD: _WRONG,
    }
)
_LIST_TEXTS: Final = MappingProxyType(
    {
        ListingState.LISTED: "listed",
        ListingState.CLEAR: "not listed",
        ListingState.REFUSED: "does not answer us",
        ListingState.FAILED: "no answer",
        ListingState.IPV4_ONLY: "IPv4 only",
        ListingState.DEAD: "dead",
    }
)


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact with its state and what is known of it."""

    name: str
    tone: str
    state: str
    lines: tuple[str, ...] = ()
    next: str = ""  # what to do about it, half a sentence


@dataclass(frozen=True, slots=True)
class ListRow:
    """One block list; `at` Unix time, 0: not asked yet."""

    name: str
    tone: str
    state: str
    codes: str
    detail: str
    next: str
    at: float


@dataclass(frozen=True, slots=True)
class StandingCard:
    """Our address of one family."""

    key: str  # the id of the section
    title: str
    address: str
    tone: str
    source: str  # a sentence
    facts: tuple[FactView, ...]
    lists: tuple[ListRow, ...]
    told: tuple[str, ...]  # addresses that are not believed, half a sentence each


@dataclass(frozen=True, slots=True)
class StandingPage:
    """The page. Without `is_asked` the configuration has no section for it."""

    is_asked: bool
    cards: tuple[StandingCard, ...]
    refusing: int  # domains that refuse us for our reputation
    has_lists: bool


def standing_page(view: StandingView) -> StandingPage:
    """The page with the present view."""
    cards = tuple([_card(standing, view) for standing in view.families.values()])
    return StandingPage(bool(view.families), cards, view.refusing, bool(view.lists))


def _card(standing: FamilyStanding, view: StandingView) -> StandingCard:
    facts = tuple(_facts(standing)) if standing.address else ()
    lists = tuple(_lists(standing, view)) if standing.address else ()
    tones = {*(each.tone for each in facts), *(each.tone for each in lists)}
    tone = next((each for each in (_BLOCKED, _WRONG) if each in tones), _GOOD if standing.address else _OPEN)
    return StandingCard(
        key=standing.family.value,
        title=_TITLES[standing.family],
        address=standing.address,
        tone=tone,
        source=_source(standing),
        facts=facts,
        lists=lists,
        told=tuple(
            f"{each.address}, told by {_count(each.hosts, 'host')} of {_count(each.organisations, 'organisation')}"
            f" such as {each.example}: not believed, {each.doubt}"
            for each in standing.told
        ),
    )


def _source(standing: FamilyStanding) -> str:
    told = f"{_count(standing.organisations, 'unrelated organisation')} tell it in their answers to EHLO."
    match standing.source:
        case AddressSource.CONFIGURED:
            return f"Configured; {told}" if standing.organisations else "Configured."
        case AddressSource.TOLD:
            return told[0].upper() + told[1:]
    return "Not known: too few mail hosts tell it in their answers to EHLO. It can be set in standing.addresses."


def _facts(standing: FamilyStanding) -> Iterator[FactView]:
    reverse = standing.reverse
    if reverse is None:
        yield FactView("Reverse DNS", _OPEN, "not asked yet")
    elif reverse.confirmed is None:
        reason = reverse.failure or "the addresses of a name are not known"
        yield FactView("Reverse DNS", _OPEN, "not known", (reason,))
    else:
        tone, state = (_GOOD, "confirmed") if reverse.confirmed else (_WRONG, "missing")
        if reverse.confirmed and reverse.generic:
            tone, state = _WRONG, "confirmed, generic"
        lines = tuple(reverse_dns_lines(standing.address, reverse))
        yield FactView("Reverse DNS", tone, state, lines, "" if tone is _GOOD else _next_for_names(standing))
    for helo in standing.helo:
        tone, state = {True: (_GOOD, "matches"), False: (_WRONG, "differs"), None: (_OPEN, "not known")}[helo.matches]
        line = helo.detail or f"{helo.name} resolves to our address"
        next_step = f"say another name (helo), or have that one resolve to {standing.address}"
        yield FactView(f"EHLO name {helo.name}", tone, state, (line,), next_step if helo.matches is False else "")
    for policy in standing.spf:
        lines = (_SPF_MEANINGS[policy.result], *filter(None, (policy.reason,)))
        who = policy.sender or "<>, so for the EHLO name"
        yield FactView(
            f"SPF of {policy.domain}",
            _SPF_TONES[policy.result],
            policy.result.value,
            (f"for {who}: {lines[0]}", *lines[1:]),
            _SPF_STEPS.get(policy.result, "").format(domain=policy.domain, address=standing.address),
        )


def _next_for_names(standing: FamilyStanding) -> str:
    """The call about our reverse DNS: the name that we say after EHLO is the one that receivers look for."""
    name = next((each.name for each in standing.helo if not each.name.startswith("[")), "the name of our mail server")
    owner = f"the owner of {standing.address}, mostly our provider,"
    if standing.reverse is not None and standing.reverse.confirmed:
        return f"ask {owner} for the name {name} in its PTR record"
    return f"have {owner} name {name} in its PTR record, and that name our address"


def _lists(standing: FamilyStanding, view: StandingView) -> Iterator[ListRow]:
    known = {each.name: each for each in standing.lists}
    for name in view.lists:
        answer = known.get(name)
        if answer is None:
            yield ListRow(name, _OPEN, "not asked yet", "", "", "", 0.0)
            continue
        tone, text = _LIST_TONES[answer.state], _LIST_TEXTS[answer.state]
        step = _LIST_STEPS.get(answer.state, "").format(list=name)
        yield ListRow(name, tone, text, ", ".join(answer.codes), answer.detail, step, answer.at)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
