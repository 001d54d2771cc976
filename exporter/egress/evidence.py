"""The evidence of a session, as an observation of the egress."""

from __future__ import annotations

from exporter.diagnosis.egress_state import EgressObservation
from exporter.egress.clocks import Now
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostResult


def is_recent(host: HostResult, evidence: Evidence, now: Now, window: float) -> bool:
    """True if a session ended within the last `window` seconds: one that is shared for long shows an earlier egress."""
    if evidence.connect is not None:
        took = evidence.connect.elapsed
    else:
        took = sum([seconds for _, seconds in host.timings.phases])
    return _age(host, now) - took <= window


def observation_of(
    host: HostResult, evidence: Evidence, outcome: ConnectOutcome, now: Now, *, reference: str, is_own_reset: bool
) -> EgressObservation:
    """The observation of a session. `reference`: its name; `is_own_reset`: the host itself sent the RST."""
    began = now.loop - _age(host, now)
    if outcome is ConnectOutcome.ANSWERED:
        # An answer proves the egress open at the moment when the connect was answered.
        began += next((seconds for stage, seconds in host.timings.phases if stage is Stage.CONNECT), 0.0)
    return EgressObservation(
        host.address,
        host.mx,
        evidence,
        outcome,
        began=began,
        began_unix=host.timings.at,
        recorded_at=now.loop,
        reference=reference,
        is_own_reset=is_own_reset,
    )


def is_own_reset(address: str, evidence: Evidence, outcome: ConnectOutcome, path: PathTrace | None) -> bool:
    """True if a reset is known to come from the address itself: by its ICMP error, or by a trace that reached it."""
    if outcome is not ConnectOutcome.RESET or evidence.connect is None:
        return False
    if evidence.connect.icmp is not None:
        return evidence.connect.icmp.sender == address
    return path is not None and path.reached is not None


def _age(host: HostResult, now: Now) -> float:
    """Seconds since the session began; none began in the future, whatever the clock was set to."""
    return max(0.0, now.unix - host.timings.at)
