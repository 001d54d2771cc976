"""The checks of our address: what is looked up, when, and the standing with each new answer.

Each check has a time of its own. The first ones after a start come one after the other; from then on those of block
lists are spread over their hour, so that no list is asked more often, nor many at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.address import Family, family_of
from exporter.model.printable import printable
from exporter.model.standing import FamilyStanding, HeloName, ListAnswer, ReverseDns, SenderPolicy
from exporter.policies.spf.check_host import check_host
from exporter.standing.block_lists import lookup_listing
from exporter.standing.own_names import lookup_helo, lookup_reverse_dns
from exporter.standing.records import RecordQueries

# Checks of other addresses and other plans that are remembered.
_MAX_REMEMBERED: Final = 1024
_MAX_REASON: Final = 200


class MailSender(NamedTuple):
    """A domain that our mail is from; `mailbox` empty: the null sender, for which the EHLO name stands."""

    domain: str
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class StandingPlan:
    """The things to look up, for the address of any family."""

    helo: tuple[str, ...] = ()  # names, the usual first
    senders: tuple[MailSender, ...] = ()
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from one check to the next; block lists are asked at most hourly."""

    look: float = 30.0  # how often it is seen what is due
    names: float = 600.0
    lists: float = 3600.0
    between: float = 1.0  # two checks


class Check(NamedTuple):
    """One check of one address."""

    family: Family
    address: str
    kind: str  # reverse, helo, spf, list
    name: str = ""

    @property
    def is_list(self) -> bool:
        """The check is of a block list."""
        return self.kind == _LIST


# None: the check says nothing about the address.
Answer = ReverseDns | HeloName | SenderPolicy | ListAnswer | None
_LIST: Final = "list"


def checks_of(family: Family, address: str, plan: StandingPlan) -> Iterable[Check]:
    """All checks of one address, in their order."""
    yield Check(family, address, "reverse")
    for name in plan.helo:
        yield Check(family, address, "helo", name)
    for sender in plan.senders:
        yield Check(family, address, "spf", sender.domain)
    for zone in plan.lists:
        yield Check(family, address, _LIST, zone)


def list_check(address: str, zone: str) -> Check:
    """The check of one block list."""
    return Check(family_of(address), address, _LIST, zone)


async def run_check(check: Check, plan: StandingPlan, queries: RecordQueries) -> Answer:
    """Look up what a check is about."""
    match check.kind:
        case "reverse":
            return await lookup_reverse_dns(queries, check.address)
        case "helo":
            return await lookup_helo(queries, check.name, check.address)
        case "spf":
            return await _policy(check, plan, queries)
    return await lookup_listing(queries, check.name, check.address)


async def _policy(check: Check, plan: StandingPlan, queries: RecordQueries) -> SenderPolicy:
    sender = next((each for each in plan.senders if each.domain == check.name), MailSender(check.name))
    helo = plan.helo[0] if plan.helo and sender.mailbox else sender.domain
    verdict = await check_host(queries, check.address, sender.mailbox, helo)
    return SenderPolicy(sender.domain, verdict.result, sender.mailbox, printable(verdict.reason, _MAX_REASON))


def with_answer(standing: FamilyStanding, answer: Answer) -> FamilyStanding:
    """The standing with one more answer, in place of the one before."""
    if isinstance(answer, ReverseDns):
        return replace(standing, reverse=answer)
    if isinstance(answer, SenderPolicy):
        others = [each for each in standing.spf if each.domain != answer.domain]
        return replace(standing, spf=(*others, answer))
    if isinstance(answer, ListAnswer):
        return replace(standing, lists=(*[each for each in standing.lists if each.name != answer.name], answer))
    if isinstance(answer, HeloName):
        return replace(standing, helo=(*[each for each in standing.helo if each.name != answer.name], answer))
    return standing


def as_planned(standing: FamilyStanding, plan: StandingPlan) -> FamilyStanding:
    """A standing in the order of the plan, without the answers that are not wanted any more."""
    policies = {each.domain: each for each in standing.spf}
    names, lists = {each.name: each for each in standing.helo}, {each.name: each for each in standing.lists}
    return replace(
        standing,
        helo=tuple([names[name] for name in plan.helo if name in names]),
        spf=tuple([policies[sender.domain] for sender in plan.senders if sender.domain in policies]),
        lists=tuple([lists[zone] for zone in plan.lists if zone in lists]),
    )


class Timetable:
    """The moment at which each check is due, by one clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._due: dict[Check, float] = {}
        # Of checks that were made, also of some that are not wanted any more: a list is not asked again too soon.
        self._next: BoundedDict[Check, float] = BoundedDict(_MAX_REMEMBERED)

    def remember(self, check: Check, due: float) -> None:
        """Have a check that was made before the start due when it would have been."""
        self._next[check] = due

    def follow(self, checks: Iterable[Check], now: float) -> None:
        """Have these checks alone: new ones are due at once, those of before when they would have been."""
        known = self._next.get
        self._due = {check: known(check, now) for check in checks}

    def next_due(self, now: float) -> Check | None:
        """A check that is due, the longest first."""
        check = min(self._due, key=self._due.__getitem__, default=None)
        return check if check is not None and self._due[check] <= now else None

    def done(self, check: Check, now: float) -> None:
        """A check was made; the next one of a list keeps its distance from those of the others, a share of the hour."""
        due = now + (self._pace.lists if check.is_list else self._pace.names)
        others = [moment for each, moment in self._due.items() if each.is_list and each != check]
        if check.is_list and others:
            due = max(due, max(others) + self._pace.lists / (len(others) + 1))
        self._next[check] = due
        if check in self._due:
            self._due[check] = due
