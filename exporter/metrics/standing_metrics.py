"""The metrics of our own standing, on /metrics alone: made from the present view, so that a scrape sees one moment."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.model.standing import NO_STANDING, WORKING, FamilyStanding, ListingState, StandingView


class StandingCollector(Collector):
    """The series of :attr:`view`. What is not known has no series."""

    def __init__(self) -> None:
        self.view: StandingView = NO_STANDING

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All families of metrics, with a series for each family of addresses as far as it is known."""
        standings = [each for each in self.view.families.values() if each.address]
        address = _family("mx_self_address_info", "1 for our public address of each family.", "address")
        fcrdns = _family("mx_self_fcrdns", "1 if a PTR record of our address resolves back to it.")
        generic = _family("mx_self_ptr_generic", "1 if every name of our address looks generic to receivers.")
        helo = _family("mx_self_helo_matches", "1 if the EHLO name resolves to our address.")
        spf = _family("mx_self_spf", "1 for the SPF result of a sender's domain for our address.", "domain", "result")
        listed = _family("mx_self_listed", "1 if the block list has our address, 0 if it does not.", "list")
        works = _family("mx_self_list_up", "1 if the block list gave a usable answer.", "list")
        for each in standings:
            address.add_metric((each.family.value, each.address), 1)
            _add_names(each, fcrdns, generic, helo)
            for policy in each.spf:
                spf.add_metric((each.family.value, policy.domain, policy.result.value), 1)
            for listing in each.lists:
                if listing.state is ListingState.IPV4_ONLY:
                    continue
                is_working = listing.state in WORKING
                works.add_metric((each.family.value, listing.name), is_working)
                if is_working:
                    listed.add_metric((each.family.value, listing.name), listing.state is ListingState.LISTED)
        yield from (address, fcrdns, generic, helo, spf, listed, works)


def _add_names(
    standing: FamilyStanding, fcrdns: GaugeMetricFamily, generic: GaugeMetricFamily, helo: GaugeMetricFamily
) -> None:
    reverse = standing.reverse
    for family, value in (
        (fcrdns, None if reverse is None else reverse.confirmed),
        (generic, None if reverse is None else reverse.generic),
        (helo, standing.helo_matches),
    ):
        if value is not None:
            family.add_metric((standing.family.value,), value)


def _family(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, labels=("family", *labels))
