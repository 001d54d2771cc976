"""The support of each nameserver for EDNS (RFC 6891 6.2.2, 7).

A server without EDNS answers FORMERR, NOTIMP or BADVERS; a middlebox may answer SERVFAIL instead, or drop messages with
EDNS. The knowledge holds for a while, then it is learned anew: without EDNS there are no extended errors (RFC 8914), so
the exporter does without it only where that is necessary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict

Address = tuple[str, int]

# After so long queries use EDNS again: the middlebox may be gone.
RELEARN_SECONDS: Final = 600.0
# Queries in a row that were answered only without EDNS; at a single one the network may have lost a datagram.
_SIGNS_NEEDED: Final = 2
# The same for a server that has answered with EDNS before: it may be slow, and answer all attempts at once.
_SIGNS_NEEDED_AGAINST: Final = 8
# Nameservers remembered; more than a resolver ever has, with those of a laptop's last networks.
_MAX_SERVERS: Final = 64


@dataclass(slots=True)
class _ServerSupport:
    plain_until: float = 0.0  # by the event loop's clock; queries go without EDNS until then
    does_edns: bool = False  # it has answered with EDNS itself
    signs: int = 0  # queries in a row that were answered only without EDNS


class EdnsSupport:
    """The support by nameserver. Times are the event loop's."""

    def __init__(self) -> None:
        self._servers: BoundedDict[Address, _ServerSupport] = BoundedDict(_MAX_SERVERS)

    def prefers_edns(self, server: Address, now: float) -> bool:
        """True where the first attempt uses EDNS."""
        known = self._servers.get(server)
        return known is None or known.plain_until <= now

    def does_edns(self, server: Address) -> bool:
        """True where the server has shown that it knows EDNS."""
        known = self._servers.get(server)
        return known is not None and known.does_edns

    def answered(self, server: Address, *, with_opt: bool) -> None:
        """Record a useful answer to a query with EDNS; `with_opt`: the answer uses EDNS itself."""
        known = self._server(server)
        known.plain_until, known.signs = 0.0, 0
        known.does_edns |= with_opt

    def rejected(self, server: Address, now: float) -> None:
        """Record that the server refused EDNS, and answered the same query without it."""
        known = self._server(server)
        known.plain_until, known.does_edns = now + RELEARN_SECONDS, False

    def suspected(self, server: Address, now: float) -> None:
        """Record a query that was answered usefully only without EDNS."""
        known = self._server(server)
        known.signs += 1
        if known.signs >= (_SIGNS_NEEDED_AGAINST if known.does_edns else _SIGNS_NEEDED):
            self.rejected(server, now)

    def _server(self, server: Address) -> _ServerSupport:
        known = self._servers.get(server)
        if known is None:
            known = self._servers[server] = _ServerSupport()
        return known
