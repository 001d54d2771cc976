"""`mx-exporter trace`: where on the way a port is dropped, hop by hop, without privileges."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from exporter.config.model import Family, ResolverSettings, Settings
from exporter.config.values import parse_nameserver, parse_network
from exporter.diagnosis.trace import trace
from exporter.manual.arguments import ManualError, parse_flag, read_host
from exporter.path import Hop, HopKind, PathTrace
from exporter.resolver.client import Resolver
from exporter.resolver.special import forbidden
from exporter.sentence import path_sentence

_MAX_PORT: Final = 65535
_COLUMN: Final = 52  # characters: the longest IPv6 address, a time and a word


async def trace_host(flags: argparse.Namespace) -> int:
    """Trace the paths to every address of the host. Exit code 0: all were reached, 1: some were not.

    Raises ManualError for what the user must mend first.
    """
    for flag, port in (("--port", flags.port), ("--against", flags.against)):
        if not 1 <= port <= _MAX_PORT:
            raise ManualError(f"{flag}: {port} is not between 1 and {_MAX_PORT}")
    allowed = tuple(parse_flag(parse_network, text, "--allow-address") for text in flags.allow_addresses)
    settings = ResolverSettings()
    if flags.resolver:
        settings = replace(settings, nameservers=(parse_flag(parse_nameserver, flags.resolver, "--resolver"),))
    target = read_host(flags.host, Settings(port=flags.port))
    resolver = Resolver(settings)
    try:
        found = await resolver.lookup_host(target.host, tuple(Family))
    finally:
        resolver.close()
    if found.failure is not None:
        raise ManualError(f"{flags.host}: {found.failure.detail}")
    for address in found.addresses:
        if (reason := forbidden(address, allowed)) is not None:
            raise ManualError(f"{flags.host}: {address} is {reason}; --allow-address {address} permits it")
    against = flags.against if flags.against != target.settings.port else None
    paths = await asyncio.gather(
        *(trace(address, target.settings.port, against=against) for address in found.addresses)
    )
    print("\n\n".join("\n".join(_lines(target.host, path)) for path in paths), file=sys.stdout)
    return int(any(path.reached is None for path in paths))


def _lines(name: str, path: PathTrace) -> Iterator[str]:
    other = path.against
    heading = f"{'hop':>4}  {f'port {path.port}':{_COLUMN}}"
    yield f"{name} [{path.address}]" if name != path.address else name
    yield (heading + (f"port {other.port}" if other is not None else "")).rstrip()
    for here, there in zip_longest(path.hops, other.hops if other is not None else ()):
        number = (here or there).ttl
        yield f"{number:4}  {_cell(here):{_COLUMN}}{_cell(there)}".rstrip()
    yield path_sentence(path)


def _cell(hop: Hop | None) -> str:
    if hop is None:
        return ""
    if hop.kind is HopKind.SILENT:
        return "*"
    took = "" if hop.rtt is None else f"  {hop.rtt * 1000:.1f} ms"
    word = "" if hop.kind is HopKind.TIME_EXCEEDED else f"  {hop.kind.replace('_', ' ')}"
    return f"{hop.address or 'this host'}{took}{word}"
