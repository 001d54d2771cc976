"""Observations of one address: the input of the diagnosis, before any judgement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from exporter.model.path_trace import PathTrace


class ConnectOutcome(StrEnum):
    """The outcome of a connect, or of the wait for a greeting, coarse enough to compare many addresses."""

    ANSWERED = "answered"  # SYN-ACK; of a session, at least one byte
    NO_GREETING = "mute"  # SYN-ACK, and no byte in time
    HUNG_UP = "hung_up"  # SYN-ACK, and closed or reset without a byte
    RESET = "reset"  # RST, or the address's own "port unreachable"
    NO_ANSWER = "silent"
    PROHIBITED = "prohibited"  # an ICMP error, or an error of this host, that a filter causes
    UNREACHABLE = "unreachable"  # a router has no route
    NO_ROUTE = "no_route"  # this host has no route
    FAILED = "failed"  # a lack of resources on this host, or an internal error

    # Enum's own is written in Python, and outcomes are looked up several times for each session.
    __hash__ = str.__hash__


class ErrorOrigin(Enum):
    """The origin of an error (SO_EE_ORIGIN_*)."""

    NONE = 0
    LOCAL = 1  # this host's own stack
    ICMP = 2
    ICMP6 = 3


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One entry of a socket's error queue (recvmsg(2), MSG_ERRQUEUE)."""

    origin: ErrorOrigin
    type: int
    code: int
    errno: int
    sender: str  # address of the host that reported the error; "" where the kernel does not give it


@dataclass(frozen=True, slots=True)
class ConnectEvidence:
    """The error of a failed connect. `errno` is None where nothing came until the deadline."""

    address: str
    errno: int | None
    icmp: IcmpError | None = None  # the entry of the socket's error queue
    own_sender: bool = False  # the ICMP error came from an address of this host
    elapsed: float = 0.0  # seconds
    unsent: bool = False  # no answer, and the kernel counts every repeated SYN as dropped within this host
    lost_source: str = ""  # the configured source address, which this host does not have
    no_source: bool = False  # this host has no source address at all, for example with IPv6 switched off


@dataclass(frozen=True, slots=True)
class Witness:
    """The outcome of a connect to another port of the same address, tried because the mail port did not answer."""

    port: int
    outcome: ConnectOutcome

    @property
    def proves_host(self) -> bool:
        """The host itself answered: only it accepts or refuses (unless an RST is forged)."""
        return self.outcome in (ConnectOutcome.ANSWERED, ConnectOutcome.RESET)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one session with one address, kept because the judgement may be repeated later."""

    port: int
    connect: ConnectEvidence | None = None  # None: the connect succeeded
    witnesses: tuple[Witness, ...] = ()
    path: PathTrace | None = None
    fingerprints: tuple[str, ...] = ()  # fingerprints of the server, see exporter.diagnosis.fingerprints
    accepted: ConnectOutcome = (
        ConnectOutcome.ANSWERED
    )  # after a connect that succeeded: ANSWERED, NO_GREETING or HUNG_UP
