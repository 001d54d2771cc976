"""The state of the egress by address family, with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exporter.model.address import Family
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Confidence


class EgressState(StrEnum):
    """The state of outgoing connections to port 25; the `state` label of `mx_egress_state`."""

    OPEN = "open"
    BLOCKED = "blocked"  # by a filter before the destination, while other ports pass
    INTERCEPTED = "intercepted"  # one server on the path answers for all destinations
    OFFLINE = "offline"  # no port passes
    UNKNOWN = "unknown"  # too few results to compare


# The port whose egress is judged.
SMTP_PORT: Final = 25


@dataclass(frozen=True, slots=True)
class EgressView:
    """The state of one family with its evidence; results are judged by it until the state changes.

    `heard` and `last_success` are set where the evidence of now is asked for.

    `before` is the view of the closed egress, kept after it has opened, at `opened` (Unix time): a probe that began
    earlier is judged by it, until the target is probed again.
    """

    state: EgressState = EgressState.UNKNOWN
    confidence: Confidence = Confidence.UNCERTAIN
    outcomes: frozenset[ConnectOutcome] = frozenset()  # the outcomes of all connects, while all fail
    networks: int = 0  # networks that failed, or that the intercepting server answered for
    references: int = 0  # among them
    passing_traffic: str = ""  # the traffic that still passes, as the subject of a sentence
    common_fingerprint: str = ""  # the fingerprint of the server that answers for all destinations
    port: int = SMTP_PORT
    before: EgressView | None = field(default=None, compare=False)
    opened: float = field(default=0.0, compare=False)
    since: float = field(default=0.0, compare=False)  # Unix time; 0: the start
    heard: int = field(default=0, compare=False)  # addresses whose last outcome counts now
    last_success: float = field(default=0.0, compare=False)  # Unix time of the last session that got out; 0: none
    # Unix time as of which a state is told that is known from before the start; 0: it was judged since.
    as_of: float = field(default=0.0, compare=False)


EgressByFamily = Mapping[Family, EgressView]

EGRESS_UNKNOWN: Final[EgressByFamily] = MappingProxyType({family: EgressView() for family in Family})


@dataclass(frozen=True, slots=True)
class EgressStateChange:
    """A change of the egress state of one family at `at` (Unix time)."""

    at: float
    family: Family
    view: EgressView
