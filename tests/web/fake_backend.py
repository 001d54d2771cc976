"""The exporter as the web server sees it, made of data: what it answers is set, what it was asked is kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence

from exporter.model.egress import EGRESS_UNKNOWN, EgressByFamily, EgressStateChange
from exporter.model.failure import FailureClass
from exporter.model.resolver import RESOLVER_UNKNOWN
from exporter.model.result import HostIdentity
from exporter.model.standing import NO_STANDING, StandingView
from exporter.model.target import TargetKind
from exporter.report.incident import Incident, incident_report
from exporter.report.local_state import LocalState, local_state
from exporter.store.record import TargetRecord
from exporter.store.transcripts import StoredTranscript
from exporter.store.verdict_counts import VerdictCount
from exporter.web.backend import (
    EgressFacts,
    Exposition,
    KnownChange,
    KnownHost,
    ProbeRequest,
    TargetFacts,
    TargetState,
)
from tests.results import AT

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class FakeBackend:
    """`hold_*` makes an answer wait until it is released."""

    def __init__(self) -> None:
        self.is_ready = True
        self.pieces: Sequence[bytes] = (b"mx_domain_up 1\n", b"mx_domain_addresses 2\n")
        self.kept: Sequence[TargetRecord] = ()
        self.counts: Sequence[VerdictCount] = ()
        self.transcripts: Sequence[StoredTranscript] = ()
        self.families: EgressByFamily = EGRESS_UNKNOWN
        self.failing: Mapping[FailureClass, int] = {}
        self.known_hosts: Sequence[KnownHost] = ()
        self.sharing: Mapping[HostIdentity, int] = {}
        self.journal: Sequence[KnownChange] = ()
        self.resolver = RESOLVER_UNKNOWN
        self.own_standing = NO_STANDING
        self.changes: Sequence[EgressStateChange] = ()
        self.references: Sequence[TargetRecord] = ()
        self.probed: list[tuple[TargetKind, str]] = []
        self.problems: Sequence[str] = ()
        self.witness_ports: tuple[int, ...] = (443, 587)
        self.configuration = "domains: [example.com]\n"
        self.error: Exception | None = None  # raised by probes and by effective_config
        self.accepts: list[str] = []
        self.probes: list[ProbeRequest] = []
        self.stands_still = ""
        self.troubles_asked = 0
        self.reloads = 0
        self.names: list[frozenset[str] | None] = []
        self.rendering_threads: set[int] = set()
        self.scrapes_under_way = 0
        self.probes_under_way = 0
        self.cancelled = threading.Event()
        self.hold_scrapes = threading.Event()
        self.hold_scrapes.set()
        self.hold_probes: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # of the probes on hold

    def trouble(self) -> str:
        self.troubles_asked += 1
        return self.stands_still

    def ready(self) -> bool:
        return self.is_ready

    def metrics(self, accept: str, names: frozenset[str] | None) -> Exposition:
        self.accepts.append(accept)
        self.names.append(names)
        return Exposition(PLAIN, self._render())

    def discovery(self) -> Exposition:
        return Exposition("application/json", [b"[", b"]"])

    def _render(self) -> Iterator[bytes]:
        self.rendering_threads.add(threading.get_ident())
        self.scrapes_under_way += 1
        self.hold_scrapes.wait(30)
        yield from self.pieces
        self.scrapes_under_way -= 1

    async def probe(self, request: ProbeRequest, accept: str) -> Exposition:
        self.accepts.append(accept)
        await self._probe(request)
        return Exposition(PLAIN, self._render())

    async def probe_dialogue(self, request: ProbeRequest) -> str:
        await self._probe(request)
        return f"220 {request.target} <b>ESMTP</b>\n"

    async def _probe(self, request: ProbeRequest) -> None:
        self.probes.append(request)
        if self.error is not None:
            raise self.error
        self.probes_under_way += 1
        try:
            if self.hold_probes is not None:
                self._loop = asyncio.get_running_loop()
                await self.hold_probes.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        finally:
            self.probes_under_way -= 1

    def release_probes(self) -> None:
        """From any thread."""
        assert self.hold_probes is not None
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.hold_probes.set)

    async def reload(self) -> Sequence[str]:
        self.reloads += 1
        return self.problems

    def effective_config(self) -> str:
        if self.error is not None:
            raise self.error
        return self.configuration

    def targets(self) -> Sequence[TargetState]:
        return self.kept

    def verdict_counts(self) -> Sequence[VerdictCount]:
        return self.counts

    def target(self, kind: TargetKind, name: str) -> TargetFacts | None:
        records = self.references if kind is TargetKind.REFERENCE else self.kept
        record = next((record for record in records if record.target.key == (kind, name)), None)
        if record is None:
            return None
        counts = record.probes, record.probe_failures
        return TargetFacts(record, *counts, self.transcripts, sharing=self.sharing, journal=self.journal)

    def report(self, kind: TargetKind, name: str) -> str | None:
        facts = self.target(kind, name)
        if facts is None or facts.state.result is None:
            return None
        return incident_report(
            Incident(name, facts.state.result, facts.state.target.settings, "me.example", AT, self.local_state())
        )

    def hosts(self, mx: str) -> Sequence[KnownHost]:
        return [host for host in self.known_hosts if host.result is not None and host.result.mx == mx]

    def host_changes(self, mx: str) -> Sequence[KnownChange]:
        return [change for change in self.journal if change.host is not None and change.host.mx == mx]

    def local_state(self) -> LocalState:
        return local_state(self.families, self.changes, self.failing, self.resolver)

    def standing(self) -> StandingView:
        return self.own_standing

    def egress(self) -> EgressFacts:
        references = self.references
        facts = (self.families, self.changes, references, self.targets(), self.witness_ports, True)
        return EgressFacts(*facts, resolver=self.resolver)

    async def probe_unscheduled(self, kind: TargetKind, name: str) -> None:
        self.probed.append((kind, name))
        await self._probe(ProbeRequest(name))
