"""Probes of targets that are named once: each is probed once, and judged by all that the others show."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator
from typing import Final

from exporter.app.engine import Engine, EngineSettings
from exporter.commands.reports import Report
from exporter.concurrency.slots import ProbeSlots
from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.fingerprints import is_foreign
from exporter.egress.listener import NoListener
from exporter.egress.settings import WatchSettings
from exporter.model.configuration import Config, ResolverSettings
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Target
from exporter.probe.probe_options import ProbeOptions
from exporter.report.local_state import LocalState, hidden_among, local_state
from exporter.resolver.client import Resolver

# From here on a person wants the summary, not each dialogue, and no traces.
MANY_NAMES: Final = 5
# For the second probe of a host that answered. A host that its limits pause for longer is not waited for.
_AGAIN_SECONDS: Final = 10.0
_ONCE: Final = ProbeOptions(transcript=True)


class OneShotProbes:
    """Probes targets with an engine of its own. Results that others may still change are reported at the end."""

    def __init__(self, config: Config, resolver: ResolverSettings, helo: str) -> None:
        self._at_once = config.limits.concurrency
        self._references = config.egress.references
        self._slots = ProbeSlots(config.limits.concurrency)
        # Every observation counts to the end.
        watch = WatchSettings(config.egress, interval=math.inf, helo=helo)
        settings = EngineSettings(resolver, config.limits, watch, helo, once=True)
        self._engine = Engine(settings, self._slots, NoListener())
        self._open: list[tuple[Target, ProbeResult]] = []
        self._up: list[Target] = []
        self._traces: list[asyncio.Task[None]] = []

    @property
    def resolver(self) -> Resolver:
        """The resolver that names are looked up with."""
        return self._engine.resolver

    async def probe_all(self, targets: list[Target], report: Report) -> None:
        """Report each target once, in the order of completion."""
        drawing = asyncio.create_task(report.keep_drawn())
        left, few = iter(targets), len(targets) < MANY_NAMES
        try:
            workers = range(min(self._at_once, len(targets)))
            await asyncio.gather(*(self._probe_each(left, report, trace=few) for _ in workers))
            await self._probe_others()
            await asyncio.gather(*self._traces)
            self._engine.tick()
            await self._engine.watch.finish_checks()
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)
            self._report_open(report)

    async def _probe_others(self) -> None:
        """Probe the hosts that show whether the egress is open, where a result depends on that.

        Without references a host that answered is greeted again, where another has timed out since.
        """
        if self._references:
            if any(_is_open(result) for _, result in self._open):
                await asyncio.gather(*(self._probe(reference) for reference in self._references))
        elif self._up and any(_has_timed_out(result) for _, result in self._open):
            await self._probe(self._up[0], ProbeOptions(fresh=True, transcript=True, within=_AGAIN_SECONDS))

    async def close(self) -> None:
        """Cancel all tasks under way."""
        await self._engine.close()

    async def _probe_each(self, targets: Iterator[Target], report: Report, *, trace: bool) -> None:
        for target in targets:
            result = await self._probe(target)
            report.progress(result)
            if result.up:
                self._up.append(target)
            if report.streams and not _is_open(result):
                report.know(self._local_state(result for _, result in self._open))
                report.add(target, result)
                continue
            self._open.append((target, result))
            if trace:
                self._traces.append(asyncio.create_task(self._engine.watch.trace_all(target, result)))

    async def _probe(self, target: Target, options: ProbeOptions = _ONCE) -> ProbeResult:
        await self._slots.take()
        try:
            result = await self._engine.probe(target, options)
        finally:
            self._slots.free()
        # Before the last timeout is judged, not after: a nameserver that answers has shown that something gets out.
        self._engine.tick()
        return self._engine.judge(target, result)

    def _report_open(self, report: Report) -> None:
        watch = self._engine.watch
        judged = [(target, watch.judge_again(target, result)) for target, result in self._open]
        report.know(self._local_state(result for _, result in judged))
        for target, result in judged:
            report.add(target, result)

    def _local_state(self, results: Iterable[ProbeResult]) -> LocalState:
        watch = self._engine.watch
        return local_state(watch.egress, watch.changes, hidden_among(results), watch.resolver)


def _is_open(result: ProbeResult) -> bool:
    """True if a path or the results of other targets may still change the judgement of a result."""
    if result.failure is not None and result.failure.stage is Stage.DNS:
        return True  # all names at once may be the resolver's doing
    return any(host.evidence is not None and _may_change(host, host.evidence) for host in result.hosts)


def _has_timed_out(result: ProbeResult) -> bool:
    return any(
        host.evidence is not None and outcome_of_session(host.evidence) is ConnectOutcome.NO_ANSWER
        for host in result.hosts
    )


def _may_change(host: HostResult, evidence: Evidence) -> bool:
    # A server that bears another's name may be answering for others as well.
    if outcome_of_session(evidence) is not ConnectOutcome.ANSWERED:
        return True
    return any(is_foreign(mark, host.mx) for mark in evidence.fingerprints)
