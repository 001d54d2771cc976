"""The addresses of a target that are probed, and the failures of those that need no session. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from exporter.model.failure import Confidence, Failure
from exporter.model.result import MxHost
from exporter.model.target import Settings
from exporter.net.special_addresses import forbidden
from exporter.resolver.mx_faults import forbidden_address


class ChosenAddress(NamedTuple):
    """One address that has a result for the target. `settled`: the failure that is known without a connection."""

    host: MxHost
    address: str  # empty where the name has none
    settled: Failure | None = None


def choose_addresses(hosts: Sequence[MxHost], settings: Settings) -> list[ChosenAddress]:
    """The first `max_addresses` in order of preference, then address; a forbidden address is never among them.

    As many again, of those that are not probed, have a result of their own: the DNS is written by strangers, and
    each result has its series, its place on the page and its part in the judgement. The others are counted.
    """
    chosen: list[ChosenAddress] = []
    limit = settings.max_addresses
    to_probe = settled = 0
    for host in hosts:
        if host.failure is not None and settled < limit:
            settled += 1
            chosen.append(ChosenAddress(host, "", host.failure))
        for address in host.addresses:
            if to_probe >= limit and settled >= limit:
                return chosen
            reason = forbidden(address, settings.allow_addresses)
            if reason is None and not _is_made_up(host, address):
                if to_probe < limit:
                    to_probe += 1
                    chosen.append(ChosenAddress(host, address))
            elif settled < limit:
                settled += 1
                failure = host.filtered or forbidden_address(host.name, address, reason or "")
                chosen.append(ChosenAddress(host, address, failure))
    return chosen


def _is_made_up(host: MxHost, address: str) -> bool:
    """The resolver has put the address there itself, as far as that is known."""
    if host.filtered is None or host.filtered.confidence is Confidence.UNCERTAIN:
        return False
    # A special address that is allowed is wanted.
    return forbidden(address, ()) is None
