"""What each nameserver takes: EDNS, or questions without it (RFC 6891 6.2.2, 7).

A server that knows no EDNS says so with FORMERR, NOTIMP or BADVERS; a box on the way may answer SERVFAIL instead, or
drop what it does not know. What was learned holds for a while, then it is learned anew: without EDNS there are no
extended errors (RFC 8914), so it is given up only where it stands in the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict

Address = tuple[str, int]

# After so long a server is asked with EDNS again: a box on the way may be gone.
RELEARN_SECONDS: Final = 600.0
# Questions that only the try without EDNS got an answer to; a single one may be a datagram lost on the way.
_SIGNS_NEEDED: Final = 2
# Of a server that has answered with EDNS before: it may have been slow, and answered all tries at once.
_SIGNS_NEEDED_AGAINST: Final = 8
# Nameservers remembered; more than a resolver ever has, with those of a laptop's last networks.
_MAX_SERVERS: Final = 64


@dataclass(slots=True)
class _ServerSupport:
    plain_until: float = 0.0  # by the event loop's clock; questions go without EDNS until then
    does_edns: bool = False  # it has answered with EDNS itself
    signs: int = 0  # questions in a row to which only the try without EDNS got an answer


class EdnsSupport:
    """By nameserver. Times are the event loop's."""

    def __init__(self) -> None:
        self._servers: BoundedDict[Address, _ServerSupport] = BoundedDict(_MAX_SERVERS)

    def prefers_edns(self, server: Address, now: float) -> bool:
        """Whether the first question goes out with EDNS."""
        known = self._servers.get(server)
        return known is None or known.plain_until <= now

    def does_edns(self, server: Address) -> bool:
        """Whether it has shown that it knows EDNS."""
        known = self._servers.get(server)
        return known is not None and known.does_edns

    def answered(self, server: Address, *, with_opt: bool) -> None:
        """It gave an answer of use to a question with EDNS; `with_opt`: in EDNS itself."""
        known = self._server(server)
        known.plain_until, known.signs = 0.0, 0
        known.does_edns |= with_opt

    def rejected(self, server: Address, now: float) -> None:
        """It said that it knows no EDNS, and answered the same question without."""
        known = self._server(server)
        known.plain_until, known.does_edns = now + RELEARN_SECONDS, False

    def suspected(self, server: Address, now: float) -> None:
        """With EDNS it gave no answer of use to a question, and without it did."""
        known = self._server(server)
        known.signs += 1
        if known.signs >= (_SIGNS_NEEDED_AGAINST if known.does_edns else _SIGNS_NEEDED):
            self.rejected(server, now)

    def _server(self, server: Address) -> _ServerSupport:
        known = self._servers.get(server)
        if known is None:
            known = self._servers[server] = _ServerSupport()
        return known
