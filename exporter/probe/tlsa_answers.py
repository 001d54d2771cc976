"""The TLSA records of the hosts of one turn, looked up beside its session (RFC 7672 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from itertools import islice
from typing import Final, NamedTuple

from exporter.model.address import Family
from exporter.model.policy import TlsaLookup, TlsaStatus
from exporter.policies.host_policies import TlsaSearches
from exporter.policies.search import PolicySearch
from exporter.probe.hosts import Host

# Of one host: big ones have thousands, and no certificate has.
_MAX_DOMAINS: Final = 64
_FAMILIES: Final = (Family.IPV4, Family.IPV6)


class TlsaKnown(NamedTuple):
    """The records of one host. `awaited`: there may be some, and they are not known in time."""

    lookup: TlsaLookup | None = None
    awaited: bool = False


NOT_ASKED: Final = TlsaKnown()


class TlsaAnswers:
    """The answers for one turn."""

    __slots__ = ("_begun", "_paused", "_searches", "_timeout")

    def __init__(
        self, searches: TlsaSearches, timeout: float, paused: Callable[[], AbstractAsyncContextManager[None]]
    ) -> None:
        """`timeout`: seconds for each search. The turn waits for the answers `paused`."""
        self._searches = searches
        self._timeout = timeout
        self._paused = paused
        self._begun: dict[Host, PolicySearch[TlsaLookup | None] | None] = {}

    def begin(self, hosts: Sequence[Host]) -> None:
        """Begin the searches for these hosts that are not begun yet."""
        for host in hosts:
            if host not in self._begun:
                self._begun[host] = self._searches.begin(host.key.mx, host.identity.port, _FAMILIES, self._timeout)

    async def wait(self, hosts: Sequence[Host]) -> None:
        """Wait for the answers about these hosts."""
        self.begin(hosts)
        for host in hosts:
            if (search := self._begun[host]) is not None:
                await search.wait(self._paused)

    def of(self, host: Host) -> TlsaKnown:
        """The records of a host as they are known now."""
        search = self._begun.get(host)
        if search is None:
            return NOT_ASKED
        found = search.found
        return TlsaKnown(None, awaited=True) if found is None else TlsaKnown(_with_domains(found, host))


def _with_domains(found: TlsaLookup, host: Host) -> TlsaLookup:
    """`found` with further names for the certificate (RFC 7672 3.2.2).

    They are the domains of the sharers, or the host itself where that is configured.
    """
    if found.status is not TlsaStatus.FOUND:
        return found
    domains = [sharer.target.host for sharer in islice(host.sharers, _MAX_DOMAINS)]
    return replace(found, names=tuple(dict.fromkeys((*found.names, *domains))))
