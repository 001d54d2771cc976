"""The monitor: the targets of a configuration, probed on schedule by the engine; results kept and counted.

Everything here lives in one event loop, that of the probes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from exporter.app.active_configuration import ActiveConfiguration, active_configuration
from exporter.app.background_tasks import BackgroundTasks
from exporter.app.engine import Engine, EngineSettings
from exporter.app.heartbeat import Heartbeat
from exporter.app.logs import dropped_lines
from exporter.app.results import Results
from exporter.app.state_log import log_probe
from exporter.egress.settings import WatchSettings, counts_as_outside, typical_interval, typical_timeout
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.configuration import Config
from exporter.model.egress import SMTP_PORT, EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.probe.probe_options import ProbeOptions, Transcripts
from exporter.schedule.scheduler import Scheduler
from exporter.schedule.shard import Shard

log = logging.getLogger(__name__)

# At the end, probes may finish within this time; then their sessions send QUIT. Supervisors kill after 10 s.
STOP_GRACE_SECONDS: Final = 5.0
# Results judged again in one go: most are not changed by it, those that are have to be rendered.
_JUDGED_AT_ONCE: Final = 50
_ONLY_SHARD: Final = Shard()


@dataclass(frozen=True, slots=True)
class Vantage:
    """The place that is probed from."""

    helo: str  # the name that this machine calls itself; empty: none is known
    port: int = SMTP_PORT  # whose egress is judged
    is_outside: Callable[[str], bool] = counts_as_outside  # the addresses that are reached by the egress


class Monitor:
    """Probes the targets of a configuration. Create it in the event loop it lives in."""

    def __init__(self, config: Config, vantage: Vantage, shard: Shard = _ONLY_SHARD) -> None:
        self.shard = shard
        self.active = active_configuration(1, config, shard)
        self.results = Results()
        self.metrics = ExporterMetrics(shard)
        self.heartbeat = Heartbeat()
        self._vantage = vantage
        self._revision: asyncio.Task[None] | None = None
        self._tasks = BackgroundTasks(self.metrics.internal_error)
        self.scheduler = Scheduler(
            self._probe,
            config.limits.concurrency,
            on_result=self._record,
            on_start=self.metrics.started,
            on_internal_error=self.metrics.internal_error,
        )
        self.engine = Engine(engine_settings(self.active, vantage), self.scheduler.slots, self)
        self.metrics.watch_in_flight(lambda: self.scheduler.probes_in_flight)
        self.metrics.watch_dropped_log_lines(dropped_lines)

    async def stop(self) -> None:
        """End gracefully: start no probe, give those in progress some seconds, then have their sessions send QUIT."""
        await self._tasks.stop()
        await self.scheduler.stop(STOP_GRACE_SECONDS)
        await self.engine.close()

    def adopting(self, active: ActiveConfiguration) -> Iterator[None]:
        """Follow a configuration from now on, in steps of a few milliseconds: 100,000 targets take seconds."""
        self.active = active
        config, targets = active.config, active.targets
        self.engine.configure(engine_settings(active, self._vantage))
        self.engine.resolver.make_room_for(len(targets))
        self.metrics.references_probed(self.engine.watch.references_up)
        yield
        yield from self.results.replacing(targets, config.egress.references)
        scheduled = (*targets, *config.egress.references)
        yield from self.scheduler.replacing(scheduled)
        self.metrics.loaded(scheduled, config.lists, whole=not config.failures)

    def find(self, kind: TargetKind, name: str) -> Target | None:
        """A configured target, this shard's or another's."""
        record = self.results.targets.get(kind, name)
        return record.target if record is not None else self.active.others.get((kind, name))

    async def probe_now(self, target: Target, within: float | None = None) -> ProbeResult:
        """One probe outside the schedule, with sessions of its own and their transcripts; `within` seconds for all."""
        slots = self.scheduler.slots
        await slots.take()
        # A client that asks for names of its own choice pushes nothing out that the configured targets ask for.
        cache = self.engine.resolver.for_unconfigured_target() if self.find(*target.key) is None else nullcontext()
        try:
            with cache:
                result = await self.engine.probe(target, ProbeOptions(fresh=True, transcript=True, within=within))
        finally:
            slots.free()
        return self.engine.judge(target, result)

    async def probe_in_between(self, target: Target) -> None:
        """One probe now, which counts like one of the schedule."""
        slots = self.scheduler.slots
        await slots.take()
        try:
            result = await self._probe(target, fresh=True)
        finally:
            slots.free()
        self._record(target, result)

    async def _probe(self, target: Target, *, fresh: bool = False) -> ProbeResult:
        transcripts: Transcripts = {}
        options = ProbeOptions(fresh=fresh, transcripts=transcripts)
        result = self.engine.judge(target, await self.engine.probe(target, options))
        self.results.keep_transcripts(target, result, transcripts)
        return result

    def _record(self, target: Target, result: ProbeResult) -> None:
        self.metrics.probed(result)
        self.results.record(target, result)
        if target.kind is TargetKind.REFERENCE:
            self.metrics.references_probed(self.engine.watch.references_up)
        log_probe(target, result)

    def egress_changed(self, states: EgressByFamily) -> None:
        """See :class:`exporter.egress.listener.EgressListener`."""
        self.metrics.egress_changed(states)
        self._judge_all_again()

    def resolver_changed(self, view: ResolverView) -> None:
        """See :class:`exporter.egress.listener.EgressListener`."""
        self.metrics.resolver_changed(view)
        self._judge_all_again()

    def evidence_found(self, keys: frozenset[TargetKey]) -> None:
        """See :class:`exporter.egress.listener.EgressListener`."""
        for key in keys:
            self.results.judge_again(key, self.engine.watch.judge_again)

    def references_wanted(self) -> None:
        """See :class:`exporter.egress.listener.EgressListener`."""
        self.scheduler.probe_soon(reference.key for reference in self.active.config.egress.references)

    def result_outdated(self, key: TargetKey) -> None:
        """See :class:`exporter.egress.listener.EgressListener`."""
        self.scheduler.probe_soon((key,))

    def _judge_all_again(self) -> None:
        if self._revision is not None:
            self._revision.cancel()  # the new one comes past all that it has left
        self._revision = self._tasks.start("judgement", self._revise())

    async def _revise(self) -> None:
        """Judge every result again, some at a time. A target whose result is outdated is probed again."""
        for number, each in enumerate(self.results.records(), 1):
            try:
                self._revise_one(each.target.key)
            except Exception:  # of one target; the others are judged all the same
                log.exception("internal error in a judgement", extra={"fields": {"target": each.target.name}})
                self.metrics.internal_error()
            if number % _JUDGED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _revise_one(self, key: TargetKey) -> None:
        watch = self.engine.watch
        self.results.judge_again(key, watch.judge_again)
        record = self.results.get(*key)
        if record is not None and record.result is not None and watch.is_outdated(record.result):
            self.scheduler.probe_soon((key,))


def engine_settings(active: ActiveConfiguration, vantage: Vantage) -> EngineSettings:
    """The settings of the engine that probes these targets again and again."""
    config, targets = active.config, active.targets
    watch = WatchSettings(
        config.egress,
        typical_interval(targets, config.defaults.interval),
        # Of a probe that times out: its questions, and its sessions.
        config.resolver.timeout + typical_timeout(targets, config.defaults.timeout),
        config.defaults.helo or vantage.helo,
        vantage.port,
        vantage.is_outside,
    )
    return EngineSettings(config.resolver, config.limits, watch, vantage.helo)
