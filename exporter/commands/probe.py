"""`mx-exporter probe`: the manual test (nslookup, telnet 25, look for the 220) done for every address of a name.

A few names are shown dialogue by dialogue. Many get a progress bar, and a table at the end. All names are read before
anything is probed, so a wrong one in the middle of a file is told at once.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from exporter.commands.arguments import ManualError, as_configured, parse_flag, read_target, read_targets, settings_of
from exporter.commands.helo_warnings import warn_of
from exporter.commands.reports import DialogueReport, JsonReport, Report
from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.concurrency.slots import ProbeSlots
from exporter.config.load import load
from exporter.config.values import parse_nameserver
from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.fingerprints import is_foreign
from exporter.egress.watch import EgressWatch
from exporter.model.configuration import Config, Egress, Limits
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Target
from exporter.net.helo_name import local_helo
from exporter.policies.lookup import Policies
from exporter.policies.mtasts.cache import PolicyCache
from exporter.probe.prober import Prober
from exporter.report.local_state import LocalState, hidden_among, local_state
from exporter.resolver.client import Resolver

# From here on a person wants the summary, not the dialogues.
MANY_NAMES: Final = 5


async def probe_names(flags: argparse.Namespace) -> int:
    """Probe what the flags name. Exit code 0: all up, 1: some down.

    Raises ManualError or ConfigError for what the user must mend first.
    """
    config = load(flags.config_file) if flags.config_file else Config()
    settings = settings_of(config, flags)
    resolver = config.resolver
    if flags.resolver:
        resolver = replace(resolver, nameservers=(parse_flag(parse_nameserver, flags.resolver, "--resolver"),))
    targets = [read_target(name, settings, f"argument {number}") for number, name in enumerate(flags.names, 1)]
    if flags.input:
        targets += read_targets(flags.input, settings)
    if not targets:
        raise ManualError("no NAME given")
    targets = as_configured(targets, config, flags)
    # Asking for this machine's name may take a while: only where nobody has said one.
    helo = settings.helo or local_helo()
    asked = Resolver(resolver)
    names = {target.settings.helo or helo for target in targets}
    warning = asyncio.create_task(warn_of(sorted(names), asked, " probe"))
    report: Report
    if flags.json:
        report = JsonReport(sys.stdout, helo)
    elif len(targets) < MANY_NAMES:
        report = DialogueReport(Screen(sys.stdout), helo)
    else:
        report = TableReport(Screen(sys.stdout), sys.stderr, len(targets))
    examination = _Examination(config.limits, config.egress, asked, helo)
    try:
        await examination.probe_all(targets, report)
        await warning
    except asyncio.CancelledError:
        report.finish()  # Ctrl-C: what is known by then is worth its time
        raise
    finally:
        warning.cancel()
        await examination.close()
    return report.finish()


class _Examination:
    """Probes each target once; what did not answer is told after all else is known that bears on it."""

    def __init__(self, limits: Limits, egress: Egress, resolver: Resolver, helo: str) -> None:
        self._slots = ProbeSlots(limits.concurrency)
        self._at_once = limits.concurrency
        self._references = egress.references
        self._resolver = resolver
        self._policy_memory = PolicyCache()
        # There is no next result to tell in what comes late.
        policies = Policies(resolver, self._policy_memory, patience=math.inf)
        self._prober = Prober(resolver, limits, helo, self._slots, egress.witness_ports, policies)
        # Whatever is seen counts to the end.
        self._watch = EgressWatch(egress, math.inf, helo)

    async def probe_all(self, targets: list[Target], report: Report) -> None:
        """Each target is reported once, in the order of completion."""
        open_: list[tuple[Target, ProbeResult]] = []
        # Without references one that answers is greeted again after those that did not: whether the way is open still.
        up: list[Target] = []
        tracing: list[asyncio.Task[None]] = []
        left = iter(targets)

        async def work() -> None:
            for target in left:
                result = await self._probe(target)
                report.progress(result)
                if result.up:
                    up.append(target)
                if report.streams and not _is_open(result):
                    report.know(self._own_side(result for _, result in open_))
                    report.add(target, result)
                    continue
                open_.append((target, result))
                if len(targets) < MANY_NAMES:
                    tracing.append(asyncio.create_task(self._watch.trace_all(target, result)))

        bar = asyncio.create_task(report.keep_drawn()) if isinstance(report, TableReport) else None
        try:
            await asyncio.gather(*(work() for _ in range(min(self._at_once, len(targets)))))
            if any(_is_open(result) for _, result in open_):
                await asyncio.gather(*(self._probe(other) for other in self._references or up[:1]))
            await asyncio.gather(*tracing)
            self._watch.tick(self._resolver.answered())
            await self._watch.inquire()
        finally:
            if bar is not None:
                bar.cancel()
                await asyncio.gather(bar, return_exceptions=True)
            seen = [(target, self._watch.see_again(target, result)) for target, result in open_]
            report.know(self._own_side(result for _, result in seen))
            for target, result in seen:
                report.add(target, result)

    def _own_side(self, results: Iterable[ProbeResult]) -> LocalState:
        return local_state(self._watch.surroundings, self._watch.turns, hidden_among(results), self._watch.resolver)

    async def close(self) -> None:
        """End what is under way."""
        await self._watch.close()
        await self._policy_memory.close()
        self._resolver.close()

    async def _probe(self, target: Target) -> ProbeResult:
        await self._slots.take()
        try:
            result = await self._prober.probe(target, transcript=True)
        finally:
            self._slots.free()
        # Before the last silence is judged, not after: a nameserver that answers has shown that something gets out.
        self._watch.tick(self._resolver.answered())
        return self._watch.take_in(target, result)


def _is_open(result: ProbeResult) -> bool:
    """Whether a path or what others show may still change what a result means."""
    if result.failure is not None and result.failure.stage is Stage.DNS:
        return True  # all names at once may be the resolver's doing
    return any(host.evidence is not None and _may_change(host, host.evidence) for host in result.hosts)


def _may_change(host: HostResult, evidence: Evidence) -> bool:
    # Who bears another's name may be answering for others as well.
    if outcome_of_session(evidence) is not ConnectOutcome.ANSWERED:
        return True
    return any(is_foreign(mark, host.mx) for mark in evidence.speaker)
