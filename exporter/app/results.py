"""The results of targets, references and hosts: kept, told as series, logged when the state of a target changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

from exporter.app.state_log import log_change
from exporter.changes.domain_changes import domain_changes, facts_of
from exporter.changes.host_changes import host_changes
from exporter.concurrency import steady_clock
from exporter.metrics.domain_rows import target_row
from exporter.metrics.host_rows import host_row
from exporter.model.change import DomainFacts
from exporter.model.result import DomainResult, HostFacts, HostIdentity, HostResult, Said
from exporter.model.target import HostSeries, Target, TargetKey, TargetKind
from exporter.store.hosts import HostRecord, HostStore
from exporter.store.journals import Facts, Journals, Key
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW, Row, ToldRow
from exporter.store.targets import REMEMBERED_SECONDS, TargetStore
from exporter.store.transcripts import StoredTranscript, TranscriptStore, keys_of
from exporter.store.verdict_counts import VerdictCount, VerdictCounts
from exporter.web.backend import KnownChange

_ROW: Final = attrgetter("row")
_HOST_FACTS: Final = attrgetter("facts")
# Of what clients ask for beside the configuration: they push out nothing of its targets.
_LEASE_BYTES: Final = 4 * 1024 * 1024
# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_HOST, _REFERENCE = TargetKind.HOST, TargetKind.REFERENCE
# Hosts that went within the hour, whose transcripts are still kept.
_MAX_GONE: Final = 20_000


class Results:
    """The records of targets, references and hosts, their journals, and the transcripts of sessions."""

    def __init__(self, clock: Callable[[], float] = steady_clock.now) -> None:
        self._clock = clock
        self._disabled: frozenset[str] = frozenset()
        self._anew = False  # while rows are written with another set of families: no earlier row is of use
        self.domain_journals: Final = Journals[TargetKey, DomainFacts, DomainResult](facts_of, domain_changes)
        self.host_journals: Final = Journals[HostIdentity, HostFacts, HostResult](_HOST_FACTS, host_changes)
        self.targets: Final = TargetStore(self._target_row, clock, self.domain_journals.compared)
        # References have a history to look at like targets, and no series of their own.
        self.references: Final = TargetStore(lambda record, before: NO_ROW, clock)
        self.hosts: Final = HostStore(self._host_row, self._host_compared)
        self._asked_otherwise: set[HostIdentity] = set()  # since the last session
        self._verdict_counts: Final = VerdictCounts(clock)
        self.transcripts: Final = TranscriptStore()
        self._lease_transcripts: Final = TranscriptStore(_LEASE_BYTES)
        self._gone: OrderedDict[HostIdentity, float] = OrderedDict()

    def get(self, kind: TargetKind, name: str) -> TargetRecord | None:
        """The record of a target or a reference; from any thread."""
        return self._store(kind).get(kind, name)

    def rows(self) -> Iterator[ToldRow]:
        """The series of all records now; from any thread."""
        records = [*_told_once(self.targets.records()), *self.hosts.records()]
        return zip(map(_ROW, records), records, strict=True)

    def domain_told(self, target: Target, result: DomainResult, *, turn: bool) -> None:
        """Take in a judged result of a target or a reference: of its `turn`, or one that its hosts have changed."""
        change = self._store(target.kind).record(target, result, turn=turn)
        if change is not None and target.kind is not _REFERENCE:
            log_change(change)

    def restore(self, record: TargetRecord) -> None:
        """Take in the record of a target or a reference as it was before the start."""
        self._store(record.target.kind).restore(record)

    def target_outdated(self, key: TargetKey, facts: DomainFacts) -> None:
        """Compare the first result of a target with these facts, which are too old to be told."""
        record = self.get(*key)
        if record is not None and record.result is None and key[0] is not _REFERENCE:
            _know(self.domain_journals, key, facts)

    def host_outdated(self, identity: HostIdentity, facts: HostFacts) -> None:
        """Compare the first result of a host with these facts, which are too old to be told, if it comes back."""
        if self.hosts.get(identity) is None:
            _know(self.host_journals, identity, facts)
            self._set_aside(identity)

    def host_unseen(self, identity: HostIdentity) -> None:
        """Forget a host that is known from before the start alone, as one that has gone."""
        self.hosts.end_restored(identity)
        if self.hosts.get(identity) is None:
            self._set_aside(identity)

    def _set_aside(self, identity: HostIdentity) -> None:
        """Keep the journal of a host of before for a while, as far as there is room: it has no transcripts."""
        if len(self._gone) < _MAX_GONE:
            self._gone[identity] = self._clock()
            self.host_journals.shown(identity, is_shown=False)
        else:
            self.host_journals.forget([identity])

    def restore_counts(self, counts: Iterable[VerdictCount]) -> None:
        """Take in the counts of before the start."""
        self._verdict_counts.restore(counts)

    def host_described(self, identity: HostIdentity, series: HostSeries, domains: int) -> None:
        """Note the series that a host's targets want, and their number. Without one, a host has all series."""
        self.hosts.described(identity, series, domains)

    def host_told(self, identity: HostIdentity, result: HostResult, *, session: bool) -> None:
        """Take in a judged result of a host: of a `session`, or of the last one judged again."""
        if self._gone.pop(identity, None) is not None:
            self.host_journals.shown(identity, is_shown=True)
        self.hosts.record(identity, result, session=session)
        if session:
            self._asked_otherwise.discard(identity)

    def host_asked_otherwise(self, identity: HostIdentity) -> None:
        """Compare the next session of a host with nothing: a reload has changed the dialogue with it."""
        if self.hosts.get(identity) is not None:
            self._asked_otherwise.add(identity)
            self.host_journals.lose(identity)

    def host_gone(self, identity: HostIdentity) -> None:
        """Forget a host that no target has any more; its transcripts and its journal are kept for a while."""
        self.hosts.gone(identity)
        self._asked_otherwise.discard(identity)
        self._gone[identity] = self._clock()
        self.host_journals.shown(identity, is_shown=False)
        if len(self._gone) > _MAX_GONE:
            self._forget_hosts([self._gone.popitem(last=False)[0]])

    def session_heard(self, key: HostIdentity, result: HostResult, said: Said, *, lease: bool) -> None:
        """Keep the transcript of a session; `key` as :func:`keys_of` has it. `lease`: no configured target has it."""
        (self._lease_transcripts if lease else self.transcripts).keep(key, result, said)

    def transcripts_of(self, hosts: Iterable[HostIdentity]) -> Sequence[StoredTranscript]:
        """The transcripts of these hosts, the latest first; from any thread."""
        keys = [key for host in hosts for key in keys_of(host)]
        found = (*self.transcripts.of(keys), *self._lease_transcripts.of(keys))
        return sorted(found, key=lambda stored: -stored.moment)

    def journal_of(self, target: TargetKey, hosts: Iterable[HostIdentity]) -> Sequence[KnownChange]:
        """The changes of a target and of these hosts; from any thread."""
        own = [KnownChange(entry) for entry in self.domain_journals.of(target).entries]
        return [*own, *self.host_changes(hosts)]

    def host_changes(self, hosts: Iterable[HostIdentity]) -> Sequence[KnownChange]:
        """The changes of these hosts; from any thread."""
        return [KnownChange(entry, host) for host in hosts for entry in self.host_journals.of(host).entries]

    def replacing(
        self, targets: Iterable[Target], references: Iterable[Target], disabled: frozenset[str] = frozenset()
    ) -> Iterator[None]:
        """Keep the results of these targets and references alone, in steps; the families `disabled` are not told."""
        anew = self._anew = self._anew or disabled != self._disabled
        self._disabled = disabled
        yield from self.targets.replacing(self._compared_anew(targets), anew=anew)
        yield from self.references.replacing(references)
        if anew:
            yield from self.hosts.rendering()
            self._anew = False

    def _compared_anew(self, targets: Iterable[Target]) -> Iterator[Target]:
        """`targets`; of those for which other address families are asked from now on no network has changed by that."""
        for target in targets:
            before = self.targets.get(*target.key)
            if before is not None and before.target.settings.families != target.settings.families:
                self.domain_journals.lose(target.key, DomainFacts())
            yield target

    def count_verdicts(self) -> None:
        """Keep the number of targets by verdict at this moment."""
        self._verdict_counts.add(*self.targets.states())

    def verdict_counts(self) -> Sequence[VerdictCount]:
        """The targets by verdict, a count a minute for the last 24 hours and one of this moment; from any thread."""
        return *self._verdict_counts.all(), VerdictCount(self._clock(), *self.targets.states())

    def forget(self) -> None:
        """Forget the targets and hosts that went so long ago that they do not come back."""
        self.domain_journals.forget(self.targets.forget())
        self.references.forget()
        end = self._clock() - REMEMBERED_SECONDS
        forgotten: list[HostIdentity] = []
        while self._gone and next(iter(self._gone.values())) <= end:
            forgotten.append(self._gone.popitem(last=False)[0])
        self._forget_hosts(forgotten)

    def _forget_hosts(self, hosts: Sequence[HostIdentity]) -> None:
        """Forget the journals and the transcripts of hosts, but for what a host of the same address has in common."""
        self.host_journals.forget(hosts)
        gone = {key for host in hosts for key in keys_of(host)}
        if not gone:
            return
        addresses = {key.address for key in gone}
        for record in self.hosts.records():
            if record.identity.address in addresses:
                gone.difference_update(keys_of(record.identity))
        self.transcripts.forget(gone)

    def _host_compared(self, identity: HostIdentity, before: HostResult | None, now: HostResult, at: float) -> None:
        if identity not in self._asked_otherwise:
            self.host_journals.compared(identity, before, now, at)

    def _target_row(self, record: TargetRecord, before: TargetRecord | None) -> Row:
        return target_row(record, self._disabled, None if self._anew else before, self.domain_journals.counts)

    def _host_row(self, record: HostRecord, before: HostRecord | None) -> Row:
        return host_row(record, self._disabled, None if self._anew else before, self.host_journals.counts)

    def _store(self, kind: TargetKind) -> TargetStore:
        return self.references if kind is _REFERENCE else self.targets


def _know(journals: Journals[Key, Facts, Any], key: Key, facts: Facts) -> None:
    """Compare the next result with what the journal knows, or with these facts."""
    journal = journals.of(key)
    if journal.known is None:
        journals.restore(key, journal._replace(known=facts))


def _told_once(records: Iterable[TargetRecord]) -> Iterator[TargetRecord]:
    """The records of targets; where two are one host, written in two ways, the first: it has the labels."""
    labelled: set[tuple[str, int, str]] = set()
    for record in records:
        if record.target.kind is _HOST and record.result is not None and record.result.hosts:
            mx, _, port, module, _ = record.result.hosts[0].identity
            if (mx, port, module) in labelled:
                continue
            labelled.add((mx, port, module))
        yield record
