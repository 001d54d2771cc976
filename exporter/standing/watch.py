"""The watch over our own standing: our address by what hosts tell, and its checks as they become due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.address import Family, family_of
from exporter.model.standing import NO_STANDING, AddressSource, FamilyStanding, StandingView
from exporter.standing.agreement import Agreement, Told, agree
from exporter.standing.checks import (
    Answer,
    Check,
    Pace,
    StandingPlan,
    Timetable,
    as_planned,
    checks_of,
    run_check,
    with_answer,
)
from exporter.standing.records import RecordQueries

# Answers that are kept, also about another address: it may be ours again.
_MAX_ANSWERS: Final = 1024


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
        self, queries: Callable[[], RecordQueries], on_view: Callable[[StandingView, StandingView], None], pace: Pace
    ) -> None:
        """`queries` gives the resolver of now; `on_view` gets the view before and the one of now.

        Equal views may differ in the times of answers.
        """
        self._queries = queries
        self._on_view = on_view
        self._pace = pace
        self._loop = asyncio.get_running_loop()
        self._timetable = Timetable(pace)
        self._plan = StandingPlan()
        self._answers: BoundedDict[Check, Answer] = BoundedDict(_MAX_ANSWERS)  # the last of each check
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
        answer = self._answers[check] = await run_check(check, self._plan, self._queries())
        self._timetable.done(check, self._loop.time())
        standing = self.view.of(check.family)
        if standing.address == check.address:
            changed = as_planned(with_answer(standing, answer), self._plan)
            self._see(replace(self.view, families=MappingProxyType({**self.view.families, check.family: changed})))

    def _see(self, view: StandingView) -> None:
        before, self.view = self.view, view
        self._on_view(before, view)

    def _followed(self, family: Family, agreement: Agreement, source: AddressSource) -> FamilyStanding:
        """The standing with what hosts tell now; of another address what is known of it."""
        standing = self.view.of(family)
        if standing.address != agreement.address:
            standing = FamilyStanding(family)
            for check in checks_of(family, agreement.address, self._plan):
                standing = with_answer(standing, self._answers.get(check))
        return replace(
            as_planned(standing, self._plan),
            source=source if agreement.address else AddressSource.NONE,
            address=agreement.address,
            organisations=agreement.organisations,
            told=agreement.others,
            is_contested=agreement.is_contested,
        )
