"""Sentences about a failed connect, one for each statement of the decision table. Pure.

A sentence has no capital at its begin and no full stop: it may stand in the middle of another one.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.diagnosis.failed_connect import FailedConnect
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import FailureClass

_BEYOND_US: Final = "a filter on the path or at their end, for other networks answer on this port"
_ANYWHERE: Final = "a filter, be it theirs or ours"
_ANSWERS: Final = MappingProxyType({ConnectOutcome.ANSWERED: "accepts", ConnectOutcome.RESET: "refuses"})


def of_the_attempt(attempt: FailedConnect) -> str:
    """The sentence about the errno or the ICMP error of the attempt itself."""
    return attempt.own_failure.detail


def kernel_drops_every_syn(attempt: FailedConnect) -> str:
    """This host drops each SYN."""
    return "this host's own packet filter drops the connection: no SYN leaves it"


def no_router_sees_the_port(attempt: FailedConnect) -> str:
    """The first router answers the other port and not this one."""
    port = attempt.evidence.port
    return f"port {port} gets no answer even from the first router, which answers {_compared_port(attempt)}"


def reset_by_this_host(attempt: FailedConnect) -> str:
    """This host sends the RST."""
    return "this host's own packet filter resets the connection in the host's name: no SYN leaves it"


def egress_blocked(attempt: FailedConnect) -> str:
    """The egress is blocked, with the evidence for it."""
    egress = attempt.egress
    references = f", {egress.references} of them references" if egress.references else ""
    router = f" ({attempt.own_failure.detail})" if attempt.is_of(FailureClass.CONNECT_PROHIBITED) else ""
    out = f", while {egress.passing_traffic} gets through" if egress.passing_traffic else ""
    return (
        f"the port {_common_outcome(attempt)} on all {egress.networks} unrelated networks at once{references}{out}:"
        f" our own firewall or provider blocks it for outgoing connections, as most clouds do by default{router}"
    )


def offline(attempt: FailedConnect) -> str:
    """No port gets out."""
    return f"nothing gets out of here: {attempt.egress.networks} unrelated networks are silent on every port"


def icmp_in_trace(attempt: FailedConnect) -> str:
    """The ICMP error that a router sent to a connect of the trace."""
    hop = attempt.rejecting_hop
    return hop.detail if hop is not None else ""


def reset_is_forged(attempt: FailedConnect) -> str:
    """The RST comes from a place before the host."""
    hop = attempt.path.answered if attempt.path is not None else None
    place = attempt.forging_router or (f"a device {hop.ttl} hops away" if hop is not None else "a device on the path")
    return (
        f"the connection is reset in the host's name, though not by the host: by {place}, or another device beside it"
    )


def port_filtered(attempt: FailedConnect) -> str:
    """A filter drops this port alone; with the other port that answers, and the place where this one is lost."""
    text = _timed_out(attempt)
    if attempt.live_witness is not None:
        witness = attempt.live_witness
        text += f", while port {witness.port} of the same address {_ANSWERS[witness.outcome]}"
    if attempt.stops_earlier:
        text += f"; {_place_of_loss(attempt)}"
    return f"{text}: {_BEYOND_US if attempt.others_answered_since else _ANYWHERE}"


def host_is_gone(attempt: FailedConnect) -> str:
    """No port of the host answers, and other networks do."""
    return f"{_timed_out(attempt)}, while other networks answer: the host or its network is gone"


def dead_or_blocked(attempt: FailedConnect) -> str:
    """The connect timed out, and there is nothing to compare it with."""
    return f"{_timed_out(attempt)}, and too little is known to tell a dead host from a block"


def _timed_out(attempt: FailedConnect) -> str:
    """The timeout of the port, and of the witness ports where some were asked."""
    evidence = attempt.evidence
    took = attempt.connect.elapsed if attempt.connect is not None else 0.0
    within = f"port {evidence.port} does not answer within {took:.1f} s"
    if not evidence.witnesses or attempt.live_witness is not None:
        return within
    several = len(evidence.witnesses) > 1
    ports = " and ".join(str(witness.port) for witness in evidence.witnesses)
    return f"{within}, nor {'do' if several else 'does'} port{'s' if several else ''} {ports}"


def _common_outcome(attempt: FailedConnect) -> str:
    """The outcome that all networks share, as the predicate of a sentence."""
    outcomes = attempt.egress.outcomes
    if ConnectOutcome.RESET in outcomes:
        return "is reset"
    return "accepts and says nothing" if ConnectOutcome.NO_GREETING in outcomes else "is silent or prohibited"


def _compared_port(attempt: FailedConnect) -> str:
    """The port that the trace compares with."""
    against = attempt.path.against if attempt.path is not None else None
    return f"port {against.port}" if against is not None else "another port"


def _place_of_loss(attempt: FailedConnect) -> str:
    """The place behind which the port is lost, while the other port gets further."""
    path, other = attempt.path, _compared_port(attempt)
    hop = path.last_hop if path is not None else None
    if hop is not None:
        return f"it is lost after {hop.address} (hop {hop.ttl}), and {other} gets further"
    against = path.against if path is not None else None
    if against is not None and against.reached == 1:
        return f"no router is between, and {other} reaches the host"
    return f"no router on the way answers, and {other} gets further"
