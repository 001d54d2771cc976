"""`mx-exporter trace`: the hop of the path at which a port is dropped, found without privileges.

The paths to all addresses are traced at once, and shown one after the other, each row as soon as it is settled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Final

from exporter.commands.arguments import checked_port, parse_timeout
from exporter.commands.hints import watched
from exporter.commands.mistakes import ManualError
from exporter.commands.path_rows import PathRows
from exporter.commands.terminal import Ink, Screen, line
from exporter.commands.traced_hosts import Traced, TracedHost, traced_hosts, traced_target
from exporter.model.path_trace import PathTrace
from exporter.model.target import Settings
from exporter.probe.traceroute import HOP_SECONDS, TraceRequest, trace_live
from exporter.report.path_as_json import path_as_json
from exporter.resolver.client import Resolver

_MAX_HOPS: Final = 255  # of a TTL


async def trace_host(flags: argparse.Namespace) -> int:
    """Trace the paths to every address of the host or domain. Exit code 0: all were reached, 1: some were not.

    Raises ManualError or ConfigError for a mistake that the user must mend first.
    """
    against = checked_port(flags.against, "--against")
    timeout = HOP_SECONDS if flags.timeout is None else parse_timeout(flags.timeout)
    if not 1 <= flags.max_hops <= _MAX_HOPS:
        raise ManualError(f"--max-hops: {flags.max_hops} is not between 1 and {_MAX_HOPS}")
    target, resolver_settings = traced_target(flags)
    screen = Screen(sys.stdout)
    resolver = Resolver(resolver_settings)
    try:
        lookup = asyncio.ensure_future(traced_hosts(target, resolver))
        traced = await watched(screen, lookup, lambda: f"looking up {target.host}")
    finally:
        resolver.close()
    requests = [
        _request(host.address, target.settings, against)._replace(timeout=timeout, max_hops=flags.max_hops)
        for host in traced.hosts
    ]
    for reason in traced.left_out:
        print(f"mx-exporter trace: {reason}", file=sys.stderr)
    if flags.json:
        return await _as_json(target.name, traced, requests, screen)
    if traced.mx_records:
        screen.show(line((target.name, Ink.HEADING), f": {traced.mx_records} MX"), line())
    return await _as_rows(traced, requests, screen)


def _request(address: str, settings: Settings, against: int) -> TraceRequest:
    source = settings.source_ipv6 if ":" in address else settings.source_ipv4
    return TraceRequest(address, settings.port, against if against != settings.port else None, source)


def _begun(
    traced: Traced, requests: Sequence[TraceRequest], screen: Screen
) -> list[tuple[TracedHost, PathRows, asyncio.Task[PathTrace]]]:
    """The traces of all paths, under way."""
    begun = []
    for host, request in zip(traced.hosts, requests, strict=True):
        rows = PathRows(host.name, request, screen.width)
        begun.append((host, rows, asyncio.create_task(trace_live(request, rows.take))))
    return begun


async def _as_rows(traced: Traced, requests: Sequence[TraceRequest], screen: Screen) -> int:
    """One path after the other; of the one that is not complete when it is interrupted, what is known."""
    all_reached = True
    for number, (_, rows, task) in enumerate(_begun(traced, requests, screen)):
        screen.show(*((line(),) if number else ()), rows.heading())

        def look(rows: PathRows = rows) -> str:
            if new := list(rows.rows()):
                screen.show(*new)
            return rows.waiting()

        try:
            path = await watched(screen, task, look)
        except asyncio.CancelledError:
            screen.show(*rows.interrupted())
            raise
        screen.show(*rows.end(path))
        all_reached &= path.reached is not None
    return int(not all_reached)


async def _as_json(name: str, traced: Traced, requests: Sequence[TraceRequest], screen: Screen) -> int:
    """One object an address and line."""
    all_reached = True
    for host, rows, task in _begun(traced, requests, screen):
        path = await watched(screen, task, rows.waiting)
        all_reached &= path.reached is not None
        print(json.dumps(path_as_json(name, host.mx, host.preference, path), ensure_ascii=False), flush=True)
    return int(not all_reached)
