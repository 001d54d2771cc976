"""Probes of targets that are named once: each is probed once, and judged by all that the others show."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from exporter.app.engine import Engine
from exporter.app.engine_parts import EngineSettings
from exporter.commands.final_results import has_timed_out, is_open
from exporter.commands.live import LiveProbes
from exporter.commands.ordered_results import OrderedResults
from exporter.commands.own_names import OwnNames
from exporter.commands.reports import Report
from exporter.config.values import format_duration
from exporter.egress.settings import WatchSettings, source_of
from exporter.model.configuration import Config, ResolverSettings
from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, Said
from exporter.model.target import Module, Target
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.report.local_state import LocalState, hidden_among, local_state, names_among
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

    def host_before(self, identity: HostIdentity) -> HostResult | None:
        """There is none: each host is probed once."""
        return None

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

    def __init__(
        self,
        config: Config,
        modules: Mapping[str, Module],
        resolver: ResolverSettings,
        helo: str,
        live: LiveProbes | None = None,
    ) -> None:
        """`modules`: all that the targets have; `helo`: the name of this host where a target has none.

        `live` is told what happens.
        """
        self._at_once = config.limits.concurrency
        self._references = config.egress.references
        self._live = live or LiveProbes()
        # Every observation counts to the end.
        watch = WatchSettings(config.egress, interval=math.inf, helo=helo)
        # Names of dialogues are those that the server would tell.
        known = modules, config.defaults
        settings = EngineSettings(resolver, config.limits, watch, helo, *known, once=True, audience=live)
        self._engine = Engine(settings, NoOwner())
        self._open: dict[int, tuple[Target, DomainResult]] = {}  # by the place of their names
        self._up: list[Target] = []
        self._names = OwnNames(config)
        self._traces: list[asyncio.Task[None]] = []
        self._waiting: dict[int, Target] = {}  # for their results

    @property
    def resolver(self) -> Resolver:
        """The resolver that names are looked up with."""
        return self._engine.resolver

    @property
    def without_result(self) -> list[str]:
        """The names that have no result so far."""
        return [target.name for target in self._waiting.values()]

    async def probe_all(self, targets: list[Target], report: Report) -> None:
        """Report each target once, in the order of their names."""
        self._waiting = dict(enumerate(targets))
        self._report, self._results = report, OrderedResults(self._tell)
        self._side: LocalState | None = None  # as it is at the end
        drawing = asyncio.create_task(report.keep_drawn())
        left, few = iter(enumerate(targets)), len(targets) < MANY_NAMES
        self._live.waits("waiting for the other names, which may explain it")
        try:
            workers = range(min(self._at_once, len(targets)))
            await asyncio.gather(*(self._probe_each(left, trace=few) for _ in workers))
            await self._probe_others()
            await asyncio.gather(*self._traces)
            mailboxes = [target.settings.module.mailbox for target in targets]
            within = max((mailbox.within for mailbox in mailboxes if mailbox is not None), default=0.0)
            self._live.waits(f"looking in the mailbox, for up to {format_duration(within)}")
            await self._engine.arrivals_settled()
            await self._look_up_our_names()
            self._engine.tick()
            self._live.waits("looking whether another machine answers in their names")
            await self._engine.watch.finish_checks()
        finally:
            drawing.cancel()
            (drawn,) = await asyncio.gather(drawing, return_exceptions=True)
            self._report_open()
        if isinstance(drawn, Exception):
            raise drawn

    async def _probe_others(self) -> None:
        """Probe the hosts that show whether the egress is open, where a result depends on that.

        Without references a host that answered is greeted again, where another has timed out since.
        """
        if self._references:
            if any(is_open(result) for _, result in self._open.values()):
                self._live.waits(f"probing the references: {', '.join(each.name for each in self._references)}")
                await asyncio.gather(*(self._probe(reference) for reference in self._references))
        elif self._up and any(has_timed_out(result) for _, result in self._open.values()):
            self._live.waits(f"probing {self._up[0].name} once more")
            await self._probe(self._up[0], within=_AGAIN_SECONDS, fresh=True)

    async def _look_up_our_names(self) -> None:
        """Look up our reverse DNS where a host refuses us for it, and the configuration asks for our standing."""
        if any(self._names.may_explain(result) for _, result in self._open.values()):
            self._live.waits("looking up our own reverse DNS")
            self._engine.standing_seen(await self._names.view(self.resolver))

    async def close(self) -> None:
        """Cancel all tasks under way."""
        await self._engine.close()

    async def _probe_each(self, targets: Iterator[tuple[int, Target]], *, trace: bool) -> None:
        report = self._report
        for place, target in targets:
            result = await self._probe(target)
            del self._waiting[place]
            report.progress(result)
            self._names.heard(result)
            if result.up:
                self._up.append(target)
            may_change = is_open(result) or self._names.may_explain(result)
            if report.streams and target.settings.module.mailbox is None and not may_change:
                self._results.put(place, (target, result))
                continue
            self._open[place] = target, result
            if trace:
                self._traces.append(asyncio.create_task(self._trace(target, result)))

    async def _probe(self, target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        result = await self._engine.ask(target, within=within, fresh=fresh)
        # A nameserver that answers has shown that something gets out.
        self._engine.tick()
        return result

    async def _trace(self, target: Target, result: DomainResult) -> None:
        watch = self._engine.watch
        self._live.traces_begin(target, watch.wanted_paths(result.hosts))
        await watch.trace_all(result.hosts, partial(source_of, target.settings))
        self._live.traces_end(target)

    def _report_open(self) -> None:
        """Report all that is left."""
        self._engine.judge_all_now()
        judged = {
            place: (target, self._engine.last_result(target) or result)
            for place, (target, result) in self._open.items()
        }
        self._side = self._local_state(judged.values())
        for place, each in judged.items():
            self._results.put(place, each)
        self._results.end()

    def _tell(self, target: Target, result: DomainResult) -> None:
        self._report.know(self._side or self._local_state(self._open.values()))
        self._report.add(target, result)

    def _local_state(self, judged: Iterable[tuple[Target, DomainResult]]) -> LocalState:
        watch, results = self._engine.watch, [(target.name, result) for target, result in judged]
        failing = hidden_among(result for _, result in results)
        return local_state(watch.egress, watch.changes, failing, watch.resolver, names_among(results, failing))
