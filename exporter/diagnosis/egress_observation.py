"""One session as evidence about the egress, and the kinds of failure that one cause may show itself in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.diagnosis.failing_sources import SourceOwner
from exporter.diagnosis.networks import network_of, organisation
from exporter.model.evidence import ConnectOutcome, Evidence


class FailureKind(StrEnum):
    """Outcomes of connects that may have one cause: a filter with a rate limit for ICMP errors is silent in between."""

    DROPPED = "dropped"
    RESET = "reset"
    NO_ROUTE = "no route"
    WORDLESS = "wordless"


OUTCOMES: Final[Mapping[str, frozenset[ConnectOutcome]]] = MappingProxyType(
    {
        FailureKind.DROPPED: frozenset({ConnectOutcome.NO_ANSWER, ConnectOutcome.PROHIBITED}),
        FailureKind.RESET: frozenset({ConnectOutcome.RESET}),
        FailureKind.NO_ROUTE: frozenset({ConnectOutcome.NO_ROUTE}),
        FailureKind.WORDLESS: frozenset({ConnectOutcome.NO_GREETING, ConnectOutcome.HUNG_UP}),
    }
)
KINDS: Final = MappingProxyType({outcome: kind for kind, outcomes in OUTCOMES.items() for outcome in outcomes})
# Outcomes without a meaning for the egress: a router far away, or a shortage of this host.
_INCONCLUSIVE: Final = frozenset({ConnectOutcome.UNREACHABLE, ConnectOutcome.FAILED})


class EgressObservation(NamedTuple):
    """One session with one address, told once for all hosts that share it."""

    address: str
    mx: str
    evidence: Evidence
    outcome: ConnectOutcome
    began: float  # of the connect
    began_unix: float  # the same in Unix time
    recorded_at: float
    reference: str = ""  # name of the reference that the address belongs to
    is_own_reset: bool = False  # the RST is known to be the host's own: the port gets out

    @property
    def owner(self) -> SourceOwner:
        """The organisation of the mail host, and the network of its address."""
        return SourceOwner(organisation(self.mx), network_of(self.address))

    @property
    def is_inconclusive(self) -> bool:
        """True where the outcome has no meaning for the egress."""
        return self.outcome in _INCONCLUSIVE

    @property
    def succeeded(self) -> bool:
        """True where the port is known to get out."""
        return self.outcome is ConnectOutcome.ANSWERED or self.is_own_reset

    @property
    def failure_kind(self) -> FailureKind | None:
        """The kind of failure; None for a success."""
        return None if self.succeeded else FailureKind(KINDS[self.outcome])

    @property
    def witness(self) -> str:
        """Another port of the address that proves that packets get out; "" without one."""
        if not self.evidence.witnesses:
            return ""
        live = next((witness for witness in self.evidence.witnesses if witness.proves_host), None)
        return f"port {live.port} of {self.address}" if live is not None else ""
