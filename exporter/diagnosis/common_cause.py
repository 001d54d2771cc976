"""A common cause on our side, or many single ones: the failures of unrelated sources compared. Pure.

One mechanism serves all kinds of failure, be it connects to port 25 of addresses or answers of the resolver about
names. The newest outcome of each source counts, for a while. Sources that have one owner count as one.

Time tells a common cause from many single ones. The newest success shows that things worked at its moment. A source
that failed before the last success fails for a reason of its own; one that began to fail after it is newly failing. A
failure is common if

- all attempts since the last success failed in one way, those of unrelated owners among them;
- each owner whose newest outcome is a success has a newly failing source, too;
- more than one owner that ever succeeded has: four dead hosts and a fifth that dies are five dead hosts, and a source
  that works may be asked seldom, as a name whose answer is remembered.

Some kinds of failure say nothing about other sources: attempts that never left this host, and failures that have been
so since before the last success. The cost of an outcome is the same with ten sources and with a hundred thousand.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, NamedTuple

from exporter.diagnosis.failing_sources import (
    OWNERS_NEEDED,
    FailingSources,
    SourceOutcome,
    SourceOwner,
    count_down,
)

# Intervals for which an outcome counts: every target is probed once an interval, a little late at worst.
_WINDOW_INTERVALS: Final = 1.5
# Unrelated owners that must be newly failing: a single one has a reason of its own.
NEWLY_FAILING_NEEDED: Final = 2
# Seconds; more than the error of a conversion from one clock to another.
_CLEARLY_BEFORE: Final = 1.0
# Sources whose newest outcome is kept: enough to judge by, and strangers may invent names and addresses without end.
# Beyond it the sources without an outcome for the longest time are forgotten.
MAX_SOURCES: Final = 100_000
# Organisations that are remembered to have succeeded. Beyond it the first of them are forgotten.
MAX_SUCCEEDED: Final = 100_000
# Forgotten in one go: to find the first entry of a dictionary is to walk past all that have been removed.
_AT_ONCE: Final = 1000
# Owners whose newest success is remembered: enough that one of them is unrelated to the owner in question.
_SUCCESSES_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class CommonFailure:
    """All sources fail in this way."""

    kind: str
    owners: int  # unrelated ones
    newly_failing: int  # owners among them that did not fail before the last success
    references: int  # newly failing sources that are references

    @property
    def is_certain(self) -> bool:
        """True where enough owners are newly failing, and references are among their sources."""
        return self.references > 0 and self.newly_failing >= OWNERS_NEEDED


class _Success(NamedTuple):
    at: float
    owner: SourceOwner
    since: float  # begin of the row of successes that it belongs to

    def as_of(self, began: float) -> float:
        """The moment of success, as far as it bears on an attempt begun at `began`.

        A source that failed itself in between does not show that things worked at that time.
        """
        return self.at if self.since <= began else min(self.at, began - _CLEARLY_BEFORE)


class SourceOutcomes:
    """The newest outcomes of many sources, and the failure that they have in common."""

    def __init__(self, *, inconclusive: Collection[str] = (), conclusive_if_new: Collection[str] = ()) -> None:
        """Kinds of failure that say less than others.

        A failure of an `inconclusive` kind does not speak against another kind in which all others fail. Nor does one
        of a kind in `conclusive_if_new` that was there before the last success.
        """
        self._inconclusive = frozenset(inconclusive)
        self._conclusive_if_new = frozenset(conclusive_if_new)
        self.last_success = -math.inf
        self._newest: dict[Hashable, SourceOutcome] = {}  # the oldest first
        self._succeeding: Counter[SourceOwner] = Counter()
        # Failures of attempts begun after the last success; by kind; and of these the newly failing sources.
        self._failed_since: dict[Hashable, SourceOutcome] = {}
        self._failing: defaultdict[str, FailingSources] = defaultdict(FailingSources)
        self._newly_failing: defaultdict[str, FailingSources] = defaultdict(FailingSources)
        # Newly failing sources of organisations that are known to have succeeded, however long ago.
        self._succeeded_before: defaultdict[str, FailingSources] = defaultdict(FailingSources)
        self._succeeded: dict[str, None] = {}  # organisations
        self._successes: deque[_Success] = deque(maxlen=_SUCCESSES_KEPT)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._newest

    def __len__(self) -> int:
        return len(self._newest)

    def newest(self, key: Hashable) -> SourceOutcome | None:
        """The newest outcome of a source."""
        return self._newest.get(key)

    def record(self, key: Hashable, outcome: SourceOutcome) -> SourceOutcome | None:
        """Record an outcome; return it as it is kept, or None where a newer one is known."""
        if len(self._newest) > MAX_SOURCES + _AT_ONCE:
            for oldest in list(islice(self._newest, _AT_ONCE)):
                self._forget(oldest)
        before = self._newest.get(key)
        if before is not None:
            if outcome.began < before.began:
                return None
            self._forget(key)
        if outcome.failure_kind is None:
            since = -math.inf if before is None else before.since if before.failure_kind is None else outcome.began
            succeeded = outcome.in_row(since)
            self._newest[key] = succeeded
            self._succeeding[succeeded.owner] += 1
            self._succeeded[succeeded.owner.organisation] = None
            _shorten(self._succeeded, MAX_SUCCEEDED)
            self._record_success(succeeded)
            return succeeded
        is_same = before is not None and before.failure_kind == outcome.failure_kind
        failed = outcome.in_row(before.since if before is not None and is_same else outcome.began)
        self._newest[key] = failed
        self._record_failure(key, failed)
        return failed

    def forget_before(self, seen: float) -> None:
        """Forget the outcomes that were seen before `seen`."""
        for key in [key for key, _ in takewhile(lambda kept: kept[1].seen < seen, self._newest.items())]:
            self._forget(key)

    @property
    def any_succeeds(self) -> bool:
        """True where the newest outcome of a source is a success."""
        return bool(self._succeeding)

    @property
    def any_newly_failing(self) -> bool:
        """True where a source has begun to fail since the last success."""
        return any(map(len, self._newly_failing.values()))

    @property
    def failed_since_success(self) -> int:
        """The number of sources whose attempts since the last success failed."""
        return len(self._failed_since)

    @property
    def only_kind(self) -> str | None:
        """The one kind of failure of all attempts since the last success; None where there is none, or more."""
        kinds = [kind for kind, failing in self._failing.items() if len(failing)]
        kinds = [kind for kind in kinds if kind not in self._inconclusive] or kinds
        return kinds[0] if len(kinds) == 1 else None

    def failing_so(self, kind: str) -> tuple[int, int]:
        """Unrelated owners of the sources that have failed in this way since the last success, and references."""
        failing = self._failing.get(kind)
        return (failing.unrelated_owners, failing.references) if failing is not None else (0, 0)

    def common_failure(self) -> CommonFailure | None:
        """The failure that all sources have in common, if there is one."""
        kind = self.only_kind
        if kind is None:
            return None
        failing, newly = self._failing[kind], self._newly_failing[kind]
        if len(newly) < NEWLY_FAILING_NEEDED or not all(map(newly.has_related, self._succeeding)):
            return None
        if failing.unrelated_owners < OWNERS_NEEDED or newly.unrelated_owners < NEWLY_FAILING_NEEDED:
            return None
        if self.last_success > -math.inf and self._succeeded_before[kind].unrelated_owners < NEWLY_FAILING_NEEDED:
            return None
        return CommonFailure(kind, failing.unrelated_owners, newly.unrelated_owners, newly.references)

    def success_by_others(self, owner: SourceOwner, began: float) -> float:
        """The newest success of an owner unrelated to `owner`; -inf if none is known.

        The moment lies before `began`, the begin of the attempt in question, where no success counts for that time.
        """
        others = (success for success in self._successes if success.owner.is_unrelated_to(owner))
        return max((success.as_of(began) for success in others), default=-math.inf)

    def _record_success(self, outcome: SourceOutcome) -> None:
        owner = outcome.owner
        for known in self._successes:
            if known.owner == owner:
                if known.at >= outcome.began:
                    return
                self._successes.remove(known)
                break
        self._successes.append(_Success(outcome.began, outcome.owner, outcome.since))
        if outcome.began <= self.last_success:
            return
        self.last_success = outcome.began
        if not self._failed_since:
            return
        # Most failures are older: to keep the rest anew takes a moment even where everything had been shut off.
        left = [(key, failed) for key, failed in self._failed_since.items() if failed.began > self.last_success]
        self._failed_since = {}
        self._failing.clear()
        self._newly_failing.clear()
        self._succeeded_before.clear()
        for key, failed in left:
            self._record_failure(key, failed)

    def _record_failure(self, key: Hashable, failed: SourceOutcome) -> None:
        """Keep a failure that came after the last success."""
        kind, is_new = failed.failure_kind, failed.since > self.last_success
        if kind is None or failed.began <= self.last_success or (kind in self._conclusive_if_new and not is_new):
            return
        self._failed_since[key] = failed
        self._failing[kind].add(key, failed)
        if is_new:
            self._newly_failing[kind].add(key, failed)
            if failed.owner.organisation in self._succeeded:
                self._succeeded_before[kind].add(key, failed)

    def _forget(self, key: Hashable) -> None:
        known = self._newest.pop(key)
        if known.failure_kind is None:
            count_down(self._succeeding, known.owner)
        failed = self._failed_since.pop(key, None)
        if failed is not None and failed.failure_kind is not None:
            for sources in (self._failing, self._newly_failing, self._succeeded_before):
                sources[failed.failure_kind].remove(key)


def _shorten(kept: dict[str, None], limit: int) -> None:
    """Forget the first entries, some at a time, where there are clearly more than `limit`."""
    if len(kept) > limit + _AT_ONCE:
        for first in list(islice(kept, _AT_ONCE)):
            del kept[first]


def window_of(interval: float, takes: float) -> float:
    """Seconds for which an outcome counts: until the next one of the same target is known.

    A quick success may be followed by a slow failure: then an interval and the duration of the failure lie in between.
    """
    return max(interval * _WINDOW_INTERVALS, interval + takes)
