"""The evidence of a session, as an observation of the egress."""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.egress_state import EgressObservation
from exporter.egress.clocks import Now
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostResult

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT: Final = Stage.CONNECT


def is_recent(host: HostResult, evidence: Evidence, now: Now, window: float) -> bool:
    """True if a session ended within the last `window` seconds: one that is shared for long shows an earlier egress."""
    took = sum(host.timings.seconds) if evidence.connect is None else evidence.connect.elapsed
    return _age(host, now) - took <= window


def observation_of(
    host: HostResult, evidence: Evidence, outcome: ConnectOutcome, now: Now, *, reference: str, is_own_reset: bool
) -> EgressObservation:
    """The observation of a session. `reference`: its name; `is_own_reset`: the host itself sent the RST."""
    began = now.loop - _age(host, now)
    if outcome is ConnectOutcome.ANSWERED:
        # An answer proves the egress open at the moment when the connect was answered.
        stages, seconds = host.timings.stages, host.timings.seconds
        began += seconds[stages.index(_CONNECT)] if _CONNECT in stages else 0.0
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
