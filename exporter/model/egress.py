"""The state of our egress, by address family, with its evidence."""

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
    """What becomes of connections to port 25 on their way out of here; the `state` label of `mx_egress_state`."""

    OPEN = "open"
    BLOCKED = "blocked"  # on the way out, while other ports get through
    INTERCEPTED = "intercepted"  # somebody on the way answers for everyone
    OFFLINE = "offline"  # nothing gets out
    UNKNOWN = "unknown"  # too little to compare


# The port whose way out is judged.
SMTP_PORT: Final = 25


@dataclass(frozen=True, slots=True)
class EgressView:
    """The state of one family with the evidence it turned on: what hosts are judged by until it turns again.

    `before` is the view while the way was shut, kept once it has opened, at `opened` (Unix time): what was begun
    earlier is judged by it, until it is probed again.
    """

    state: EgressState = EgressState.UNKNOWN
    confidence: Confidence = Confidence.UNCERTAIN
    ways: frozenset[ConnectOutcome] = frozenset()  # how everything fails, while it does
    networks: int = 0  # that failed, or were answered for
    references: int = 0  # among them
    others_out: str = ""  # what gets out all the same, as the subject of a sentence
    speaker: str = ""  # the mark of who answers for everyone
    port: int = SMTP_PORT
    before: EgressView | None = field(default=None, compare=False)
    opened: float = field(default=0.0, compare=False)
    since: float = field(default=0.0, compare=False)  # Unix time; 0: the start


# What every host is judged by, with its family's view.
EgressByFamily = Mapping[Family, EgressView]


@dataclass(frozen=True, slots=True)
class EgressStateChange:
    """The state of the egress of one family changed at `at` (Unix time)."""

    at: float
    family: Family
    view: EgressView


EGRESS_UNKNOWN: Final[EgressByFamily] = MappingProxyType({family: EgressView() for family in Family})
