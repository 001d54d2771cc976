"""The answers to the web server, taken from the monitor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from exporter.app.active_configuration import OncePerConfiguration
from exporter.app.monitor import Monitor
from exporter.app.secret_targets import SecretTargets, refusal
from exporter.concurrency import steady_clock
from exporter.config.effective import effective_yaml
from exporter.config.target_names import parse_target
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.probe_exposition import probe_exposition
from exporter.model.failure import FailureClass
from exporter.model.printable import quoted
from exporter.model.result import DomainResult, HostIdentity
from exporter.model.standing import StandingView
from exporter.model.target import Settings, Target, TargetKind
from exporter.report.incident import Incident, SessionDialogue, incident_report
from exporter.report.local_state import HIDING, LocalState, local_state, local_state_lines, names_among
from exporter.report.summary import summarise, summary_lines
from exporter.report.transcript import transcript_text
from exporter.store.verdict_counts import VerdictCount
from exporter.web.api.http_sd import CONTENT_TYPE, http_sd
from exporter.web.backend import (
    EgressFacts,
    Exposition,
    KnownChange,
    KnownHost,
    NoFreeSlot,
    ProbeRefused,
    ProbeRequest,
    TargetFacts,
    TargetState,
)

_T = TypeVar("_T")

_STOPPING: Final = "the exporter is stopping"
# A person waits for a probe no longer; a target with its own long timeout shows its result when it is there.
_PERSON_SECONDS: Final = 60.0
# Targets among which one is looked for whose names the next step about our own side can have.
_EXAMPLES: Final = 1000


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
        self._asks: set[asyncio.Task[Any]] = set()  # the requests that wait, in the probes' loop
        self._stopping = False
        self._secret_targets = OncePerConfiguration(SecretTargets)
        self._discovery = OncePerConfiguration(lambda config: tuple(http_sd(config.targets, monitor.shard.total)))
        self._effective = OncePerConfiguration(effective_yaml)

    def stop(self) -> None:
        """End the requests that wait for a result, and refuse further ones. Called in the probes' loop."""
        self._stopping = True
        for task in self._asks:
            task.cancel()

    def trouble(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.heartbeat.trouble

    def ready(self) -> bool:
        """See :class:`exporter.web.backend.Backend`."""
        return True  # without a configuration nothing is served

    def metrics(self, accept: str, names: frozenset[str] | None) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        format_ = negotiate(accept)
        rows, registry = self._monitor.results.rows(), self._monitor.metrics.registry
        return Exposition(format_.content_type, exposition(rows, registry, format_, names))

    async def probe(self, request: ProbeRequest, accept: str) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        found = self._target(request.target, request.module)
        result = await self._ask(found, request.within)
        format_, disabled = negotiate(accept), self._monitor.active.config.disabled_metrics
        return Exposition(format_.content_type, probe_exposition(found, result, format_, request.names, disabled))

    async def probe_dialogue(self, request: ProbeRequest) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        found = self._target(request.target, request.module)
        result = await self._in_probes_loop(self._until_stopped(partial(self._ask_for_dialogue, found, request.within)))
        summary = summarise(found.name, result, helo=found.settings.helo or self._helo, port=found.settings.port)
        first = "".join(f"{each}\n\n" for each in local_state_lines(self.local_state()))
        last = "\n".join(summary_lines(summary, result.failure))
        return f"{first}{transcript_text(result, summarised=True)}\n{last}\n"

    async def _ask(self, target: Target, within: float | None, *, fresh: bool = False) -> DomainResult:
        ask = partial(self._monitor.ask, target, within=within, fresh=fresh)
        return await self._in_probes_loop(self._until_stopped(ask))

    async def _ask_for_dialogue(self, target: Target, within: float | None) -> DomainResult:
        """A result with the dialogues that it is about; both at one moment of the probes' loop."""
        result = await self._monitor.ask(target, within=within)
        said = self._monitor.transcripts_of(result)
        hosts = [replace(host, transcript=said.get(host.identity, host.transcript)) for host in result.hosts]
        return result._replace(hosts=tuple(hosts))

    async def reload(self) -> list[str]:
        """See :class:`exporter.web.backend.Backend`."""
        return await self._in_probes_loop(self._until_stopped(self._reload))

    def discovery(self) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        return Exposition(CONTENT_TYPE, self._discovery.of(self._monitor.active))

    def effective_config(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        return self._effective.of(self._monitor.active)

    def targets(self) -> Sequence[TargetState]:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.results.targets.records()

    def verdict_counts(self) -> Sequence[VerdictCount]:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.results.verdict_counts()

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._monitor.results.get(kind, name)
        if record is None:
            return None
        target = record.target
        hosts = record.result.hosts if record.result is not None else ()
        transcripts = self._monitor.results.transcripts_of([host.identity for host in hosts])
        helo = target.settings.helo or self._helo
        sharing = {host.identity: self._monitor.domains_behind(host.identity) for host in hosts}
        journal = self._monitor.results.journal_of(target.key, sharing)
        return TargetFacts(record, record.probes, record.probe_failures, transcripts, helo, sharing, journal)

    def report(self, kind: TargetKind, name: str) -> str | None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._monitor.results.get(kind, name)
        if record is None or record.result is None:
            return None
        incident = Incident(
            name,
            record.result,
            record.target.settings,
            self._helo,
            steady_clock.unix(steady_clock.now()),
            self.local_state(),
            steady_clock.unix(record.since) if record.since else 0.0,
            record.is_restored,
            dict(self._dialogues(record.result)),
            self._monitor.results.journal_of(record.target.key, [host.identity for host in record.result.hosts]),
        )
        return incident_report(incident)

    def _dialogues(self, result: DomainResult) -> Iterator[tuple[HostIdentity, SessionDialogue]]:
        """The dialogue that the result of each host is about, or the latest that ended alike."""
        for host in result.hosts:
            kept = self._monitor.transcript_of(host)
            if kept is not None:
                said = SessionDialogue(kept.at, kept.transcript, kept.whole, kept.tls, kept.tls_at)
                yield host.identity, said

    def hosts(self, mx: str) -> Sequence[KnownHost]:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.hosts_named(mx)

    def host_changes(self, mx: str) -> Sequence[KnownChange]:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.results.host_changes([host.identity for host in self._monitor.hosts_named(mx)])

    def local_state(self) -> LocalState:
        """See :class:`exporter.web.backend.Backend`."""
        watch, targets = self._monitor.engine.watch, self._monitor.results.targets
        failing = {each: count for each in HIDING if (count := targets.failing({each}))}
        side = self._monitor.side
        state = local_state(
            side.egress(watch.egress), side.changes(watch.changes), failing, side.resolver(watch.resolver)
        )
        causes = {trouble.cause for trouble in state.troubles} & failing.keys()
        if not causes:
            return state
        # Nearly all targets are hidden then: an example is among the first.
        first = islice(targets.records(), _EXAMPLES)
        results = ((record.target.name, record.result) for record in first if record.result is not None)
        return replace(state, names=names_among(results, causes))

    def egress(self) -> EgressFacts:
        """See :class:`exporter.web.backend.Backend`."""
        watch, results = self._monitor.engine.watch, self._monitor.results
        settings = self._monitor.active.config.egress
        families, resolver = watch.evidence
        side = self._monitor.side
        return EgressFacts(
            side.egress(families),
            side.changes(watch.changes),
            results.references.records(),
            results.targets.records(),
            settings.witness_ports,
            settings.trace,
            side.resolver(resolver),
        )

    def standing(self) -> StandingView:
        """See :class:`exporter.web.backend.Backend`."""
        return self._monitor.engine.watch.standing

    async def probe_unscheduled(self, kind: TargetKind, name: str) -> None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._monitor.results.get(kind, name)
        if record is None:
            raise ProbeRefused("no such target")
        result = await self._ask(record.target, _PERSON_SECONDS, fresh=True)
        if result.failure is not None and result.failure.failure_class is FailureClass.NO_TURN:
            raise NoFreeSlot(f"no turn within {_PERSON_SECONDS:g} s: {result.failure.detail}")

    def _target(self, name: str, module: str | None) -> Target:
        """The target as it is configured; where another module is named, with that, and with its labels.

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
            port = host.settings.port
            return host if _has(host, module) else replace(host, settings=replace(settings, port=port))
        try:
            target = parse_target(name, settings)
        except ValueError as error:
            raise ProbeRefused(str(error)) from None
        configured = self._monitor.find(*target.key)
        if configured is None:
            return target
        return configured if _has(configured, module) else replace(target, labels=configured.labels)

    async def _until_stopped(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        if self._stopping:
            raise NoFreeSlot(_STOPPING)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is a coroutine that runs
        self._asks.add(task)
        try:
            return await work()
        finally:
            self._asks.discard(task)

    async def _in_probes_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop is closed
            work.close()
            raise NoFreeSlot(_STOPPING) from None
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise NoFreeSlot(_STOPPING) from None  # the work was cancelled, and not this task


def _has(target: Target, module: str | None) -> bool:
    """True where the module that a request names, if any, is that of the target."""
    return module is None or module == target.settings.module.name
