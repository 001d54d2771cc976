"""One failed connect with the evidence around it: the conditions of the decision table. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.model.egress import EgressState, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.path_trace import Hop, HopKind, PathTrace

# Linux sends a SYN again after one second (RFC 6298 2.1); soon after, the kernel knows whether that SYN left.
_SENT_AGAIN_SECONDS: Final = 1.2


@dataclass(frozen=True, slots=True)
class FailedConnect:
    """A connect that was refused, lost or never greeted. Properties are facts, methods answer the table's questions."""

    evidence: Evidence
    egress: EgressView  # of the address's family
    outcome: ConnectOutcome
    own_failure: Failure  # by the errno or ICMP error of the attempt alone
    others_answered_since: bool  # an unrelated host has answered since the attempt began
    others_ever_answered: bool  # an unrelated host is known to have answered at all

    # Facts

    @property
    def connect(self) -> ConnectEvidence | None:
        """The failure of the connect itself; None where it was accepted and no greeting came."""
        return self.evidence.connect

    @property
    def path(self) -> PathTrace | None:
        """The trace of the port, perhaps with that of another port to compare with."""
        return self.evidence.path

    @property
    def live_witness(self) -> Witness | None:
        """A witness port that proves the host alive."""
        return next((witness for witness in self.evidence.witnesses if witness.proves_host), None)

    @property
    def other_ports_time_out(self) -> bool:
        """No other port of the host answers: no witness port, or without one not the port that the trace compares."""
        if self.evidence.witnesses:
            return all(witness.outcome is ConnectOutcome.NO_ANSWER for witness in self.evidence.witnesses)
        return self.path is not None and self.path.against is not None and not self.stops_earlier

    @property
    def stops_earlier(self) -> bool:
        """The other port of the trace gets further."""
        return self.path is not None and self.path.stops_earlier

    @property
    def rejecting_hop(self) -> Hop | None:
        """The router that rejected a connect of the trace, though not this one.

        Routers send ICMP errors at a limited rate (RFC 1812 4.3.2.8).
        """
        return self.path.rejected_by if self.timed_out() and self.path is not None else None

    @property
    def forging_router(self) -> str:
        """The last router that let the port pass, for a filter looks at packets that it is about to forward.

        Without such a router, the one at the distance of the forged answer, as the other port's trace knows it.
        """
        path = self.path
        if path is None or path.answered is None or path.reset_within:
            return ""
        if path.last_hop is not None:
            return path.last_hop.address
        hops = path.against.hops if path.against is not None else ()
        return next((hop.address for hop in hops if hop.ttl == path.answered.ttl and hop.address != path.address), "")

    @property
    def last_hop(self) -> str:
        """The address of the router that rejects the connect, or of the last that answered on the path; or ""."""
        rejected = self.outcome in (ConnectOutcome.PROHIBITED, ConnectOutcome.UNREACHABLE)
        if rejected and self.connect is not None and self.connect.icmp is not None:
            return "" if self.connect.own_sender else self.connect.icmp.sender
        if self.outcome is ConnectOutcome.RESET:
            return self.forging_router if self.reset_is_forged() else ""
        last = self.path.last_hop if self.timed_out() and self.path is not None else None
        return last.address if last is not None else ""

    # Conditions of the table

    def is_of(self, failure_class: FailureClass) -> bool:
        """The attempt shows this class by itself."""
        return self.own_failure.failure_class is failure_class

    def timed_out(self) -> bool:
        """No answer of any kind came."""
        return self.outcome is ConnectOutcome.NO_ANSWER

    def kernel_drops_every_syn(self) -> bool:
        """The kernel counts each SYN that it sent again as dropped within this host."""
        return self.timed_out() and self.connect is not None and self.connect.unsent

    def no_router_sees_the_port(self) -> bool:
        """The first router answers another port and not this one, and the kernel does not know that a SYN left."""
        if not self.timed_out() or self.connect is None or self.path is None:
            return False
        left = self.connect.elapsed > _SENT_AGAIN_SECONDS and not self.connect.unsent
        return self.path.stops_at_this_host and not left

    def reset_by_this_host(self) -> bool:
        """The RST comes from this host itself."""
        return self.outcome is ConnectOutcome.RESET and self.path is not None and self.path.reset_within

    def forbidden_by_this_host(self) -> bool:
        """EPERM, EACCES, or an ICMP error from an address of this host."""
        return self.is_of(FailureClass.LOCAL_FIREWALL)

    def port_fails_everywhere(self) -> bool:
        """The attempt fails as all attempts to this port do."""
        return self.evidence.port == self.egress.port and self._fails_like_all(EgressState.BLOCKED)

    def all_ports_time_out_everywhere(self) -> bool:
        """The attempt times out as attempts to all ports do."""
        return self.timed_out() and self._fails_like_all(EgressState.OFFLINE)

    def prohibited_by_icmp(self) -> bool:
        """A router answers the attempt with a prohibition."""
        return self.is_of(FailureClass.CONNECT_PROHIBITED)

    def prohibited_by_icmp_in_trace(self) -> bool:
        """A router answered a connect of the trace with a prohibition."""
        return self._rejected_in_trace(HopKind.PROHIBITED)

    def unreachable_by_icmp_in_trace(self) -> bool:
        """A router answered a connect of the trace with "unreachable"."""
        return self._rejected_in_trace(HopKind.UNREACHABLE)

    def reset_is_forged(self) -> bool:
        """The RST comes from a place before the host."""
        return self.outcome is ConnectOutcome.RESET and self.path is not None and self.path.forged_reset

    def only_this_port_times_out(self) -> bool:
        """The port times out, while another port of the host answers or gets further on the path."""
        return self.timed_out() and (self.live_witness is not None or self.stops_earlier)

    def refused(self) -> bool:
        """An RST or an ICMP "port unreachable" came in the name of the host."""
        return self.is_of(FailureClass.CONNECT_REFUSED)

    def only_this_host_times_out(self) -> bool:
        """No port of the host answers, while other networks do."""
        return self.timed_out() and self.other_ports_time_out and self.others_answered_since

    def _fails_like_all(self, state: EgressState) -> bool:
        return self.egress.state is state and self.outcome in self.egress.outcomes

    def _rejected_in_trace(self, kind: HopKind) -> bool:
        return self.rejecting_hop is not None and self.rejecting_hop.kind is kind

    # Confidence

    def as_sure_as_egress(self) -> Confidence:
        """The confidence of the egress state."""
        return self.egress.confidence

    def as_sure_as_filter(self) -> Confidence:
        """Certain only of a filter on the path; one at the host's end may be there for all clients.

        Uncertain where others answered before the attempt and not since: the egress may be blocked meanwhile.
        """
        stops_at_a_router = self.path is not None and self.path.stops_at_a_router
        if self.others_answered_since and self.live_witness is not None and stops_at_a_router:
            return Confidence.CERTAIN
        egress_may_have_closed = self.others_ever_answered and not self.others_answered_since
        return Confidence.UNCERTAIN if egress_may_have_closed else Confidence.LIKELY

    def as_sure_as_refusal(self) -> Confidence:
        """Certain of a refusal by the host itself: its own ICMP error, or a trace that reaches the host."""
        if self.connect is not None and self.connect.icmp is not None:
            by_host = self.connect.icmp.sender == self.connect.address
        else:
            by_host = self.path is not None and self.path.reached is not None
        return Confidence.CERTAIN if by_host else Confidence.LIKELY
