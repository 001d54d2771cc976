"""The egress state: connects to port 25 out of here, judged per address family from unrelated networks. Pure.

A single host cannot tell: its silence may be its own. But a host that greets proves the egress open, and where all
recent sessions fail in one way (:mod:`exporter.diagnosis.common_cause`) the cause is on our side: timeouts,
prohibitions, resets, or connects that are accepted and then neither greeted nor held open.

The state is that of one port. An answer from another port is a witness: it proves that packets get out, and no more.
Times are seconds of one clock that never jumps; `unix` values are Unix time, the time of results.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.common_cause import window_of
from exporter.diagnosis.egress_observation import EgressObservation
from exporter.diagnosis.failing_sources import OWNERS_NEEDED, SourceOwner
from exporter.diagnosis.family_egress import FamilyEgressJudge, InspectionResult
from exporter.diagnosis.fingerprints import Suspect
from exporter.diagnosis.networks import network_of, organisation
from exporter.model.address import Family, family_of
from exporter.model.egress import SMTP_PORT, EgressByFamily
from exporter.model.evidence import ConnectOutcome

__all__ = ["NETWORKS_NEEDED", "EgressJudge", "EgressObservation", "InspectionResult"]

NETWORKS_NEEDED: Final = OWNERS_NEEDED
# Addresses of references that are remembered as such. A DNS may give others each time: beyond it the first go.
MAX_REFERENCE_ADDRESSES: Final = 1000


class EgressJudge:
    """The outcomes of sessions to the port, and the egress state of each address family."""

    def __init__(self, interval: float, port: int = SMTP_PORT, *, takes: float = 0.0) -> None:
        """`interval`: seconds after which most targets are probed again; `port`: the port that is judged.

        `takes`: seconds that a probe may take.
        """
        self.interval = interval
        self.takes = takes
        self.port = port
        self._families = {family: FamilyEgressJudge(port) for family in Family}
        self.views: EgressByFamily = self._views()
        # Address -> its reference, the latest last.
        self._references: BoundedDict[str, str] = BoundedDict(MAX_REFERENCE_ADDRESSES)

    def record(self, observation: EgressObservation) -> bool:
        """Record a session with a public address; True for the first failure at an address that succeeded."""
        evidence, address = observation.evidence, observation.address
        family = self._families[family_of(address)]
        if observation.witness:
            family.record_other_egress(observation.recorded_at + self.window, observation.witness)
        if evidence.port != self.port:
            if evidence.connect is None:
                family.record_other_egress(observation.recorded_at + self.window, f"port {evidence.port} of {address}")
            return False
        if observation.reference:
            self._references[address] = observation.reference
        elif address in self._references:  # a domain's mail host that is a reference as well
            observation = observation._replace(reference=self._references[address])
        is_first_failure = family.record(observation)
        if observation.outcome is ConnectOutcome.ANSWERED and evidence.fingerprints:
            is_reference = bool(observation.reference)
            family.fingerprints.record(
                address, observation.mx, evidence.fingerprints, observation.recorded_at, reference=is_reference
            )
        return is_first_failure

    def success_by_others(self, address: str, mx: str, began: float) -> float:
        """The last moment at which the port is known to have got out to an unrelated host; -inf if none is known.

        The moment lies before `began` where nothing shows that the port got out at that time.
        """
        owner = SourceOwner(organisation(mx), network_of(address))
        return self._families[family_of(address)].outcomes.success_by_others(owner, began)

    def confirm_reset(self, address: str, offset: float) -> None:
        """The last reset of an address is the host's own: the port gets out.

        `offset`: seconds by which Unix time is ahead of the clock of the outcomes.
        """
        self._families[family_of(address)].confirm_reset(address, offset)

    def set_clock(self, seconds: float) -> None:
        """Correct all kept Unix times after the clock was set: ahead by `seconds`, back where they are below 0."""
        for family in self._families.values():
            family.set_clock(seconds)
        self.views = self._views()

    def record_other_egress(self, family: Family, at: float, subject: str, *, lasts: float = 0.0) -> None:
        """Record egress beside the port, `subject` being the subject of a sentence about it.

        `lasts`: seconds for which it counts, where it is looked for less often than sessions are.
        """
        self._families[family].record_other_egress(at + max(self.window, lasts), subject)

    def suspects(self, now: float) -> Iterable[tuple[Family, Suspect]]:
        """Look for fingerprints that unrelated hosts share, and yield those without an interception check.

        The cost is higher than that of an observation: once a second is enough.
        """
        for family, judge in self._families.items():
            judge.suspect = judge.fingerprints.suspect(now - self.window)
            if judge.suspect is not None and judge.suspect.mark not in judge.findings:
                yield family, judge.suspect

    def record_check(self, family: Family, mark: str, finding: InspectionResult, at: float) -> None:
        """Record the result of an interception check."""
        self._families[family].findings[mark] = (at, finding)

    def forget_interception_checks(self, before: float) -> None:
        """Forget the results of checks before then, so that the suspects are checked again."""
        for family in self._families.values():
            family.findings = {mark: found for mark, found in family.findings.items() if found[0] >= before}

    def keep_references(self, names: Iterable[str]) -> None:
        """Only these are references from now on."""
        kept = frozenset(names)
        self._references.drop_all(lambda name: name not in kept)

    @property
    def waits(self) -> bool:
        """True where all sessions fail in one way, and references have not been probed yet."""
        return any(family.waits for family in self._families.values())

    def judge(self, now: float, unix: float, *, ready: bool = True) -> tuple[Family, ...]:
        """Judge anew; the families whose view has changed. :attr:`views` holds the views.

        `unix` is now in Unix time; `ready`: the references have been probed, if there are any.
        """
        # Outcomes that are seen only once are judged by the state at the end.
        repeats = math.isfinite(self.interval)
        for judge in self._families.values():
            judge.forget_before(now - self.window, now)
        changed = tuple(
            family
            for family, judge in self._families.items()
            if judge.judge(self._references, unix, ready=ready, repeats=repeats)
        )
        if changed:
            self.views = self._views()
        return changed

    def _views(self) -> EgressByFamily:
        return MappingProxyType({family: judge.view for family, judge in self._families.items()})

    @property
    def current(self) -> EgressByFamily:
        """The views with the evidence of now; from any thread."""
        return MappingProxyType({family: judge.current for family, judge in self._families.items()})

    @property
    def window(self) -> float:
        """Seconds for which an outcome counts."""
        return window_of(self.interval, self.takes)
