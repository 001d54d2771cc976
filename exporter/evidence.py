"""What a connection attempt showed: the raw material of the diagnosis, before any judgement."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.icmp import IcmpError


@dataclass(frozen=True, slots=True)
class ConnectEvidence:
    """How a connect failed. `errno` is None for silence until the deadline."""

    address: str
    errno: int | None
    icmp: IcmpError | None = None  # what the socket's error queue held
    own_sender: bool = False  # the ICMP error came from an address of this host
    elapsed: float = 0.0  # seconds
