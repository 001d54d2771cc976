"""Our own standing in the server: what hosts told in their sessions is read, the checks run, changes are logged.

No session is begun for it. The dialogues that are kept for people are read now and then: every line of a session is
there as it was on the wire, however quickly the session went.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from exporter.app.active_configuration import OncePerConfiguration
from exporter.app.monitor import Monitor
from exporter.concurrency import steady_clock
from exporter.model.address import Family, family_of, is_address
from exporter.model.configuration import Config
from exporter.model.egress import EgressByFamily, EgressState
from exporter.model.failure import FailureClass, Stage
from exporter.model.standing import FamilyStanding, ListingState, SpfResult, StandingView
from exporter.model.target import TargetKind
from exporter.net.helo_name import names_in
from exporter.smtp.told_address import told_in
from exporter.standing.agreement import Told
from exporter.standing.checks import MailSender, Pace, StandingPlan
from exporter.standing.watch import StandingSettings, StandingWatch
from exporter.store.record import TargetRecord
from exporter.store.transcripts import TranscriptStore

log = logging.getLogger(__name__)

# Dialogues read between two looks at the clock: a millisecond or two.
_STEP: Final = 200
# From one reading of all dialogues to the next, where nothing new was told lately: of 80,000 it takes 0.2 s.
_LONGEST_PAUSE: Final = 300.0
# An older dialogue was perhaps with another address of ours.
_MAX_AGE: Final = 86_400.0
# Names that we say after EHLO, and senders, that are looked up; a configuration may have one for each target.
_MAX_NAMES: Final = 8
_REFUSED: Final = (FailureClass.REPUTATION_BLOCKED,)
_BAD_SPF: Final = frozenset({SpfResult.FAIL, SpfResult.SOFTFAIL, SpfResult.PERMERROR})
_BAD_LISTS: Final = frozenset({ListingState.LISTED, ListingState.DEAD})
# In the label of a dialogue from no source address, where it is usual to have one.
_SYSTEMS: Final = "*ipv"


class StandingTask:
    """The task of the server that keeps the view of our own standing."""

    def __init__(self, monitor: Monitor, helo: str, pace: Pace) -> None:
        """`helo`: the name of this machine, said where the configuration has none."""
        self._monitor = monitor
        self._pace = pace
        self._settings = OncePerConfiguration(lambda config: settings_of(config, helo))
        self._watch = StandingWatch(lambda: monitor.engine.resolver, self._seen, pace, monitor.block_lists)
        self._told: frozenset[Told] = frozenset()
        self._pause = 0.0
        self._read_at = 0.0  # by the loop's clock

    async def run(self) -> None:
        """Keep it, without end."""
        while True:
            try:
                await self._look()
            except Exception:
                log.exception("internal error in the look at our own standing")
                self._monitor.metrics.internal_error()
            await asyncio.sleep(self._pace.look)

    async def _look(self) -> None:
        settings = self._settings.of(self._monitor.active)
        if settings is None:
            self._watch.follow(None, ())
            self._told, self._pause = frozenset(), 0.0
            return
        await self._read()
        told = sorted(believable(self._told, self._monitor.engine.watch.egress))
        self._watch.follow(settings, told, await self._refusing())
        with self._monitor.engine.resolver.for_unconfigured_target():
            await self._watch.check_due()

    async def _refusing(self) -> int:
        """The number of domains that refuse us for our reputation."""
        targets = self._monitor.results.targets
        if not targets.failing(_REFUSED):
            return 0
        return await asyncio.to_thread(lambda: sum(map(_is_refusing_domain, targets.records())))

    async def _read(self) -> None:
        """Read what hosts told, where it is time to: seldom while nothing changes."""
        now = asyncio.get_running_loop().time()
        if now < self._read_at + self._pause:
            return
        found: set[Told] = set()
        for number, told in enumerate(told_by_all(self._monitor.results.transcripts), 1):
            if told is not None:
                found.add(told)
            if number % _STEP == 0:
                await asyncio.sleep(0)
        is_news = found != self._told
        self._pause = self._pace.look if is_news else min(_LONGEST_PAUSE, 2 * max(self._pause, self._pace.look))
        self._told, self._read_at = frozenset(found), now

    def _seen(self, before: StandingView, view: StandingView) -> None:
        self._monitor.standing_seen(view)
        for family in Family:
            was = before.of(family)
            is_same = was.address == view.of(family).address
            for fields, is_bad in changes(was if is_same else FamilyStanding(family), view.of(family)):
                log.log(logging.WARNING if is_bad else logging.INFO, "own standing changed", extra={"fields": fields})


def _is_refusing_domain(record: TargetRecord) -> bool:
    failure = None if record.result is None else record.result.failure
    return failure is not None and failure.failure_class in _REFUSED and record.target.kind is TargetKind.DOMAIN


def settings_of(config: Config, helo: str) -> StandingSettings | None:
    """The settings of the watch; None: the configuration does not ask for our standing."""
    standing, usual = config.standing, config.defaults
    if standing is None:
        return None
    names = tuple(filter(None, names_in(config, helo)))[:_MAX_NAMES]
    senders = {module.mail_from.rpartition("@")[2]: module.mail_from for module in config.modules.values()}
    found = [
        MailSender(domain, mailbox) for domain, mailbox in senders.items() if domain and not domain.startswith("[")
    ]
    is_null = any(Stage.MAIL in module.stages and not module.mail_from for module in config.modules.values())
    if is_null and names and not names[0].startswith("[") and names[0] not in senders:
        found.append(MailSender(names[0]))
    sources = {Family.IPV4: usual.source_ipv4, Family.IPV6: usual.source_ipv6}
    plan = StandingPlan(names, tuple(found[:_MAX_NAMES]), standing.lists)
    return StandingSettings(plan, standing.addresses, usual.families, MappingProxyType(sources))


def told_by_all(store: TranscriptStore) -> Iterator[Told | None]:
    """The addresses of ours that hosts told in their latest dialogues; None for a dialogue without one."""
    since = steady_clock.now() - _MAX_AGE
    for key, stored in store.latest():
        if stored.moment < since or any(map(_is_source, key.module.split("@")[1:])):
            yield None
            continue
        hello = told_in(zip(stored.sent, stored.words, strict=False), stored.address)
        yield None if hello is None else Told(stored.mx, stored.address, *hello)


def believable(told: Iterable[Told], egress: EgressByFamily) -> Iterator[Told]:
    """Leave out families whose egress is intercepted: there one server speaks for all, of the address it sees."""
    for each in told:
        if egress[family_of(each.host)].state is not EgressState.INTERCEPTED:
            yield each


def _is_source(part: str) -> bool:
    """True for the part of a dialogue's label that tells an unusual address to connect from."""
    return is_address(part) or part.startswith(_SYSTEMS)


