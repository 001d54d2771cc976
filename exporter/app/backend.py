"""Answers to the web server, taken from the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, Final, TypeVar

from exporter.app.engine import Engine
from exporter.app.reload import Reload
from exporter.app.secret_targets import SecretTargets, refusal
from exporter.config.effective import effective_yaml
from exporter.config.targets import parse_target
from exporter.metrics.blackbox import probe_series
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.samples import render
from exporter.model.configuration import Config
from exporter.model.printable import quoted
from exporter.model.result import ProbeResult
from exporter.model.target import Settings, Target, TargetKind
from exporter.report.local_state import HIDING, LocalState, local_state, local_state_lines
from exporter.report.summary import summarise, summary_lines
from exporter.report.transcript import dialogue_text
from exporter.store.targets import TargetRecord
from exporter.web.api.http_sd import CONTENT_TYPE, http_sd
from exporter.web.backend import EgressFacts, Exposition, NoFreeSlot, ProbeRefused, TargetFacts, TargetState

_T = TypeVar("_T")


# Beyond this over its time, a probe for a scraper waits for something that will not come in time (a turnstile's pause).
_PROBE_SLACK_SECONDS: Final = 0.4


# A person waits for a probe no longer; a target with its own long timeout shows its result when it is there.
_PERSON_SECONDS: Final = 60.0


class EngineBackend:
    """What the web server may ask; it is called in the web server's threads."""

    def __init__(self, service: Engine, reload: Reload, loop: asyncio.AbstractEventLoop, helo: str) -> None:
        """`helo`: what this host calls itself where the configuration says nothing."""
        self._helo = helo
        self._service = service
        self._reload = reload
        self._listed: tuple[Config, tuple[bytes, ...]] | None = None
        self._entrusted = SecretTargets()
        self._written: tuple[Config, str] | None = None
        self._loop = loop

    def trouble(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        return self._service.heartbeat.trouble

    def ready(self) -> bool:
        """See :class:`exporter.web.backend.Backend`."""
        return True  # without a configuration nothing is served

    def metrics(self, accept: str) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        format_ = negotiate(accept)
        samples = [record.samples for record in self._service.store.records()]
        return Exposition(format_.content_type, exposition(samples, self._service.own.registry, format_))

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
        concluded = summarise(found.name, result, helo=found.settings.helo or self._helo, port=found.settings.port)
        first = "".join(f"{each}\n\n" for each in local_state_lines(self.local_state()))
        said = "\n".join(summary_lines(concluded, result.failure))
        return f"{first}{dialogue_text(result, concluded=True)}\n{said}\n"

    async def _probe_now(self, target: Target, within: float | None) -> ProbeResult:
        try:
            async with asyncio.timeout(None if within is None else within + _PROBE_SLACK_SECONDS):
                return await self._in_probes_loop(self._service.probe_now(target, within))
        except TimeoutError:
            raise NoFreeSlot(f"{target.name} had no turn within {within:g} s: sessions are limited") from None

    async def reload(self) -> list[str]:
        """See :class:`exporter.web.backend.Backend`."""
        return await self._in_probes_loop(self._reload())

    def discovery(self) -> Exposition:
        """See :class:`exporter.web.backend.Backend`."""
        config, listed = self._service.config, self._listed
        if listed is None or listed[0] is not config:
            # Once a configuration: with many targets and shards it takes seconds, and is asked for every minute.
            listed = self._listed = config, tuple(http_sd(config.targets, self._service.shard.total))
        return Exposition(CONTENT_TYPE, listed[1])

    def effective_config(self) -> str:
        """See :class:`exporter.web.backend.Backend`."""
        config, written = self._service.config, self._written
        if written is None or written[0] is not config:
            written = self._written = config, effective_yaml(config)
        return written[1]

    def targets(self) -> Sequence[TargetState]:
        """See :class:`exporter.web.backend.Backend`."""
        return [*map(_state, self._service.store.records())]

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._service.record(kind, name)
        if record is None:
            return None
        target = record.target
        transcripts, helo = self._service.dialogues.of(target.key), target.settings.helo or self._helo
        return TargetFacts(_state(record), record.probes, record.probe_failures, transcripts, helo)

    def local_state(self) -> LocalState:
        """See :class:`exporter.web.backend.Backend`."""
        service = self._service
        return local_state(
            service.egress.surroundings, service.egress.turns, service.store.failing(HIDING), service.egress.resolver
        )

    def egress(self) -> EgressFacts:
        """See :class:`exporter.web.backend.Backend`."""
        service = self._service
        return EgressFacts(
            service.egress.surroundings,
            service.egress.turns,
            [*map(_state, service.references.records())],
            self.targets(),
            service.config.egress.witness_ports,
            service.config.egress.trace,
            service.egress.resolver,
        )

    async def probe_unscheduled(self, kind: TargetKind, name: str) -> None:
        """See :class:`exporter.web.backend.Backend`."""
        record = self._service.record(kind, name)
        if record is None:
            raise ProbeRefused("no such target")
        try:
            async with asyncio.timeout(_PERSON_SECONDS):
                await self._in_probes_loop(self._service.probe_in_between(record.target))
        except TimeoutError:
            raise NoFreeSlot(f"no turn within {_PERSON_SECONDS:g} s: sessions are limited") from None

    def _target(self, name: str, module: str | None) -> Target:
        """A configured target is probed as it is configured, unless a module is named.

        What a module hands over goes to nobody but the targets that are configured with it.
        """
        service = self._service
        config = service.config
        try:
            settings = config.settings(module)
        except KeyError:
            raise ProbeRefused(f"unknown module {quoted(module or '')}") from None
        target = self._asked_for(name, module, settings)
        if not target.settings.module.entrusted:
            return target
        named = self._entrusted.find(config, target)
        if named is None:
            raise ProbeRefused(refusal(target))
        return named

    def _asked_for(self, name: str, module: str | None, settings: Settings) -> Target:
        service = self._service
        # A host that is configured without its port cannot be told from a domain by its name.
        host = service.find(TargetKind.HOST, name)
        if host is not None and service.find(TargetKind.DOMAIN, name) is None:
            return host if module is None else replace(host, settings=replace(settings, port=host.settings.port))
        try:
            target = parse_target(name, settings)
        except ValueError as error:
            raise ProbeRefused(str(error)) from None
        configured = service.find(*target.key)
        return configured if configured is not None and module is None else target

    async def _in_probes_loop(self, work: Coroutine[Any, Any, _T]) -> _T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))


def _state(record: TargetRecord) -> TargetState:
    return TargetState(record.target, record.result, record.history, record.heard, record.since)
