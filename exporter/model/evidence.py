"""What was seen of one address: the raw material of the diagnosis, before any judgement."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from exporter.model.path_trace import PathTrace


class ConnectOutcome(StrEnum):
    """What an attempt to connect drew, or to be greeted, coarse enough to compare the attempts to many addresses."""

    ANSWERED = "answered"  # SYN-ACK; of a session, a word
    MUTE = "mute"  # SYN-ACK, and not a word in time
    HUNG_UP = "hung_up"  # SYN-ACK, and closed or reset without a word
    RESET = "reset"  # RST, or the address's own "port unreachable"
    SILENT = "silent"
    PROHIBITED = "prohibited"  # an ICMP error, or this host itself, says that a filter stands in the way
    UNREACHABLE = "unreachable"  # a router knows no further way
    NO_ROUTE = "no_route"  # this host knows none
    FAILED = "failed"  # this host's resources, or a bug of ours


class ErrorOrigin(Enum):
    """Where an ICMP error comes from (SO_EE_ORIGIN_*)."""

    NONE = 0
    LOCAL = 1  # this host's own stack
    ICMP = 2
    ICMP6 = 3


@dataclass(frozen=True, slots=True)
class IcmpError:
    """One entry of a socket's error queue."""

    origin: ErrorOrigin
    type: int
    code: int
    errno: int
    sender: str  # address of who reported it; "" where the kernel does not tell


@dataclass(frozen=True, slots=True)
class ConnectEvidence:
    """How a connect failed. `errno` is None for silence until the deadline."""

    address: str
    errno: int | None
    icmp: IcmpError | None = None  # what the socket's error queue held
    own_sender: bool = False  # the ICMP error came from an address of this host
    elapsed: float = 0.0  # seconds
    unsent: bool = False  # silence, and the kernel counts every SYN it sent again as dropped within this host
    lost_source: str = ""  # the address to connect from by the configuration, which this host does not have
    no_source: bool = False  # this host has no address at all to send from: IPv6 is switched off, say


@dataclass(frozen=True, slots=True)
class Witness:
    """Another port of the same address, asked while the port in question did not answer."""

    port: int
    way: ConnectOutcome

    @property
    def proves_host(self) -> bool:
        """Only the host itself accepts or refuses (unless somebody forges its RST)."""
        return self.way in (ConnectOutcome.ANSWERED, ConnectOutcome.RESET)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is kept of one session with one address, for a judgement that may be passed again later."""

    port: int
    connect: ConnectEvidence | None = None  # None: it was answered
    witnesses: tuple[Witness, ...] = ()
    path: PathTrace | None = None
    speaker: tuple[str, ...] = ()  # marks of who answered, see exporter.diagnosis.fingerprints
    accepted: ConnectOutcome = (
        ConnectOutcome.ANSWERED
    )  # what came of a connect that was answered: a word, or MUTE, or HUNG_UP
