"""The resolver state, judged from the answers about unrelated names, as the egress is from unrelated networks. Pure.

The SERVFAIL of one name is its own. The same answer for all unrelated names at once, or NXDOMAIN for all of them, comes
from the resolver, its uplink, its trust anchor or a wrong clock. Answers from the cache do not count: only a query that
was sent shows the present state of the resolver.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.common_cause import CommonFailure, SourceOutcomes, window_of
from exporter.diagnosis.failing_sources import SourceOutcome, SourceOwner
from exporter.diagnosis.networks import organisation
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import MxHost, MxLookup

_C = FailureClass

_CLASSES: Final = MappingProxyType(
    {
        ResolverSymptom.NO_ANSWER: frozenset(
            {_C.DNS_SERVFAIL, _C.DNS_TIMEOUT, _C.DNS_REFUSED, _C.DNS_BOGUS, _C.DNS_MALFORMED}
        ),
        ResolverSymptom.ABSENT: frozenset({_C.DNS_NXDOMAIN, _C.DNS_NO_ADDRESS}),
        ResolverSymptom.FILTERED: frozenset({_C.RESOLVER_FAILING}),
    }
)
_SYMPTOMS: Final = MappingProxyType({found: symptom for symptom, classes in _CLASSES.items() for found in classes})
# Names that are remembered to be filtered; one is enough to report it, and a domain may have any number of names.
_MAX_FILTERED: Final = 1000
# Failures without a meaning for the resolver: a shortage of this host.
_INCONCLUSIVE: Final = frozenset({_C.LOCAL_RESOURCE, _C.INTERNAL})


@dataclass(frozen=True, slots=True)
class Asked:
    """One query that was sent to the resolver. `sent_unix` is Unix time."""

    name: str
    sent_unix: float
    failure_class: FailureClass | None  # None: a useful answer
    reference: bool = False


def questions(lookup: MxLookup | None, named: tuple[MxHost, ...] = (), *, reference: bool = False) -> Iterator[Asked]:
    """The queries of a lookup that were sent to the resolver, without those answered from the cache."""
    if lookup is not None and lookup.asked_at is not None:
        yield Asked(
            lookup.domain, lookup.asked_at, _class_of(lookup, None if lookup.hosts else lookup.failure), reference
        )
    hosts = lookup.hosts if lookup is not None else ()
    for host in (*hosts, *named):
        if host.asked_at is not None:
            yield Asked(host.name, host.asked_at, _class_of(host, host.failure), reference)


def _class_of(asked: MxLookup | MxHost, failure: Failure | None) -> FailureClass | None:
    if asked.filtered is not None:
        return _C.RESOLVER_FAILING
    if asked.cause is not None:
        return asked.cause
    return failure.failure_class if failure is not None else None


class ResolverJudge:
    """The outcomes of queries about names, and the view that they give."""

    def __init__(self, interval: float, *, takes: float = 0.0) -> None:
        """`interval`: seconds after which most names are looked up again; `takes`: seconds that a probe may take."""
        self.interval = interval
        self.takes = takes
        self.view = self._latest = RESOLVER_UNKNOWN  # as FamilyEgressJudge's
        # A mistyped name or a filtered one may be answered from the resolver's cache while no other name is.
        self._outcomes = SourceOutcomes(conclusive_if_new={ResolverSymptom.ABSENT, ResolverSymptom.FILTERED})
        # Name -> time of the filtered answer.
        self._filtered: BoundedDict[str, float] = BoundedDict(_MAX_FILTERED)
        self._success_unix = 0.0
        self._success_before_failing = -math.inf
        self.waits = False  # for the references

    def record(self, asked: Asked, began: float, seen: float) -> None:
        """Record an outcome; `began` and `seen` by the clock of :meth:`judge`."""
        found = asked.failure_class
        if found in _INCONCLUSIVE:
            return
        symptom = _SYMPTOMS.get(found) if found is not None else None
        owner = SourceOwner(organisation(asked.name))
        if self._outcomes.record(asked.name, SourceOutcome(owner, began, seen, symptom, asked.reference)) is None:
            return
        if symptom is ResolverSymptom.FILTERED:
            self._filtered[asked.name] = seen
        else:
            self._filtered.pop(asked.name)
        if symptom is None:
            self._success_unix = max(self._success_unix, asked.sent_unix)

    def set_clock(self, seconds: float) -> None:
        """Correct all kept Unix times after the clock was set: ahead by `seconds`, back where they are below 0."""
        since = self.view.since
        # Set ahead, a query sent before is older than the recovery without any correction.
        back = min(0.0, seconds)
        self._success_unix += back
        self.view = replace(self.view, opened=self.view.opened + back, since=since + seconds if since else since)

    def judge(self, now: float, unix: float, *, ready: bool = True) -> bool:
        """Judge anew; True where the view has changed.

        `unix`: now in Unix time; `ready`: the references have been probed, if there are any.
        """
        since = now - window_of(self.interval, self.takes)
        self._outcomes.forget_before(since)
        if self._filtered:
            self._filtered.drop_all(lambda seen: seen < since)
        view = self._latest = self._judged(ready=ready)
        if _decisive(view) == _decisive(self.view):
            return False
        if view.state is ResolverState.FAILING:
            self._success_before_failing = self._outcomes.last_success
        elif self.view.state is ResolverState.FAILING and math.isfinite(self.interval):
            # The query that shows the recovery may have been sent before it; one sent later may have failed before it.
            view = replace(view, before=replace(self.view, before=None), opened=unix)
        self.view = replace(view, since=unix if view.state is not self.view.state else self.view.since)
        return True

    @property
    def current(self) -> ResolverView:
        """The view with the evidence of now; from any thread."""
        view, latest = self.view, self._latest
        if _decisive(latest) != _decisive(view):
            latest = view
        return replace(
            view,
            names=latest.names,
            references=latest.references,
            heard=len(self._outcomes),
            last_success=self._success_unix,
        )

    def _judged(self, *, ready: bool) -> ResolverView:
        common = self._outcomes.common_failure()
        self.waits = common is not None and not ready
        if common is not None and ready and self._is_ours(common):
            confidence = Confidence.CERTAIN if common.is_certain else Confidence.LIKELY
            symptom = ResolverSymptom(common.kind)
            state = ResolverState.FILTERING if symptom is ResolverSymptom.FILTERED else ResolverState.FAILING
            return ResolverView(state, confidence, symptom, common.owners, common.references)
        failing = self.view.state is ResolverState.FAILING
        if (
            failing
            and self.view.symptom is not None
            and self._outcomes.last_success <= self._success_before_failing
            and self._outcomes.only_kind == self.view.symptom
        ):
            names, references = self._outcomes.failing_so(self.view.symptom)
            return replace(self.view, names=names, references=references)
        if self._filtered:
            return ResolverView(
                ResolverState.FILTERING, Confidence.LIKELY, ResolverSymptom.FILTERED, len(self._filtered)
            )
        if self._outcomes.any_succeeds and self._outcomes.last_success > self._success_before_failing:
            return ResolverView(ResolverState.WORKING, Confidence.CERTAIN)
        if self.view.state is ResolverState.WORKING and not self._outcomes.any_newly_failing:
            return self.view  # all names that work are in the cache, and no query is sent for them
        return RESOLVER_UNKNOWN

    def _is_ours(self, common: CommonFailure) -> bool:
        """False where all names may be mistyped: NXDOMAIN, and none of them is a reference or existed before."""
        return common.kind != ResolverSymptom.ABSENT or common.references > 0 or self._outcomes.last_success > -math.inf


def _decisive(view: ResolverView) -> tuple[object, ...]:
    """The parts of a view that change the diagnosis of lookups."""
    return view.state, view.symptom, view.confidence


_DESCRIPTIONS: Final = MappingProxyType(
    {
        ResolverSymptom.NO_ANSWER: "gives no useful answer about",
        ResolverSymptom.ABSENT: "denies that there is any of",
        ResolverSymptom.FILTERED: "filters",
    }
)
_CAUSES: Final = MappingProxyType(
    {
        ResolverSymptom.NO_ANSWER: "the resolver itself, its uplink, its trust anchor for DNSSEC, "
        "or the clock of either machine",
        ResolverSymptom.ABSENT: "the resolver itself, or a network that blocks all traffic before a login",
        ResolverSymptom.FILTERED: "the resolver's own lists",
    }
)


def judge_lookup(failure: Failure, cause: FailureClass | None, asked_at: float, view: ResolverView) -> Failure:
    """The failure of a lookup that an answer with `cause` gave, under this state of the resolver."""
    recovered = view.before is not None and asked_at < view.opened
    if view.before is not None and recovered:
        view = view.before
    symptom = view.symptom
    if view.state is not ResolverState.FAILING or symptom is None:
        return failure
    if (cause or failure.failure_class) not in _CLASSES[symptom]:
        return failure
    references = f", {view.references} of them references" if view.references else ""
    detail = f"our resolver {_DESCRIPTIONS[symptom]} {view.names} unrelated names at once{references}"
    evidence = [failure.detail, _CAUSES[symptom]]
    if recovered:
        evidence.append("the resolver answers again: it is being asked again")
    return Failure(failure.stage, _C.RESOLVER_FAILING, detail, view.confidence, tuple(evidence), failure.about)
