"""`mx-exporter trace`: the hop of the path at which a port is dropped, found without privileges."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final

from exporter.commands.arguments import ManualError, parse_flag, read_host
from exporter.commands.terminal import Ink, Line, Screen, Span, line
from exporter.config.values import parse_nameserver, parse_network
from exporter.model.address import Family
from exporter.model.configuration import ResolverSettings
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.model.target import Settings
from exporter.net.special_addresses import forbidden
from exporter.probe.traceroute import trace
from exporter.report.path_summary import path_summary
from exporter.resolver.client import Resolver

_MAX_PORT: Final = 65535
_COLUMN: Final = 52  # characters: the longest IPv6 address, a time and a word
_INDENT: Final = "  "
_HOP_COLUMNS: Final = 6  # the number of a hop, and the space between it and the first cell
_GAP: Final = 2  # least characters between the two ports
_INKS: Final = {
    HopKind.REACHED: Ink.UP,
    HopKind.REFUSED: Ink.DEAD,
    HopKind.UNREACHABLE: Ink.DEAD,
    HopKind.PROHIBITED: Ink.BLOCKED,
    HopKind.LOCAL: Ink.LOCAL,
}


async def trace_host(flags: argparse.Namespace) -> int:
    """Trace the paths to every address of the host. Exit code 0: all were reached, 1: some were not.

    Raises ManualError for a mistake that the user must mend first.
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
    screen = Screen(sys.stdout)
    for number, path in enumerate(paths):
        if number:
            screen.show(line())
        screen.show(*path_lines(target.host, path, screen.width))
    return int(any(path.reached is None for path in paths))


def path_lines(name: str, path: PathTrace, width: int | None) -> Iterator[Line]:
    """The heading, the hops in as many columns as there is `width` for, and the sentence."""
    other = path.against
    yield line((f"{name} [{path.address}]" if name != path.address else name, Ink.HEADING), hang=2)
    column = _column(path, width)
    if column is None and other is not None:
        yield from _hops(path, None, 0)
        yield from _hops(other, None, 0)
    else:
        yield from _hops(path, other, column or 0)
    yield line(path_summary(path))


def _column(path: PathTrace, width: int | None) -> int | None:
    """The width of the first port's column with which the second fits beside it; None where it does not fit."""
    longest = [_longest(trace) for trace in (path, path.against) if trace is not None]
    if width is None or _HOP_COLUMNS + _COLUMN + longest[-1] <= width:
        return _COLUMN
    narrow = longest[0] + _GAP
    return narrow if _HOP_COLUMNS + narrow + longest[-1] <= width else None


def _longest(trace: PathTrace) -> int:
    return max(len(_port(trace)), *(len("".join(text for text, _ in _cell(hop))) for hop in trace.hops), 0)


def _hops(here: PathTrace, there: PathTrace | None, column: int) -> Iterator[Line]:
    """A row for each hop; `column` is where the cells of `there` begin."""
    beside = _port(there) if there is not None else ""
    heading = f"{'hop':>4}  {_port(here):{column}}{beside}".rstrip()
    yield line((heading, Ink.DIM))
    for one, other in zip_longest(here.hops, there.hops if there is not None else ()):
        cells = _cell(one)
        # Nothing stands behind the last cell of a row, not even the spaces that would fill its column.
        space = " " * (column - sum(len(text) for text, _ in cells)) if other is not None else ""
        yield line((f"{(one or other).ttl:4}", Ink.DIM), _INDENT, *cells, space, *_cell(other), hang=_HOP_COLUMNS)


def _port(trace: PathTrace) -> str:
    return f"port {trace.port}"


def _cell(hop: Hop | None) -> tuple[Span, ...]:
    """The router or host that answered, its time and its answer."""
    if hop is None:
        return ()
    if hop.kind is HopKind.SILENT:
        return (("*", Ink.DIM),)
    took = "" if hop.rtt is None else f"  {hop.rtt * 1000:.1f} ms"
    word = "" if hop.kind is HopKind.TIME_EXCEEDED else f"  {hop.kind.replace('_', ' ')}"
    return (hop.address or "this host", Ink.PLAIN), (took, Ink.DIM), (word, _INKS.get(hop.kind, Ink.PLAIN))
