"""The path to a port, hop by hop, and the conclusions that follow from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class HopKind(StrEnum):
    """The answer to a SYN with a given TTL."""

    TIME_EXCEEDED = "time_exceeded"  # a router on the path
    REACHED = "reached"  # SYN-ACK
    REFUSED = "refused"  # RST, or the target's own "port unreachable"
    PROHIBITED = "prohibited"  # an ICMP error: administratively prohibited, or a firewall's "port unreachable"
    UNREACHABLE = "unreachable"  # another ICMP error of a router
    LOCAL = "local"  # this host did not send the SYN
    SILENT = "silent"  # no answer


@dataclass(frozen=True, slots=True)
class Hop:
    """The answer to one TTL."""

    ttl: int
    kind: HopKind
    address: str = ""  # of the host that answered; "" without an answer
    rtt: float | None = None  # seconds since the first SYN; a second more for an answer to the next SYN
    detail: str = ""  # a sentence, for an answer that ends the path


@dataclass(frozen=True, slots=True)
class PathTrace:
    """The hops of one port by TTL from 1, without gaps; `against` is the trace of another port of the same address.

    `reset_within`: the RST has the target's address, but comes from this host itself.
    """

    address: str
    port: int
    hops: tuple[Hop, ...]
    against: PathTrace | None = None
    reset_within: bool = False

    @property
    def answered(self) -> Hop | None:
        """The first answer with the address of the target, true or forged."""
        return _first(hop for hop in self.hops if hop.address == self.address and hop.kind is not HopKind.TIME_EXCEEDED)

    @property
    def reached(self) -> int | None:
        """The TTL at which the target itself answered."""
        hop = self.answered
        return None if hop is None or self.reset_within or self._is_forged(hop) else hop.ttl

    @property
    def rejected_by(self) -> Hop | None:
        """The hop of a router that rejected the SYN."""
        kinds = (HopKind.PROHIBITED, HopKind.UNREACHABLE)
        return _first(hop for hop in self.hops if hop.kind in kinds and hop.address != self.address)

    @property
    def last_hop(self) -> Hop | None:
        """The last router that answered, with the lowest TTL at which it answered."""
        last = self.rejected_by or _first(hop for hop in reversed(self.hops) if hop.kind is HopKind.TIME_EXCEEDED)
        # A router that rejects a packet instead of forwarding it has answered one TTL earlier already.
        return last and _first(
            hop for hop in self.hops if hop.kind is not HopKind.SILENT and hop.address == last.address
        )

    @property
    def local(self) -> Hop | None:
        """This host's own failure to send."""
        return _first(hop for hop in self.hops if hop.kind is HopKind.LOCAL)

    @property
    def forged_reset(self) -> bool:
        """The RST comes from a device before the target, with the target's address."""
        hop = self.answered
        return hop is not None and hop.kind is HopKind.REFUSED and (self.reset_within or self._is_forged(hop))

    @property
    def intercepted(self) -> bool:
        """The SYN-ACK comes from a device before the target, with the target's address: a transparent proxy."""
        hop = self.answered
        return hop is not None and hop.kind is HopKind.REACHED and self._is_forged(hop)

    @property
    def stops_earlier(self) -> bool:
        """The other port gets further than this one."""
        if self.against is None or self.reached is not None:
            return False
        other = self.against.answered
        # An answer from no further than the routers that forwarded this port is itself not the target's.
        reached = other is not None and other.ttl > self._routers_passed
        return reached or self._routers_passed < self.against._routers_passed

    @property
    def stops_at_a_router(self) -> bool:
        """The other port passes routers that this port does not reach: the filter is not on the target itself."""
        return self.against is not None and self.reached is None and self._routers_passed < self.against._routers_passed

    @property
    def stops_at_this_host(self) -> bool:
        """No hop answered this port, while the first router answered the other: a filter of this host.

        Or a filter that drops the packet before the first router checks the TTL; only this host's kernel can
        distinguish the two.
        """
        if self.against is None or not self.against.hops or any(hop.kind is not HopKind.SILENT for hop in self.hops):
            return False
        # A target in our own network answers at hop 1 itself, and may have a filter of its own.
        return self.against.hops[0].kind is HopKind.TIME_EXCEEDED

    @property
    def _routers_passed(self) -> int:
        last = _first(hop for hop in reversed(self.hops) if hop.kind is HopKind.TIME_EXCEEDED)
        return last.ttl if last else 0

    def _is_forged(self, hop: Hop) -> bool:
        """The target is further away than the TTL of its alleged answer."""
        if self._routers_passed > hop.ttl:
            return True
        if self.against is None:
            return False
        other = self.against.answered
        return self.against._routers_passed >= hop.ttl or (other is not None and other.ttl > hop.ttl)


def _first(hops: Iterable[Hop]) -> Hop | None:
    return next(iter(hops), None)
