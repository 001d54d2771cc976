"""`mx-exporter probe`: the manual test (nslookup, telnet 25, look for the 220) done for every address of a name.

A few names are shown dialogue by dialogue, each line as it happens. Many get a progress bar, and a table at the end. A
wrong name among the arguments is told before anything is probed; wrong lines of a file are told, and the others probed.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from typing import Final, TypeVar

from exporter.commands.arguments import as_configured, config_of, modules_of, resolver_settings, settings_of
from exporter.commands.by_hand import parse_on_way
from exporter.commands.helo_warnings import warn_of
from exporter.commands.hints import watched
from exporter.commands.incident_reports import IncidentReports
from exporter.commands.mistakes import ManualError
from exporter.commands.nagios import NagiosReport
from exporter.commands.names import Names, arguments_of, lines_of
from exporter.commands.one_shot import MANY_NAMES, OneShotProbes
from exporter.commands.parser import PROGRAM, USAGE
from exporter.commands.reports import JsonReport, Report, TranscriptReport
from exporter.commands.terminal import Screen
from exporter.concurrency.worker_thread import WorkerThread
from exporter.model.target import Settings, Target
from exporter.net.helo_name import faults, local_helo

# Nobody waits longer for a list of names on the standard input.
_MOST_SECONDS: Final = 86400.0

_T = TypeVar("_T")


async def probe_names(flags: argparse.Namespace) -> int:
    """Probe the names of the command line. Exit code 0: all up, 1: some down, 2: some lines of the file are wrong.

    Raises ManualError or ConfigError for a mistake that the user must mend first.
    """
    config = config_of(flags)
    settings = settings_of(config, flags)
    resolver = resolver_settings(config, flags)
    named = await _named(flags, settings)
    targets = as_configured(named.targets, config, flags)
    # Asking for this machine's name may take a while: only where the flags name none.
    helo = settings.helo or await _beside(local_helo, "asking the system for the name of this machine")
    report = _report(flags, helo, targets)
    live = report.live if isinstance(report, TranscriptReport) else None
    probes = OneShotProbes(config, modules_of(targets, config), resolver, helo, live)
    names = sorted({target.settings.helo or helo for target in targets})
    warning = asyncio.create_task(faults(names, probes.resolver))
    try:
        await probes.probe_all(targets, report)
        told = await warning
    except asyncio.CancelledError:
        report.finish(probes.without_result)  # Ctrl-C: the results so far are worth showing
        raise
    finally:
        warning.cancel()
        await probes.close()
    code = report.finish()
    warn_of(told, " probe")  # behind the text, not amid it
    return USAGE if named.mistakes else code


async def _beside(work: Callable[[], _T], text: str) -> _T:
    """The result of something that the system may keep waiting, and that Ctrl-C does not wait for."""
    task = asyncio.create_task(WorkerThread(text).run(work, _MOST_SECONDS))
    return await watched(Screen(sys.stdout), task, lambda: text)


async def _named(flags: argparse.Namespace, settings: Settings) -> Names:
    """The targets that are named. Raises ManualError."""
    parse = parse_on_way(flags)
    named = arguments_of(flags.names, settings, parse)
    if flags.input:
        listed = await _beside(lambda: lines_of(flags.input, settings, parse), f"reading {flags.input}")
        named = Names(named.targets + listed.targets, named.taken + listed.taken, listed.mistakes)
    if not named.targets or (flags.nagios and named.mistakes):
        raise ManualError("\n".join(named.mistakes) or f"no NAME given, as in `{PROGRAM} probe example.org`")
    for text in (*named.taken, *named.mistakes):
        print(f"mx-exporter probe: {text}", file=sys.stderr)
    return named


def _report(flags: argparse.Namespace, helo: str, targets: list[Target]) -> Report:
    if flags.report:
        return IncidentReports(sys.stdout, helo)
    if flags.json:
        return JsonReport(sys.stdout, helo)
    if flags.nagios:
        return NagiosReport(sys.stdout, helo)
    if len(targets) < MANY_NAMES:
        return TranscriptReport(Screen(sys.stdout), helo, targets)
    from exporter.commands.table import TableReport  # it shares much with the pages, and is seldom needed

    return TableReport(Screen(sys.stdout), sys.stderr, len(targets))
