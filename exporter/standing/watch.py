"""The watch over our own standing: our address by what hosts tell, and its checks as they become due."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.address import Family, family_of
from exporter.model.standing import NO_STANDING, AddressSource, FamilyStanding, ListAnswer, StandingView
from exporter.standing.agreement import Agreement, Told, agree
from exporter.standing.checks import (
    Answer,
    Check,
    Pace,
    StandingPlan,
    Timetable,
    as_planned,
    checks_of,
    list_check,
    run_check,
    with_answer,
)
from exporter.standing.records import RecordQueries

# Answers that are kept, also about another address: it may be ours again.
_MAX_ANSWERS: Final = 1024


class ListMemory(BoundedDict[tuple[str, str], ListAnswer]):
    """The last answer of each block list about each address, by both. Saved: a restart asks no list anew."""

    def __init__(self) -> None:
        super().__init__(_MAX_ANSWERS)


@dataclass(frozen=True, slots=True)
class StandingSettings:
    """The settings of the watch, from the configuration."""

    plan: StandingPlan
    addresses: tuple[str, ...] = ()  # configured
    families: tuple[Family, ...] = tuple(Family)  # that are probed
    sources: Mapping[Family, str] = field(default_factory=lambda: MappingProxyType({}))


class StandingWatch:
    """Keeps the view of our own standing. One event loop's."""

    def __init__(
        self,
        queries: Callable[[], RecordQueries],
        on_view: Callable[[StandingView, StandingView], None],
        pace: Pace,
        lists: ListMemory | None = None,
    ) -> None:
        """`queries` gives the resolver of now; `on_view` gets the view before and the one of now.

        Equal views may differ in the times of answers. `lists` may have answers from before a restart.
        """
        self._queries = queries
        self._on_view = on_view
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._timetable = Timetable(pace)
        self._plan = StandingPlan()
        self._answers: BoundedDict[Check, Answer] = BoundedDict(_MAX_ANSWERS)  # the last of each check, but for lists
        self._lists = ListMemory() if lists is None else lists
        self._remember_lists()
        self.view: StandingView = NO_STANDING

    def follow(self, settings: StandingSettings | None, told: Iterable[Told], refusing: int = 0) -> None:
        """Follow the settings (None: standing is not asked for) and all that hosts tell now.

        `refusing`: the number of domains that refuse us for our reputation.
        """
        if settings is None:
            self._timetable.follow((), self._loop.time())
            self._see(NO_STANDING)
            return
        self._plan = plan = settings.plan
        told = tuple(told)
        configured = {family_of(address): address for address in settings.addresses}
        families = {}
        for family in Family:
            if family in settings.families or family in configured:
                agreement = agree(told, family, configured.get(family, ""))
                source = AddressSource.CONFIGURED if family in configured else AddressSource.TOLD
                families[family] = self._followed(family, agreement, source)
        checks = [
            check for each in families.values() if each.address for check in checks_of(each.family, each.address, plan)
        ]
        self._timetable.follow(checks, self._loop.time())
        self._see(StandingView(MappingProxyType(families), plan.lists, settings.sources, refusing))

    @property
    def due(self) -> Check | None:
        """The check that is due the longest."""
        return self._timetable.next_due(self._loop.time())

    async def check_due(self) -> None:
        """Make the checks that are due, one after the other, until it is time for another look at what is wanted.

        Those of many lists that do not answer take half an hour: another configuration does not wait for them.
        """
        until = self._loop.time() + self._pace.look
        while (check := self.due) is not None:
            await self.check(check)
            if self._loop.time() >= until:
                break
            await asyncio.sleep(self._pace.between)

    async def check(self, check: Check) -> None:
        """Make one check, and see what it changes."""
        try:
            answer = await run_check(check, self._plan, self._queries())
        finally:
            # After a bug of ours, too: neither is a list asked more often for it, nor do the other checks wait.
            self._timetable.done(check, self._loop.time())
        if isinstance(answer, ListAnswer):
            self._lists[check.address, check.name] = answer
        else:
            self._answers[check] = answer
        standing = self.view.of(check.family)
        if standing.address == check.address:
            changed = as_planned(with_answer(standing, answer), self._plan)
            self._see(replace(self.view, families=MappingProxyType({**self.view.families, check.family: changed})))

    def _see(self, view: StandingView) -> None:
        before, self.view = self.view, view
        self._on_view(before, view)

    def _followed(self, family: Family, agreement: Agreement, source: AddressSource) -> FamilyStanding:
        """The standing with what hosts tell now, and what is known of the address."""
        standing = FamilyStanding(family)
        for check in checks_of(family, agreement.address, self._plan):
            known = self._lists.get((check.address, check.name)) if check.is_list else self._answers.get(check)
            standing = with_answer(standing, known)
        return replace(
            standing,
            source=source if agreement.address else AddressSource.NONE,
            address=agreement.address,
            organisations=agreement.organisations,
            told=agreement.others,
            is_contested=agreement.is_contested,
        )

    def _remember_lists(self) -> None:
        """Ask no list before its hour is over; an answer that is older is none any more."""
        now, unix = self._loop.time(), time.time()
        for (address, name), answer in [*self._lists.items()]:
            left = answer.at + self._pace.lists - unix
            if 0 < left <= self._pace.lists:
                self._timetable.remember(list_check(address, name), now + left)
            else:
                self._lists.pop((address, name))
