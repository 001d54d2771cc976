"""Does our resolver answer? Judged from what unrelated names drew, as the way out is from unrelated networks. Pure.

One name's SERVFAIL is its own. The same for all unrelated names at once, or "no such name" for all the world, is the
resolver, its uplink, its trust anchor or our clock. Answers from memory count for nothing: only a question that was
asked shows how the resolver is now.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.egress_state import window_of
from exporter.diagnosis.networks import organisation
from exporter.diagnosis.scope import Alike, Outcome, Scope, Voice
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import MxHost, MxLookup, ProbeResult

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
_LOOKS: Final = MappingProxyType({found: look for look, classes in _CLASSES.items() for found in classes})
# Names that are remembered to be filtered; one is enough to say so, and a domain may invent as many as it likes.
_MAX_FILTERED: Final = 1000
# What says nothing of the resolver: a shortage of ours.
_NO_SIGN: Final = frozenset({_C.LOCAL_RESOURCE, _C.INTERNAL})


@dataclass(frozen=True, slots=True)
class Asked:
    """One name that the resolver was really asked for. `on` is Unix time."""

    name: str
    on: float
    failure_class: FailureClass | None  # None: an answer that is of use
    reference: bool = False


def questions(result: ProbeResult, *, reference: bool = False) -> Iterator[Asked]:
    """What a probe asked of the resolver, without what it had in memory."""
    lookup = result.lookup
    if lookup is not None and lookup.asked_at is not None:
        yield Asked(lookup.domain, lookup.asked_at, _found(lookup, None if lookup.hosts else lookup.failure), reference)
    hosts = lookup.hosts if lookup is not None else ()
    for host in (*hosts, *result.named):
        if host.asked_at is not None:
            yield Asked(host.name, host.asked_at, _found(host, host.failure), reference)


def _found(asked: MxLookup | MxHost, failure: Failure | None) -> FailureClass | None:
    if asked.filtered is not None:
        return _C.RESOLVER_FAILING
    if asked.cause is not None:
        return asked.cause
    return failure.failure_class if failure is not None else None


class ResolverJudge:
    """The outcomes of names, and the view they give."""

    def __init__(self, interval: float, *, takes: float = 0.0) -> None:
        """`interval`: seconds after which most names are asked for again; `takes`: seconds that a probe may take."""
        self.interval = interval
        self.takes = takes
        self.view = RESOLVER_UNKNOWN
        # A mistyped name or a filtered one may be answered from the resolver's memory when nothing else is.
        self._scope = Scope(settled={ResolverSymptom.ABSENT, ResolverSymptom.FILTERED})
        # Names -> when it was seen that they are.
        self._filtered: BoundedDict[str, float] = BoundedDict(_MAX_FILTERED)
        self._proof_on = 0.0
        self._proven_when_failing = -math.inf
        self.waits = False  # for the references

    def see(self, asked: Asked, began: float, seen: float) -> None:
        """Take an outcome in; `began` and `seen` by the clock of :meth:`judge`."""
        found = asked.failure_class
        if found in _NO_SIGN:
            return
        look = _LOOKS.get(found) if found is not None else None
        voice = Voice(organisation(asked.name))
        if self._scope.see(asked.name, Outcome(voice, began, seen, look, asked.reference)) is None:
            return
        if look is ResolverSymptom.FILTERED:
            self._filtered[asked.name] = seen
        else:
            self._filtered.pop(asked.name)
        if look is None:
            self._proof_on = max(self._proof_on, asked.on)

    def set_clock(self, seconds: float) -> None:
        """Unix time was set, ahead by so much, back by less than 0: what is kept of it goes with it."""
        since = self.view.since
        # Set ahead, what began before is older by itself than what opened the way.
        back = min(0.0, seconds)
        self._proof_on += back
        self.view = replace(self.view, opened=self.view.opened + back, since=since + seconds if since else since)

    def judge(self, now: float, on: float, *, ready: bool = True) -> bool:
        """Whether the view has turned; `on` is now in Unix time, `ready`: the references have been heard."""
        since = now - window_of(self.interval, self.takes)
        self._scope.forget_before(since)
        if self._filtered:
            self._filtered.drop_all(lambda seen: seen < since)
        view = self._view(ready=ready)
        if view == self.view or (view.state, view.look, view.confidence) == (
            self.view.state,
            self.view.look,
            self.view.confidence,
        ):
            return False
        if view.state is ResolverState.FAILING:
            self._proven_when_failing = self._scope.proven
        elif self.view.state is ResolverState.FAILING and math.isfinite(self.interval):
            opened = self._proof_on if view.state is not ResolverState.UNKNOWN else on
            view = replace(view, before=replace(self.view, before=None), opened=opened)
        self.view = replace(view, since=on if view.state is not self.view.state else self.view.since)
        return True

    def _view(self, *, ready: bool) -> ResolverView:
        alike = self._scope.alike()
        self.waits = alike is not None and not ready
        if alike is not None and ready and self._is_ours(alike):
            confidence = Confidence.CERTAIN if alike.is_certain else Confidence.LIKELY
            look = ResolverSymptom(alike.way)
            state = ResolverState.FILTERING if look is ResolverSymptom.FILTERED else ResolverState.FAILING
            return ResolverView(state, confidence, look, alike.voices, alike.references)
        failing = self.view.state is ResolverState.FAILING
        if failing and self._scope.proven <= self._proven_when_failing and self._scope.one_way == self.view.look:
            return self.view
        if self._filtered:
            return ResolverView(
                ResolverState.FILTERING, Confidence.LIKELY, ResolverSymptom.FILTERED, len(self._filtered)
            )
        if self._scope.works and self._scope.proven > self._proven_when_failing:
            return ResolverView(ResolverState.WORKING, Confidence.CERTAIN)
        if self.view.state is ResolverState.WORKING and not self._scope.turned:
            return self.view  # all that works is remembered, and nobody asks for it
        return RESOLVER_UNKNOWN

    def _is_ours(self, alike: Alike) -> bool:
        """Names that do not exist may all be mistyped, unless one of them existed before or is a reference."""
        return alike.way != ResolverSymptom.ABSENT or alike.references > 0 or self._scope.proven > -math.inf


_LOOKS_LIKE: Final = MappingProxyType(
    {
        ResolverSymptom.NO_ANSWER: "gives no useful answer about",
        ResolverSymptom.ABSENT: "denies that there is any of",
        ResolverSymptom.FILTERED: "filters",
    }
)


def judge_lookup(failure: Failure, cause: FailureClass | None, asked_at: float, view: ResolverView) -> Failure:
    """The failure of a lookup, from an answer with `cause`, as it is to be seen while the resolver is as in `view`."""
    again = view.before is not None and asked_at < view.opened
    if view.before is not None and again:
        view = view.before
    look = view.look
    if (
        view.state is not ResolverState.FAILING
        or look is None
        or (cause or failure.failure_class) not in _CLASSES[look]
    ):
        return failure
    references = f", {view.references} of them references" if view.references else ""
    detail = f"our resolver {_LOOKS_LIKE[look]} {view.names} unrelated names at once{references}"
    evidence = [failure.detail, _CAUSES[look]]
    if again:
        evidence.append("the resolver answers again: it is being asked again")
    return Failure(failure.stage, _C.RESOLVER_FAILING, detail, view.confidence, tuple(evidence), failure.about)


_CAUSES: Final = MappingProxyType(
    {
        ResolverSymptom.NO_ANSWER: "the resolver itself, its uplink, its trust anchor for DNSSEC, "
        "or the clock of either machine",
        ResolverSymptom.ABSENT: "the resolver itself, or a network that lets nobody out before a login",
        ResolverSymptom.FILTERED: "the resolver's own lists",
    }
)
