"""Probes of targets that are named once: each is probed once, and judged by all that the others show."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from exporter.app.engine import Engine
from exporter.app.engine_parts import EngineSettings
from exporter.commands.reports import Report
from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.fingerprints import is_foreign
from exporter.egress.settings import WatchSettings, source_of
from exporter.model.configuration import Config, ResolverSettings
from exporter.model.egress import EgressByFamily
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostResult, Said
from exporter.model.target import Target
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.report.local_state import LocalState, hidden_among, local_state
from exporter.resolver.client import Resolver

# From here on a person wants the summary, not each dialogue, and no traces.
MANY_NAMES: Final = 5
# For the second probe of a host that answered. A host that its limits pause for longer is not waited for.
_AGAIN_SECONDS: Final = 10.0


class NoOwner:
    """The owner of an engine whose results are kept by those that ask for them: exporter.app.engine_owner."""

    def turn_started(self, lag: float) -> None:
        """Nothing is late: nothing has a moment."""

    def internal_error(self) -> None:
        """The log has the bug."""

    def session_begun(self) -> None:
        """Nothing is counted."""

    def session_made(self, conversation: Conversation, leader: HostResult, said: Said) -> None:
        """The results have their transcripts."""

    def host_told(self, host: Host, *, session: bool) -> None:
        """The host has its result."""

    def host_gone(self, host: Host) -> None:
        """No host goes."""

    def domain_told(self, target: Target, result: DomainResult, *, turn: bool) -> None:
        """No target is configured."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """All is judged again at the end."""

    def resolver_changed(self, view: ResolverView) -> None:
        """All is judged again at the end."""


class OneShotProbes:
    """Probes targets with an engine of its own. Results that others may still change are reported at the end."""

    def __init__(self, config: Config, resolver: ResolverSettings, helo: str) -> None:
        self._at_once = config.limits.concurrency
        self._references = config.egress.references
        # Every observation counts to the end.
        watch = WatchSettings(config.egress, interval=math.inf, helo=helo)
        # Names of dialogues are those that the server would tell.
        known = config.modules, config.defaults
        self._engine = Engine(EngineSettings(resolver, config.limits, watch, helo, *known, once=True), NoOwner())
        self._open: list[tuple[Target, DomainResult]] = []
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
            await self._probe(self._up[0], within=_AGAIN_SECONDS, fresh=True)

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
                self._traces.append(asyncio.create_task(self._trace(target, result)))

    async def _probe(self, target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        result = await self._engine.ask(target, within=within, fresh=fresh)
        # A nameserver that answers has shown that something gets out.
        self._engine.tick()
        return result

    async def _trace(self, target: Target, result: DomainResult) -> None:
        await self._engine.watch.trace_all(result.hosts, partial(source_of, target.settings))

    def _report_open(self, report: Report) -> None:
        self._engine.judge_all_now()
        judged = [(target, self._engine.last_result(target) or result) for target, result in self._open]
        report.know(self._local_state(result for _, result in judged))
        for target, result in judged:
            report.add(target, result)

    def _local_state(self, results: Iterable[DomainResult]) -> LocalState:
        watch = self._engine.watch
        return local_state(watch.egress, watch.changes, hidden_among(results), watch.resolver)


def _is_open(result: DomainResult) -> bool:
    """True if a path or the results of other targets may still change the judgement of a result."""
    if result.failure is not None and result.failure.stage is Stage.DNS:
        return True  # all names at once may be the resolver's doing
    return any(host.evidence is not None and _may_change(host, host.evidence) for host in result.hosts)


def _has_timed_out(result: DomainResult) -> bool:
    return any(
        host.evidence is not None and outcome_of_session(host.evidence) is ConnectOutcome.NO_ANSWER
        for host in result.hosts
    )


def _may_change(host: HostResult, evidence: Evidence) -> bool:
    # A server that bears another's name may be answering for others as well.
    if outcome_of_session(evidence) is not ConnectOutcome.ANSWERED:
        return True
    return any(is_foreign(mark, host.mx) for mark in evidence.fingerprints)
