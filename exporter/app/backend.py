"""The answers to the web server, taken from the monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final, TypeVar

from exporter.app.active_configuration import OncePerConfiguration
from exporter.app.monitor import Monitor
from exporter.app.secret_targets import SecretTargets, refusal
from exporter.config.effective import effective_yaml
from exporter.config.targets import parse_target
from exporter.metrics.blackbox import probe_series
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.samples import render
from exporter.model.printable import quoted
from exporter.model.result import ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.report.local_state import HIDING, LocalState, local_state, local_state_lines
from exporter.report.summary import summarise, summary_lines
from exporter.report.transcript import transcript_text
from exporter.store.record import TargetRecord
from exporter.web.api.http_sd import CONTENT_TYPE, http_sd
from exporter.web.backend import EgressFacts, Exposition, NoFreeSlot, ProbeRefused, TargetFacts, TargetState

_T = TypeVar("_T")

# Beyond this over its time, a probe for a scraper waits for something that will not come in time: a pause between two
# sessions with one address.
_PROBE_SLACK_SECONDS: Final = 0.4
# A person waits for a probe no longer; a target with its own long timeout shows its result when it is there.
_PERSON_SECONDS: Final = 60.0


class MonitorBackend:
    """See :class:`exporter.web.backend.Backend`. Called in the web server's threads."""

    def __init__(
        self,
        monitor: Monitor,
        reload: Callable[[], Coroutine[Any, Any, list[str]]],
        loop: asyncio.AbstractEventLoop,
        helo: str,
    ) -> None:
        """`loop` is that of the probes; `helo`: the name of this host where the configuration has none."""
        self._monitor = monitor
        self._reload = reload
        self._loop = loop
        self._helo = helo
        self._secret_targets = OncePerConfiguration(SecretTargets)
        self._discovery = OncePerConfiguration(lambda config: tuple(http_sd(config.targets, monitor.shard.total)))
        self._effective = OncePerConfiguration(effective_yaml)

    def trouble(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.heartbeat.trouble

    def ready(self) -> bool:
        """See :class:`exporter.web.backend.Backend`."""
        return True  # without a configuration nothing is served

    def metrics(self, accept: str) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        format_ = negotiate(accept)
        samples = [record.samples for record in self._monitor.results.targets.records()]
        return Exposition(format_.content_type, exposition(samples, self._monitor.metrics.registry, format_))

    async def probe(self, target: str, module: str | None, within: float | None, accept: str) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        found = self._target(target, module)
        result = await self._probe_now(found, within)
        format_ = negotiate(accept)
        record = TargetRecord(found, result, probes=1, probe_failures=int(not result.up))
        series = probe_series(result, format_.openmetrics)
        return Exposition(format_.content_type, chain(series, exposition([render(record)], None, format_)))

    async def probe_dialogue(self, target: str, module: str | None, within: float | None) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        found = self._target(target, module)
        result = await self._probe_now(found, within)
        summary = summarise(found.name, result, helo=found.settings.helo or self._helo, port=found.settings.port)
        first = "".join(f"{each}\n\n" for each in local_state_lines(self.local_state()))
        last = "\n".join(summary_lines(summary, result.failure))
        return f"{first}{transcript_text(result, summarised=True)}\n{last}\n"

    async def _probe_now(self, target: Target, within: float | None) -> ProbeResult:
        try:
            async with asyncio.timeout(None if within is None else within + _PROBE_SLACK_SECONDS):
                return await self._in_probes_loop(self._monitor.probe_now(target, within))
        except TimeoutError:
            raise NoFreeSlot(f"{target.name} had no free slot within {within:g} s: sessions are limited") from None

    async def reload(self) -> list[str]:
        """See :class:`exporter.web.backend.Backend`."""
        return await self._in_probes_loop(self._reload())

    def discovery(self) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        return Exposition(CONTENT_TYPE, self._discovery.of(self._monitor.active))

    def effective_config(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        return self._effective.of(self._monitor.active)

    def targets(self) -> Sequence[TargetState]:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.results.targets.records()

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._monitor.results.get(kind, name)
        if record is None:
            return None
        target = record.target
        transcripts, helo = self._monitor.results.transcripts.of(target.key), target.settings.helo or self._helo
        return TargetFacts(record, record.probes, record.probe_failures, transcripts, helo)

    def local_state(self) -> LocalState:
        """See :class:`exporter.web.backend.Backend`."""
        watch = self._monitor.engine.watch
        hidden = self._monitor.results.targets.failing(HIDING)
        return local_state(watch.egress, watch.changes, hidden, watch.resolver)

    def egress(self) -> EgressFacts:
        """See :class:`exporter.web.backend.Backend`."""
        watch, results = self._monitor.engine.watch, self._monitor.results
        settings = self._monitor.active.config.egress
        return EgressFacts(
            watch.egress,
            watch.changes,
            results.references.records(),
            results.targets.records(),
            settings.witness_ports,
            settings.trace,
            watch.resolver,
        )

    async def probe_unscheduled(self, kind: TargetKind, name: str) -> None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._monitor.results.get(kind, name)
        if record is None:
            raise ProbeRefused("no such target")
        try:
            async with asyncio.timeout(_PERSON_SECONDS):
                await self._in_probes_loop(self._monitor.probe_in_between(record.target))
        except TimeoutError:
            raise NoFreeSlot(f"no free slot within {_PERSON_SECONDS:g} s: sessions are limited") from None

    def _target(self, name: str, module: str | None) -> Target:
        """The target as it is configured, unless a module is named.

        The secrets of a module go to no host but the targets that are configured with it.
        """
        active = self._monitor.active
        try:
            settings = active.config.settings(module)
        except KeyError:
            raise ProbeRefused(f"unknown module {quoted(module or '')}") from None
        target = self._named_target(name, module, settings)
        if not target.settings.module.entrusted:
            return target
        configured = self._secret_targets.of(active).find(target)
        if configured is None:
            raise ProbeRefused(refusal(target))
        return configured

    def _named_target(self, name: str, module: str | None, settings: Settings) -> Target:
        # A host that is configured without its port cannot be distinguished from a domain by its name.
        host = self._monitor.find(TargetKind.HOST, name)
        if host is not None and self._monitor.find(TargetKind.DOMAIN, name) is None:
            return host if module is None else replace(host, settings=replace(settings, port=host.settings.port))
        try:
            target = parse_target(name, settings)
        except ValueError as error:
            raise ProbeRefused(str(error)) from None
        configured = self._monitor.find(*target.key)
        return configured if configured is not None and module is None else target

    async def _in_probes_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))
