"""Our reverse DNS in probes that are made once: looked up where a host refuses us for it, and by no other.

Block lists are not asked: they are at most hourly, and nobody knows how often a command is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType

from exporter.model.address import Family
from exporter.model.configuration import Config, Standing
from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult
from exporter.model.standing import StandingView
from exporter.smtp.told_address import told_in
from exporter.standing.agreement import Told
from exporter.standing.checks import Pace, StandingPlan
from exporter.standing.records import RecordQueries
from exporter.standing.watch import StandingSettings, StandingWatch


class OwnNames:
    """The reverse DNS of our address, where `standing` of the configuration asks for it."""

    def __init__(self, config: Config) -> None:
        self._standing, self._usual = config.standing, config.defaults
        self._told: set[Told] = set()

    def heard(self, result: DomainResult) -> None:
        """Take in the addresses of ours that the hosts of a result told."""
        if self._standing is not None:
            self._told.update(_told(result))

    def may_explain(self, result: DomainResult) -> bool:
        """True where a host refuses us for our reverse DNS."""
        failures = [] if self._standing is None else [host.failure for host in result.hosts]
        return any(each is not None and each.failure_class is FailureClass.RDNS_REQUIRED for each in failures)

    async def view(self, queries: RecordQueries) -> StandingView:
        """Our standing as far as reverse DNS."""
        standing, usual = self._standing or Standing(), self._usual
        sources = MappingProxyType({Family.IPV4: usual.source_ipv4, Family.IPV6: usual.source_ipv6})
        settings = StandingSettings(StandingPlan(), standing.addresses, usual.families, sources)
        watch = StandingWatch(lambda: queries, lambda before, view: None, Pace(between=0.0))
        watch.follow(settings, sorted(self._told))
        await watch.check_due()
        return replace(watch.view, lists=standing.lists)


def _told(result: DomainResult) -> Iterator[Told]:
    for host in result.hosts:
        hello = told_in([(line.sent, line.data) for line in host.transcript], host.address)
        if hello is not None:
            yield Told(host.mx, host.address, *hello)
