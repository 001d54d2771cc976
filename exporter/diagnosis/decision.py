"""The decision about a failed connect: an ordered table, whose first row that holds gives the failure class. Pure.

The finest statement that the evidence carries stands highest: a filter of this host before a block of the egress, a
block of the egress before a filter on the path, a filter before a dead host. Where no row holds, the failure of the
attempt itself counts (errno and ICMP: :mod:`exporter.diagnosis.connect_errors`).

The conditions are methods of :class:`exporter.diagnosis.failed_connect.FailedConnect`, the sentences are functions of
:mod:`exporter.diagnosis.connect_details`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis import connect_details as detail
from exporter.diagnosis.failed_connect import FailedConnect
from exporter.model.failure import Confidence, Failure, FailureClass

_C = FailureClass
_CERTAIN, _LIKELY, _UNCERTAIN = Confidence.CERTAIN, Confidence.LIKELY, Confidence.UNCERTAIN
_When = FailedConnect


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """`failure_class` where `condition` holds, with a sentence about the evidence and its confidence."""

    failure_class: FailureClass
    condition: Callable[[FailedConnect], bool]
    detail: Callable[[FailedConnect], str]
    confidence: Confidence | Callable[[FailedConnect], Confidence]

    def failure(self, attempt: FailedConnect) -> Failure:
        """The failure of an attempt for which the row holds."""
        confidence = self.confidence if isinstance(self.confidence, Confidence) else self.confidence(attempt)
        return Failure(attempt.own_failure.stage, self.failure_class, self.detail(attempt), confidence)


# fmt: off
TABLE: Final = (
    # This host: no SYN leaves it.
    DecisionRow(_C.LOCAL_FIREWALL, _When.kernel_drops_every_syn, detail.kernel_drops_every_syn, _CERTAIN),
    DecisionRow(_C.LOCAL_FIREWALL, _When.no_router_sees_the_port, detail.no_router_sees_the_port, _LIKELY),
    DecisionRow(_C.LOCAL_FIREWALL, _When.reset_by_this_host, detail.reset_by_this_host, _CERTAIN),
    DecisionRow(_C.LOCAL_FIREWALL, _When.forbidden_by_this_host, detail.of_the_attempt, _CERTAIN),
    # The egress: all unrelated networks fail in one way at once.
    DecisionRow(_C.EGRESS_BLOCKED, _When.port_fails_everywhere, detail.egress_blocked, _When.as_sure_as_egress),
    DecisionRow(_C.OFFLINE, _When.all_ports_time_out_everywhere, detail.offline, _When.as_sure_as_egress),
    # A filter on the path to this host: an ICMP error, a forged RST, or another port that gets through.
    DecisionRow(_C.CONNECT_PROHIBITED, _When.prohibited_by_icmp, detail.of_the_attempt, _CERTAIN),
    DecisionRow(_C.CONNECT_PROHIBITED, _When.prohibited_by_icmp_in_trace, detail.icmp_in_trace, _CERTAIN),
    DecisionRow(_C.CONNECT_PROHIBITED, _When.reset_is_forged, detail.reset_is_forged, _LIKELY),
    DecisionRow(_C.PORT_FILTERED, _When.only_this_port_times_out, detail.port_filtered, _When.as_sure_as_filter),
    # No sign of a block.
    DecisionRow(_C.CONNECT_REFUSED, _When.refused, detail.of_the_attempt, _When.as_sure_as_refusal),
    DecisionRow(_C.CONNECT_UNREACHABLE, _When.unreachable_by_icmp_in_trace, detail.icmp_in_trace, _LIKELY),
    DecisionRow(_C.CONNECT_TIMEOUT, _When.only_this_host_times_out, detail.host_is_gone, _LIKELY),
    DecisionRow(_C.CONNECT_TIMEOUT, _When.timed_out, detail.dead_or_blocked, _UNCERTAIN),
)
# fmt: on


def decide(attempt: FailedConnect) -> Failure:
    """The failure by the first row of the table that holds, else the attempt's own."""
    for row in TABLE:
        if row.condition(attempt):
            return row.failure(attempt)
    return attempt.own_failure
