"""The monitor: the targets of a configuration, probed on schedule by the engine; results kept and counted.

Everything here lives in one event loop, that of the probes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.app.active_configuration import ActiveConfiguration, active_configuration
from exporter.app.engine import Engine
from exporter.app.engine_parts import EngineSettings
from exporter.app.heartbeat import Heartbeat
from exporter.app.logs import dropped_lines
from exporter.app.restored import RestoredState
from exporter.app.restored_side import RestoredSide
from exporter.app.results import Results
from exporter.app.state_log import log_probe
from exporter.concurrency import steady_clock
from exporter.egress.settings import WatchSettings, counts_as_outside, typical_interval, typical_timeout
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.configuration import Config
from exporter.model.egress import SMTP_PORT, EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, Said, TranscriptLine
from exporter.model.standing import Listing, StandingView
from exporter.model.target import Target, TargetKind
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.schedule.shard import Shard
from exporter.standing.watch import ListMemory
from exporter.storage.saved import SavedSide, SavedState, Snapshot
from exporter.store.hosts import HostRecord
from exporter.store.transcripts import StoredTranscript, ended_alike

# At the end, probes may finish within this time; then their sessions send QUIT. Supervisors kill after 10 s.
STOP_GRACE_SECONDS: Final = 5.0
# Hosts described in one go, less than a millisecond of work.
_STEP: Final = 200
_ONLY_SHARD: Final = Shard()
_REFERENCE: Final = TargetKind.REFERENCE


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
        self._replaced: set[HostIdentity] = set()  # hosts of dialogues that a reload has changed
        self.side = RestoredSide()
        self.block_lists = ListMemory()
        self._saved: SavedState | None = None  # until the first configuration is adopted
        self._restored = RestoredState(self.results)
        self.engine = Engine(engine_settings(self.active, vantage), self)
        self.metrics.watch_in_flight(lambda: self.engine.schedule.probes_in_flight)
        self.metrics.watch_hosts(lambda: len(self.results.hosts))
        self.metrics.watch_dropped_log_lines(dropped_lines)

    async def stop(self) -> None:
        """End gracefully: start no probe, give those in progress some seconds, then have their sessions send QUIT."""
        await self.engine.stop(STOP_GRACE_SECONDS)
        await self.engine.close()

    def adopting(self, active: ActiveConfiguration) -> Iterator[None]:
        """Follow a configuration from now on, in steps of a few milliseconds: 100,000 targets take seconds."""
        self.active = active
        config, targets = active.config, active.targets
        self.engine.configure(engine_settings(active, self._vantage))
        self.engine.resolver.make_room_for(len(targets))
        yield
        yield from self.results.replacing(targets, config.egress.references, config.disabled_metrics)
        scheduled = (*targets, *config.egress.references)
        yield from self._restoring(scheduled)
        self._tell_references()
        yield from self.engine.adopting(scheduled)
        yield from self._describing()
        self.metrics.loaded(scheduled, config.lists, whole=not config.failures)

    def restore(self, saved: SavedState) -> None:
        """Begin with what is known from before the start, at the first configuration; call it before."""
        self._saved = saved
        for listing in saved.listings:
            self.block_lists[listing.address, listing.answer.name] = listing.answer
        self.side = RestoredSide(saved.side, steady_clock.moment(saved.written))
        self.metrics.egress_changed(self.side.egress(self.engine.watch.egress))
        self.metrics.resolver_changed(self.side.resolver(self.engine.watch.resolver))

    @property
    def restored(self) -> int:
        """The number of targets that are told as they were before the start."""
        return len(self._restored)

    def snapshot(self) -> Snapshot:
        """All that is to survive a restart, at this moment."""
        watch, results = self.engine.watch, self.results
        egress, resolver = watch.evidence
        return Snapshot(
            results.targets.records(),
            results.references.records(),
            results.hosts.records(),
            SavedSide(self.side.egress(egress), self.side.changes(watch.changes), self.side.resolver(resolver)),
            results.verdict_counts()[:-1],
            self.active.config.defaults,
            results.domain_journals.items(),
            results.host_journals.items(),
            tuple([Listing(address, answer) for (address, _), answer in self.block_lists.items()]),
        )

    def _restoring(self, targets: Sequence[Target]) -> Iterator[None]:
        saved, self._saved = self._saved, None
        if saved is not None:
            yield from self._restored.restoring(saved, targets)
        elif self._restored:
            self._restored.keep(lambda key: self.results.get(*key) is not None)

    def _describing(self) -> Iterator[None]:
        """Have the series of all hosts follow their targets at once: their next sessions may be hours away."""
        for number, host in enumerate([*self.engine.table.hosts.values()], 1):
            if host.key.dialogue.retired:
                self.results.host_asked_otherwise(host.identity)
            is_configured, domains, series = host.sharing
            if host.result is not None and is_configured:
                self.results.host_described(host.identity, series, domains)
            if number % _STEP == 0:
                yield

    def forget(self) -> None:
        """Forget what went: hosts without a successor now, targets and transcripts that have not come back for long."""
        if self._replaced:
            known = {host.identity for host in self.engine.table.hosts.values() if host.sharing.is_configured}
            for identity in self._replaced - known:
                self.results.host_gone(identity)
            self._replaced.clear()
        self.results.forget()
        self._restored.expire()
        if self.side.expire():
            self.egress_changed(self.engine.watch.egress)
            self.resolver_changed(self.engine.watch.resolver)

    def find(self, kind: TargetKind, name: str) -> Target | None:
        """A configured target, this shard's or another's."""
        record = self.results.targets.get(kind, name)
        return record.target if record is not None else self.active.others.get((kind, name))

    async def ask(self, target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        """The result of a target for somebody who waits for it, at most `within` seconds: see exporter.app.asks."""
        return await self.engine.ask(target, within=within, fresh=fresh)

    def transcripts_of(self, result: DomainResult) -> Mapping[HostIdentity, tuple[TranscriptLine, ...]]:
        """The transcripts of the sessions that a result is about, as far as they are kept.

        Of a session that ended like a later one, the later one's is kept.
        """
        stored = {host.identity: self.transcript_of(host) for host in result.hosts}
        return {identity: () if chosen is None else chosen.transcript for identity, chosen in stored.items()}

    def transcript_of(self, host: HostResult) -> StoredTranscript | None:
        """The transcript of the session that the result of a host is about, or the latest that ended alike."""
        kept = self.results.transcripts_of((host.identity,))
        alike = [each for each in kept if ended_alike(each.failure, host.failure)]
        return next((each for each in kept if each.at == host.timings.at), alike[0] if alike else None)

    def hosts_named(self, mx: str) -> Sequence[HostRecord]:
        """The records of all hosts of one MX name; from any thread."""
        return [record for record in self.results.hosts.records() if record.identity.mx == mx]

    def domains_behind(self, identity: HostIdentity) -> int:
        """The number of configured domains behind a host; from any thread."""
        record = self.results.hosts.get(identity)
        return 0 if record is None else record.domains or 0

    # What the engine tells: see :class:`exporter.app.engine_owner.EngineOwner`.

    def turn_started(self, lag: float) -> None:
        """A turn or a session has begun, so many seconds late."""
        self.metrics.started(lag)

    def internal_error(self) -> None:
        """A bug of the exporter has shown."""
        self.metrics.internal_error()

    def session_begun(self) -> None:
        """Count a session."""
        self.metrics.session_begun()

    def session_made(self, conversation: Conversation, leader: HostResult, said: Said) -> None:
        """Count the phases of a session that counts, and keep its transcript."""
        self.metrics.session_made(leader)
        # As exporter.store.transcripts.keys_of has it: the MX names of an address share their sessions, unless the
        # dialogue is about one host alone.
        dialogue = conversation.dialogue
        is_own = conversation.key.name or (dialogue.owner and not dialogue.is_for_domain)
        identity = leader.identity
        key = identity if is_own else HostIdentity("", *identity[1:])
        self.results.session_heard(key, leader, said, lease=not conversation.is_scheduled)

    def host_told(self, host: Host, *, session: bool) -> None:
        """Keep the result of a host, if a configured target has it."""
        is_configured, domains, series = host.sharing
        if host.result is None or not is_configured:
            return
        self.results.host_described(host.identity, series, domains)
        self.results.host_told(host.identity, host.result, session=session)
        if host.key.dialogue.retired:  # a session that was under way at the reload
            self.results.host_asked_otherwise(host.identity)

    def host_before(self, identity: HostIdentity) -> HostResult | None:
        """See EngineOwner."""
        record = self.results.hosts.get(identity)
        return None if record is None else record.result

    def host_gone(self, host: Host) -> None:
        """Forget a host; one of a dialogue that a reload has changed may have a successor of the same identity."""
        if host.key.dialogue.retired:
            self._replaced.add(host.identity)
        else:
            self.results.host_gone(host.identity)

    def domain_told(self, target: Target, result: DomainResult, *, turn: bool) -> None:
        """Keep the result of a target."""
        self.results.domain_told(target, result, turn=turn)
        if self._restored:
            self._restored.told(target, result)
        if target.kind is _REFERENCE:
            self._tell_references()
        if turn:
            log_probe(target, result)

    def egress_changed(self, states: EgressByFamily) -> None:
        """Tell the state of the egress."""
        self.metrics.egress_changed(self.side.egress(states))

    def resolver_changed(self, view: ResolverView) -> None:
        """Tell the state of the resolver."""
        self.metrics.resolver_changed(self.side.resolver(view))

    def _tell_references(self) -> None:
        known = self.results.references.records()
        self.metrics.references_probed(
            {record.target.name: record.result.up for record in known if record.result is not None}
        )

    def standing_seen(self, view: StandingView) -> None:
        """Tell our own standing, and have the hosts judged by it."""
        self.metrics.standing_seen(view)
        self.engine.standing_seen(view)


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
    return EngineSettings(config.resolver, config.limits, watch, vantage.helo, config.modules, config.defaults)
