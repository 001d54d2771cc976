"""The addresses of a target that are probed, and the results of those that need no session. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from exporter.model.failure import Confidence, Failure
from exporter.model.result import HostIdentity, HostOutcome, HostResult, MxHost
from exporter.model.target import Settings
from exporter.net.special_addresses import forbidden
from exporter.resolver.mx_faults import forbidden_address


@dataclass(frozen=True, slots=True)
class AddressChoice:
    """The addresses to probe, each with its host, and the results that are settled without a connection."""

    to_probe: list[tuple[MxHost, str]] = field(default_factory=list)
    settled: list[HostResult] = field(default_factory=list)


def choose_addresses(hosts: Sequence[MxHost], settings: Settings) -> AddressChoice:
    """The first `max_addresses` in order of preference; a forbidden address is never among them.

    As many again, of those that are not probed, have a result of their own: the DNS is written by strangers, and
    each result has its series, its place on the page and its part in the judgement. The others are counted.
    """
    choice, limit = AddressChoice(), settings.max_addresses
    for host in hosts:
        if host.failure is not None and len(choice.settled) < limit:
            choice.settled.append(_without_session(host, "", host.failure))
        for address in host.addresses:
            if len(choice.to_probe) >= limit and len(choice.settled) >= limit:
                return choice
            reason = forbidden(address, settings.allow_addresses)
            if reason is None and not _is_made_up(host, address):
                if len(choice.to_probe) < limit:
                    choice.to_probe.append((host, address))
            elif len(choice.settled) < limit:
                failure = host.filtered or forbidden_address(host.name, address, reason or "")
                choice.settled.append(_without_session(host, address, failure))
    return choice


def _without_session(host: MxHost, address: str, failure: Failure) -> HostResult:
    return HostResult(HostIdentity(host.name, address, host.preference), HostOutcome(failure, failure))


def _is_made_up(host: MxHost, address: str) -> bool:
    """The resolver has put the address there itself, as far as that is known."""
    if host.filtered is None or host.filtered.confidence is Confidence.UNCERTAIN:
        return False
    # A special address that is allowed is wanted.
    return forbidden(address, ()) is None
