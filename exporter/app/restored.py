"""The state of before the start: told with its own times until something newer is known, and no evidence for anything.

It is put into the results, beside the engine, which knows nothing of it: no session is judged by it, no host is held
for it. The first result of a target replaces the restored one; its hosts of before go with it, as far as no other
restored target has them and no session has shown them since.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final

from exporter.app.results import Results
from exporter.changes.domain_changes import facts_of
from exporter.concurrency import steady_clock
from exporter.model.failure import FailureClass, Verdict
from exporter.model.result import DomainResult, HostIdentity
from exporter.model.target import HostSeries, Target, TargetKey, TargetKind
from exporter.probe.expected_mx import compared_anew
from exporter.storage.saved import SavedState, SavedTarget, without_counters
from exporter.store.hosts import HostRecord
from exporter.store.record import LastState, TargetRecord

# A result this old, or of so many intervals ago, is not told as the present: its target counts as not probed yet.
MAX_AGE_SECONDS: Final = 600.0
MAX_AGE_INTERVALS: Final = 3.0
# Records restored between two looks at the clock: some milliseconds.
_STEP: Final = 100
_WIDTHS: Final[tuple[HostSeries, ...]] = ("none", "failing", "all")  # each with more series than the one before
# Lookups that found nothing, and deny nothing: the hosts of before may be there still (exporter.probe.lookup_doubt).
_DENY_NOTHING: Final = frozenset({FailureClass.DNS_SERVFAIL, FailureClass.DNS_BOGUS, FailureClass.DNS_MALFORMED})


def max_age(interval: float) -> float:
    """Seconds for which a result may be told after a restart."""
    return max(MAX_AGE_SECONDS, MAX_AGE_INTERVALS * interval)


class RestoredState:
    """The restored targets and hosts that are still told. One event loop's."""

    def __init__(self, results: Results, clock: Callable[[], float] = steady_clock.now) -> None:
        self._results = results
        self._clock = clock
        self._hosts: dict[TargetKey, tuple[HostIdentity, ...]] = {}  # of the targets whose result is restored
        self._claims: Counter[HostIdentity] = Counter()
        # The moments from which on a restored result would be too old, and its hosts go; the first of them first.
        self._ends: deque[tuple[float, TargetKey]] = deque()

    def __len__(self) -> int:
        """The number of targets that are told as they were before the start."""
        return len(self._hosts)

    def restoring(self, saved: SavedState, targets: Iterable[Target]) -> Iterator[None]:
        """Restore what is known of these targets, in steps; all of them are new.

        Of a process that was killed nobody knows how far it counted. A counter that goes back by a little would pass
        for one that began anew and came almost as far, so they do begin anew.
        """
        if not saved.is_last_word:
            saved = without_counters(saved)
        now = self._clock()
        # Rows of series have the numbers of changes in them.
        yield from self._restoring_journals(saved)
        widths: dict[HostIdentity, int] = {}
        domains: Counter[HostIdentity] = Counter()
        for number, target in enumerate(targets, 1):
            known = saved.targets.get(target.key)
            if known is not None:
                for identity in self._restore(target, known, now):
                    if target.kind is not TargetKind.REFERENCE:
                        width = _WIDTHS.index(target.settings.host_series)
                        widths[identity] = max(width, widths.get(identity, 0))
                        domains[identity] += target.kind is TargetKind.DOMAIN
            if number % _STEP == 0:
                yield
        for number, (identity, width) in enumerate(widths.items(), 1):
            host = saved.hosts.get(identity)
            if host is not None:
                self._results.hosts.restore(
                    HostRecord(identity, *host, series=_WIDTHS[width], domains=domains[identity], is_restored=True)
                )
            if number % _STEP == 0:
                yield
        yield from self._outdated_hosts(saved, widths)
        self._ends = deque(sorted(self._ends))
        self._results.restore_counts(saved.counts)

    def _restoring_journals(self, saved: SavedState) -> Iterator[None]:
        """Restore what has changed of targets and hosts that have not been probed since the start."""
        results = self._results
        for number, (key, changes) in enumerate(saved.domain_journals.items(), 1):
            record = results.get(*key)
            if record is not None and record.result is None:
                results.domain_journals.restore(key, changes)
            if number % _STEP == 0:
                yield
        for number, (identity, journal) in enumerate(saved.host_journals.items(), 1):
            if results.hosts.get(identity) is None:
                results.host_journals.restore(identity, journal)
            if number % _STEP == 0:
                yield

    def _outdated_hosts(self, saved: SavedState, told: Container[HostIdentity]) -> Iterator[None]:
        """Have hosts that are too old to be told compared with what was known of them, should they come back."""
        for number, (identity, host) in enumerate(saved.hosts.items(), 1):
            if identity not in told:
                self._results.host_outdated(identity, host.result.facts)
            if number % _STEP == 0:
                yield

    def told(self, target: Target, result: DomainResult) -> None:
        """A target has a result of now: its hosts of before go, unless its lookup says nothing about them."""
        if target.key in self._hosts and not _denies_nothing(result):
            self._end(target.key)

    def keep(self, is_configured: Callable[[TargetKey], bool]) -> None:
        """Forget the hosts of targets that a reload has removed."""
        for key in [key for key in self._hosts if not is_configured(key)]:
            self._end(key)

    def expire(self) -> None:
        """Forget hosts that have not been seen again for so long that they would not be restored now."""
        now = self._clock()
        while self._ends and self._ends[0][0] <= now:
            _, key = self._ends.popleft()
            if key in self._hosts:
                self._end(key)

    def _restore(self, target: Target, saved: SavedTarget, now: float) -> tuple[HostIdentity, ...]:
        """Restore a target; the hosts that are told with it."""
        last = LastState(saved.last) if saved.has_last else None
        record = TargetRecord(
            target,
            saved.result,
            saved.probes,
            saved.probe_failures,
            saved.began,
            saved.since,
            history=saved.history,
            last=last,
        )
        age = now - saved.began
        if saved.result is None or age > max_age(target.settings.interval):
            self._results.restore(record if saved.result is None else record.removed())
            if saved.result is not None:
                self._results.target_outdated(target.key, facts_of(saved.result))
            return ()
        hosts = tuple(dict.fromkeys([host.identity for host in saved.result.hosts]))
        result = compared_anew(saved.result, target.settings.expect_mx)
        self._results.restore(record._replace(result=result, is_restored=True))
        self._hosts[target.key] = hosts
        self._claims.update(hosts)
        self._ends.append((now - age + max_age(target.settings.interval), target.key))
        return hosts

    def _end(self, key: TargetKey) -> None:
        for identity in self._hosts.pop(key):
            self._claims[identity] -= 1
            if not self._claims[identity]:
                del self._claims[identity]
                self._results.host_unseen(identity)


def _denies_nothing(result: DomainResult) -> bool:
    """True where the lookup failed in a way that leaves the hosts of before in doubt."""
    failure = result.failure
    if failure is None or result.hosts:
        return False
    return failure.verdict is Verdict.LOCAL or failure.failure_class in _DENY_NOTHING
