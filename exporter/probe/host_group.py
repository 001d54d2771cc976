"""Hosts that many targets hold together: those of a provider, whose results are looked at once for all its domains.

A hundred thousand domains on ten addresses would otherwise each collect the same ten results at every turn, and keep
tuples of their own for them.
"""

from __future__ import annotations

from typing import Final, Generic, Protocol, TypeVar

from exporter.model.result import HostResult
from exporter.probe.join import SeenHosts, seen_hosts


class HasResult(Protocol):
    """A host, as far as it is looked at here."""

    result: HostResult | None


class OfHost(Protocol):
    """A hold, as far as it is looked at here."""

    @property
    def host(self) -> HasResult:
        """The host."""


HoldT = TypeVar("HoldT", bound=OfHost)


class HostGroup(Generic[HoldT]):
    """Equal holds of many targets: some hosts in one order."""

    __slots__ = ("__weakref__", "_hosts", "_results", "_seen", "holds")

    def __init__(self, holds: tuple[HoldT, ...]) -> None:
        self.holds: Final = holds
        self._hosts: Final = tuple([hold.host for hold in holds])
        self._results: list[HostResult | None] = []
        self._seen: SeenHosts | None = None

    def seen(self) -> SeenHosts | None:
        """The results as they are now, the same object while no host has another; None: a host has not been seen."""
        results = [host.result for host in self._hosts]
        if results != self._results:  # objects that are one and the same are not compared
            self._results = results
            of_sessions = [result for result in results if result is not None and result.timings.at > 0.0]
            self._seen = seen_hosts(tuple(of_sessions)) if len(of_sessions) == len(results) else None
        return self._seen