def changes(before: FamilyStanding, now: FamilyStanding) -> Iterator[tuple[Mapping[str, object], bool]]:
    """The fields of a log line for each change of our standing, and whether it is for the worse."""
    about = {"family": now.family, "address": now.address}
    if now.address != before.address or now.source != before.source:
        yield {**about, "fact": "address", "state": now.source}, False
    if not now.address:
        return
    was, confirmed = _confirmed(before), _confirmed(now)
    if confirmed is not was and confirmed is not None and (was is not None or not confirmed):
        yield {**about, "fact": "reverse DNS", "state": "confirmed" if confirmed else "missing"}, not confirmed
    matches = now.helo_matches
    if matches is not before.helo_matches and matches is not None and (before.helo_matches is not None or not matches):
        yield {**about, "fact": "EHLO name", "state": "matches" if matches else "differs"}, not matches
    results = {each.domain: each.result for each in before.spf}
    for policy in now.spf:
        if results.get(policy.domain) != policy.result and (policy.domain in results or policy.result in _BAD_SPF):
            yield {**about, "fact": "SPF", "domain": policy.domain, "state": policy.result}, policy.result in _BAD_SPF
    states = {each.name: each.state for each in before.lists}
    for each in now.lists:
        if states.get(each.name) is not each.state and (each.name in states or each.state is not ListingState.CLEAR):
            yield {**about, "fact": "block list", "list": each.name, "state": each.state}, each.state in _BAD_LISTS


def _confirmed(standing: FamilyStanding) -> bool | None:
    return None if standing.reverse is None else standing.reverse.confirmed
