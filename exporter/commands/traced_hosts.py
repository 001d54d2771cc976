"""The hosts whose paths are traced: those that a host name has as addresses, or a domain as MX hosts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from exporter.commands.arguments import allowed_addresses, checked_port, config_of, resolver_settings
from exporter.commands.mistakes import ManualError
from exporter.commands.names import arguments_of
from exporter.config.target_names import parse_host
from exporter.model.address import is_address
from exporter.model.configuration import ResolverSettings
from exporter.model.result import MxHost
from exporter.model.target import Settings, Target, TargetKind
from exporter.net.special_addresses import forbidden
from exporter.probe.address_choice import choose_addresses
from exporter.resolver.client import Resolver


class TracedHost(NamedTuple):
    """One address; `preference` None: the host was named itself."""

    mx: str
    address: str
    preference: int | None = None

    @property
    def name(self) -> str:
        """The host as it stands above its path."""
        return self.mx if self.preference is None else f"{self.preference} {self.mx}"


class Traced(NamedTuple):
    """The addresses, and what is left out, each with the reason."""

    hosts: tuple[TracedHost, ...]
    left_out: tuple[str, ...] = ()
    mx_records: int | None = None  # None: the host was named itself


def traced_target(flags: argparse.Namespace) -> tuple[Target, ResolverSettings]:
    """The target of the command line, as it is configured where it is. Raises ManualError or ConfigError."""
    config = config_of(flags)
    settings = config.settings()
    named = arguments_of([flags.host], settings, parse_host)
    for text in named.taken:
        print(f"mx-exporter trace: {text}", file=sys.stderr)
    (target,) = named.targets
    names = {(kind, name) for kind in TargetKind for name in (target.name, target.host)}
    configured = next((each.settings for each in config.targets if each.key in names), settings)
    port = configured.port if target.settings.port == settings.port else target.settings.port
    if flags.port is not None:
        # A port beside the name outranks the flag.
        port = target.settings.port if is_with_port(target) else checked_port(flags.port, "--port")
    allowed = (*configured.allow_addresses, *allowed_addresses(flags))
    target = replace(target, settings=replace(configured, port=port, allow_addresses=allowed))
    return target, resolver_settings(config, flags)


def is_with_port(target: Target) -> bool:
    """The name was written with its port, so it is that of a host."""
    return target.name.endswith("]") or (":" in target.name and not is_address(target.name))


async def traced_hosts(target: Target, resolver: Resolver) -> Traced:
    """The addresses of a target: a domain's MX hosts, a host's own. Raises ManualError where there are none."""
    settings = target.settings
    if is_address(target.host) or is_with_port(target) or "." not in target.host:
        found = await resolver.lookup_host(target.host, settings.families)
        return _chosen(target, (found,), settings, None)
    lookup = await resolver.lookup_mx(target.host, settings.families)
    if lookup.failure is not None and not lookup.hosts:
        raise ManualError(f"{target.name}: {lookup.failure.detail}")
    return _chosen(target, lookup.hosts, settings, lookup.mx_records or None)


def _chosen(target: Target, hosts: Sequence[MxHost], settings: Settings, mx_records: int | None) -> Traced:
    traced: list[TracedHost] = []
    left_out: list[str] = []
    for host, address, settled in choose_addresses(hosts, settings):
        preference = host.preference if mx_records else None
        if settled is None:
            traced.append(TracedHost(host.name, address, preference))
        elif address and (reason := forbidden(address, settings.allow_addresses)) is not None:
            left_out.append(f"{host.name}: {address} is {reason}; --allow-address {address} permits it")
        else:
            left_out.append(f"{host.name}: {settled.detail}")
    if not traced:
        raise ManualError("\n".join(left_out) or f"{target.name}: no address of the families that are asked for")
    return Traced(tuple(traced), tuple(left_out), mx_records)
