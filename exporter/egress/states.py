"""The states of the egress and of the resolver: judged from observations, logged when they change."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from exporter.diagnosis.diagnose import is_intercepted
from exporter.diagnosis.egress_state import EgressJudge
from exporter.diagnosis.fingerprints import describe_mark
from exporter.diagnosis.resolver_state import Asked, ResolverJudge
from exporter.egress.clocks import Now
from exporter.egress.settings import WatchSettings
from exporter.model.address import Family
from exporter.model.egress import EgressByFamily, EgressState, EgressStateChange, EgressView
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import HostResult

log = logging.getLogger(__name__)

# Changes are rare; one a minute for an hour is a pattern that needs no more of it.
MAX_CHANGES: Final = 64
_CLOSED: Final = frozenset({EgressState.BLOCKED, EgressState.INTERCEPTED, EgressState.OFFLINE})


class JudgedStates:
    """The state of each family's egress and of the resolver, with the last changes and the references' own state."""

    def __init__(self, settings: WatchSettings) -> None:
        self.egress_judge: Final = EgressJudge(settings.interval, settings.port, takes=settings.longest_probe)
        self._resolver_judge = ResolverJudge(settings.interval, takes=settings.longest_probe)
        self._references = frozenset(reference.name for reference in settings.egress.references)
        # One server answers for all hosts, or did when the probes under way began.
        self.is_intercepted = False
        self.references_up: Mapping[str, bool] = {}  # of those with a result; replaced whole
        self.changes: tuple[EgressStateChange, ...] = ()  # the last MAX_CHANGES, the oldest first; replaced whole

    @property
    def egress(self) -> EgressByFamily:
        """The state of the egress, by family."""
        return self.egress_judge.views

    @property
    def resolver(self) -> ResolverView:
        """The state of the resolver."""
        return self._resolver_judge.view

    @property
    def evidence(self) -> tuple[EgressByFamily, ResolverView]:
        """Both with the evidence of now, as :attr:`FamilyEgressJudge.current` has it; from any thread."""
        return self.egress_judge.current, self._resolver_judge.current

    @property
    def wants_references(self) -> bool:
        """True if everything fails alike but for the references, which have no result yet."""
        return self.egress_judge.waits or self._resolver_judge.waits

    def configure(self, settings: WatchSettings) -> None:
        """Judge by other settings from now on; observations stay."""
        for judge in (self.egress_judge, self._resolver_judge):
            judge.interval, judge.takes = settings.interval, settings.longest_probe
        self._references = frozenset(reference.name for reference in settings.egress.references)
        self.egress_judge.keep_references(self._references)
        self.references_up = {name: up for name, up in self.references_up.items() if name in self._references}

    def reference_probed(self, name: str, *, up: bool) -> None:
        """A reference has a result."""
        self.references_up = {**self.references_up, name: up}

    def clock_set(self, ahead: float) -> None:
        """Unix time was set: observations since then are no older than they were, and changes move along."""
        self.egress_judge.set_clock(ahead)
        self._resolver_judge.set_clock(ahead)
        self.changes = tuple(replace(change, at=change.at + ahead) for change in self.changes)

    def observe_questions(self, asked: Iterable[Asked], now: Now) -> bool:
        """Take in questions that the resolver was asked; whether its state may have changed."""
        may_change = False
        for each in asked:
            self._resolver_judge.record(each, now.loop - max(0.0, now.unix - each.sent_unix), now.loop)
            may_change |= each.failure_class is not None or self.resolver.state is not ResolverState.WORKING
        return may_change

    def success_by_others(self, host: HostResult, now: Now) -> float:
        """The newest Unix time at which the port is known to have got out to a host that is unrelated."""
        return self.success_since(host.address, host.mx, host.timings.at, now)

    def success_since(self, address: str, mx: str, at: float, now: Now) -> float:
        """The same for a session with `address` that began at `at`: before `at` where nothing shows it since."""
        return self.egress_judge.success_by_others(address, mx, at - now.offset) + now.offset

    def judge_resolver(self, now: Now) -> bool:
        """Judge the resolver anew; whether its state has changed."""
        changed = self._resolver_judge.judge(now.loop, now.unix, ready=self.references_are_known)
        if changed:
            _log_resolver(self.resolver)
        return changed

    def judge_egress(self, now: Now) -> tuple[Family, ...]:
        """Judge the egress anew; the families whose state has changed."""
        changed = self.egress_judge.judge(now.loop, now.unix, ready=self.references_are_known)
        for family in changed:
            _log_egress(family, self.egress[family])
            change = EgressStateChange(now.unix, family, self.egress[family])
            self.changes = (*self.changes, change)[-MAX_CHANGES:]
        if changed:
            self.is_intercepted = any(map(is_intercepted, self.egress.values()))
        return changed

    @property
    def references_are_known(self) -> bool:
        """Each reference has a result."""
        return self._references <= self.references_up.keys()


def _log_egress(family: Family, view: EgressView) -> None:
    """One line, whose words a person can act on."""
    closed = view.state in _CLOSED
    fields: dict[str, object] = {"family": family, "state": view.state, "confidence": view.confidence}
    if closed:
        fields |= {"networks": view.networks, "references": view.references}
    if view.passing_traffic:
        fields["passing_traffic"] = view.passing_traffic
    if view.common_fingerprint:
        fields["server"] = describe_mark(view.common_fingerprint)
    log.log(logging.WARNING if closed else logging.INFO, "egress state changed", extra={"fields": fields})


def _log_resolver(view: ResolverView) -> None:
    fields: dict[str, object] = {"state": view.state, "confidence": view.confidence}
    if view.fails:
        fields |= {"names": view.names, "references": view.references}
    log.log(logging.WARNING if view.fails else logging.INFO, "resolver state changed", extra={"fields": fields})
