"""A session that was not greeted, with everything that bears on it, in the words of the decision. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.model.egress import EgressState, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.path_trace import Hop, PathTrace

# Linux sends a SYN again after one second (RFC 6298 2.1); soon after, it knows whether that one left.
_SENT_AGAIN_SECONDS: Final = 1.2

_BEYOND_US: Final = "a filter on the way or at their end, for other networks answer on this port"
_ANYWHERE: Final = "a filter, be it theirs or ours"
_REFUSING: Final = MappingProxyType({ConnectOutcome.ANSWERED: "accepts", ConnectOutcome.RESET: "refuses"})


@dataclass(frozen=True, slots=True)
class FailedConnect:
    """What the table of exporter.diagnosis.decision asks about. Sentences are without a capital and a full stop."""

    evidence: Evidence
    egress: EgressView  # of the address's family
    way: ConnectOutcome
    own: Failure  # what the attempt shows by itself
    others_answer: bool  # somebody unrelated has answered since the attempt began
    others_known: bool  # or is known to have answered at all

    # What is so

    @property
    def connect(self) -> ConnectEvidence | None:
        """How the connect failed; None where it was answered, and nothing was said then."""
        return self.evidence.connect

    @property
    def silent(self) -> bool:
        """Nothing at all came back."""
        return self.way is ConnectOutcome.SILENT

    @property
    def path(self) -> PathTrace | None:
        """The trace of the port, perhaps with that of another."""
        return self.evidence.path

    @property
    def witness(self) -> Witness | None:
        """Another port that proves the host alive."""
        return next((witness for witness in self.evidence.witnesses if witness.proves_host), None)

    @property
    def witnesses_silent(self) -> bool:
        """Other ports were asked, and the host answered on none."""
        return bool(self.evidence.witnesses) and self.witness is None

    @property
    def other_ports_silent(self) -> bool:
        """The host answers on no other port either, as far as one was asked, for the trace if for nothing else."""
        if self.evidence.witnesses:
            return self.witness is None and all(
                witness.way is ConnectOutcome.SILENT for witness in self.evidence.witnesses
            )
        return self.path is not None and self.path.against is not None and not self.stops_earlier

    @property
    def unsent(self) -> bool:
        """The kernel counts each SYN that it sent again as dropped within this host."""
        return self.silent and self.connect is not None and self.connect.unsent

    @property
    def refuses_itself(self) -> bool:
        """The refusal is known to be the host's own: its ICMP error, or an RST from where it stands."""
        if self.connect is not None and self.connect.icmp is not None:
            return self.connect.icmp.sender == self.connect.address
        return self.path is not None and self.path.reached is not None

    @property
    def stays_within(self) -> bool:
        """The first router answers another port and not this one, and the kernel does not say that a SYN left."""
        if self.connect is None:
            return False
        left = self.connect.elapsed > _SENT_AGAIN_SECONDS and not self.connect.unsent
        return self.path is not None and self.path.never_left and not left

    @property
    def reset_within(self) -> bool:
        """The RST comes from this host itself."""
        return self.way is ConnectOutcome.RESET and self.path is not None and self.path.reset_within

    @property
    def forged(self) -> bool:
        """The RST comes from somebody before the host."""
        return self.way is ConnectOutcome.RESET and self.path is not None and self.path.forged_reset

    @property
    def rejecter(self) -> Hop | None:
        """Who rejected a connect of the trace, though not this one: routers say so only so often (RFC 1812 4.3.2.8)."""
        return self.path.rejected_by if self.silent and self.path is not None else None

    @property
    def stops_earlier(self) -> bool:
        """Another port gets further."""
        return self.path is not None and self.path.stops_earlier

    def is_(self, failure_class: FailureClass) -> bool:
        """The attempt shows this class by itself."""
        return self.own.failure_class is failure_class

    def shares_fate(self, state: EgressState) -> bool:
        """The attempt fails as everything does on the way out. Blocked is for one port, offline for all of them."""
        if state is EgressState.BLOCKED and self.evidence.port != self.egress.port:
            return False
        return self.egress.state is state and self.way in self.egress.ways

    @property
    def transition(self) -> bool:
        """Others answered before this attempt and have not been heard since: the way out may have shut meanwhile."""
        return self.others_known and not self.others_answer

    def at_most(self, confidence: Confidence) -> Confidence:
        """`confidence`, but nothing is more than uncertain in a transition."""
        return Confidence.UNCERTAIN if self.transition else confidence

    @property
    def last_hop(self) -> str:
        """The address of who rejects it, or of the last router that answered on the way; "" if nobody is known."""
        if (
            self.way in (ConnectOutcome.PROHIBITED, ConnectOutcome.UNREACHABLE)
            and self.connect is not None
            and self.connect.icmp is not None
        ):
            return "" if self.connect.own_sender else self.connect.icmp.sender
        if self.path is None or self.way not in (ConnectOutcome.SILENT, ConnectOutcome.RESET):
            return ""
        if self.way is ConnectOutcome.RESET:
            return self._forger if self.forged else ""
        last = self.path.last_hop
        return last.address if last is not None else ""

    # What is to be said

    def says_silence(self) -> str:
        """Silence, on the other ports too where they were asked."""
        also = f", nor {'do' if len(self.evidence.witnesses) > 1 else 'does'} {self._ports}"
        took = self.connect.elapsed if self.connect is not None else 0.0
        within = f"port {self.evidence.port} does not answer within {took:.1f} s"
        return within + (also if self.witnesses_silent else "")

    def says_stays_within(self) -> str:
        """See stays_within."""
        return f"port {self.evidence.port} draws nothing even from the first router, which answers {self._other}"

    def says_filtered(self) -> str:
        """A filter for this port, and whose it may be."""
        text = self.says_silence()
        if self.witness is not None:
            text += f", while port {self.witness.port} of the same address {_REFUSING[self.witness.way]}"
        if self.stops_earlier:
            text += f"; it is lost {self._lost}, and {self._other} gets further"
        return f"{text}: {_BEYOND_US if self.others_answer else _ANYWHERE}"

    def says_forged(self) -> str:
        """Who resets the connection."""
        hop = self.path.answered if self.path is not None else None
        who = self._forger or (f"somebody {hop.ttl} hops away" if hop is not None else "somebody on the way")
        return f"the connection is reset in the host's name, though not by the host: by {who}, or a device beside it"

    def says_rejected(self) -> str:
        """What the rejecting router says."""
        return self.rejecter.detail if self.rejecter is not None else ""

    def says_blocked(self) -> str:
        """The way out is closed, with everything that shows it."""
        references = f", {self.egress.references} of them references" if self.egress.references else ""
        router = f" ({self.own.detail})" if self.is_(FailureClass.CONNECT_PROHIBITED) else ""
        out = f", while {self.egress.others_out} gets through" if self.egress.others_out else ""
        return (
            f"the port {self._how} on all {self.egress.networks} unrelated networks at once{references}{out}:"
            f" our own firewall or provider blocks it on the way out, as most clouds do by default{router}"
        )

    @property
    def _how(self) -> str:
        ways = self.egress.ways
        if ConnectOutcome.RESET in ways:
            return "is reset"
        return "accepts and says nothing" if ConnectOutcome.MUTE in ways else "is silent or prohibited"

    def says_offline(self) -> str:
        """Nothing gets out."""
        return f"nothing gets out of here: {self.egress.networks} unrelated networks are silent on every port"

    @property
    def _ports(self) -> str:
        ports = " and ".join(str(witness.port) for witness in self.evidence.witnesses)
        return f"port{'s' if len(self.evidence.witnesses) > 1 else ''} {ports}"

    @property
    def _other(self) -> str:
        against = self.path.against if self.path is not None else None
        return f"port {against.port}" if against is not None else "another port"

    @property
    def _lost(self) -> str:
        hop = self.path.last_hop if self.path is not None else None
        return f"after {hop.address} (hop {hop.ttl})" if hop is not None else "before the first router"

    @property
    def _forger(self) -> str:
        """The last router that let the port pass, for a filter looks at what it is about to forward.

        Without one, the router at the distance of the forged answer, as the other port's trace knows it.
        """
        path = self.path
        if path is None or path.answered is None or path.reset_within:
            return ""
        if path.last_hop is not None:
            return path.last_hop.address
        hops = path.against.hops if path.against is not None else ()
        return next((hop.address for hop in hops if hop.ttl == path.answered.ttl and hop.address != path.address), "")
