"""`mx-exporter probe`: the manual test (nslookup, telnet 25, look for the 220) done for every address of a name.

A few names are shown dialogue by dialogue. Many get a progress bar, and a table at the end. All names are read before
anything is probed, so a wrong one in the middle of a file is reported at once.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace

from exporter.commands.arguments import ManualError, as_configured, parse_flag, read_target, read_targets, settings_of
from exporter.commands.helo_warnings import warn_of
from exporter.commands.one_shot import MANY_NAMES, OneShotProbes
from exporter.commands.reports import JsonReport, Report, TranscriptReport
from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.config.load import load
from exporter.config.values import parse_nameserver
from exporter.model.configuration import Config, ResolverSettings
from exporter.model.target import Settings, Target
from exporter.net.helo_name import local_helo


async def probe_names(flags: argparse.Namespace) -> int:
    """Probe the names of the command line. Exit code 0: all up, 1: some down.

    Raises ManualError or ConfigError for a mistake that the user must mend first.
    """
    config = load(flags.config_file) if flags.config_file else Config()
    settings = settings_of(config, flags)
    resolver = _resolver_settings(config, flags)
    targets = as_configured(_named(flags, settings), config, flags)
    # Asking for this machine's name may take a while: only where the flags name none.
    helo = settings.helo or local_helo()
    probes = OneShotProbes(config, resolver, helo)
    names = sorted({target.settings.helo or helo for target in targets})
    warning = asyncio.create_task(warn_of(names, probes.resolver, " probe"))
    report = _report(flags, helo, len(targets))
    try:
        await probes.probe_all(targets, report)
        await warning
    except asyncio.CancelledError:
        report.finish()  # Ctrl-C: the results so far are worth showing
        raise
    finally:
        warning.cancel()
        await probes.close()
    return report.finish()


def _resolver_settings(config: Config, flags: argparse.Namespace) -> ResolverSettings:
    if not flags.resolver:
        return config.resolver
    return replace(config.resolver, nameservers=(parse_flag(parse_nameserver, flags.resolver, "--resolver"),))


def _named(flags: argparse.Namespace, settings: Settings) -> list[Target]:
    """The targets that are named. Raises ManualError."""
    targets = [read_target(name, settings, f"argument {number}") for number, name in enumerate(flags.names, 1)]
    if flags.input:
        targets += read_targets(flags.input, settings)
    if not targets:
        raise ManualError("no NAME given")
    return targets


def _report(flags: argparse.Namespace, helo: str, names: int) -> Report:
    if flags.json:
        return JsonReport(sys.stdout, helo)
    if names < MANY_NAMES:
        return TranscriptReport(Screen(sys.stdout), helo)
    return TableReport(Screen(sys.stdout), sys.stderr, names)
