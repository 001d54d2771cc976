"""`mx-exporter probe`: the manual test (nslookup, telnet 25, look for the 220) done for every address of a name.

A few names are shown dialogue by dialogue. Many get a progress bar, and a table at the end. All names are read before
anything is probed, so a wrong one in the middle of a file is told at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol, TextIO, TypeVar

from exporter.config.load import load
from exporter.config.model import Config, Egress, Limits, Settings, Target
from exporter.config.targets import parse_host, parse_target
from exporter.config.values import parse_duration, parse_helo, parse_nameserver, parse_network
from exporter.diagnosis.speakers import is_foreign
from exporter.egress import EgressWatch
from exporter.evidence import Evidence
from exporter.mtasts.memory import PolicyMemory
from exporter.probe.helo import local_helo
from exporter.probe.manners import Slots
from exporter.probe.policies import Policies
from exporter.probe.prober import Prober
from exporter.probe.transcript import describe, dialogue_lines, host_heading, policy_lines, remarks, spoken
from exporter.resolver.client import Resolver
from exporter.result import Failure, HostResult, MtaSts, MxLookup, ProbeResult, TlsResult
from exporter.sentence import path_sentence, sentence

T = TypeVar("T")

# From here on a person wants the summary, not the dialogues.
MANY_NAMES: Final = 5
_BAR_WIDTH: Final = 30  # characters
_BAR_SECONDS: Final = 0.1  # between two drawings
_USUAL_COLUMNS: Final = 80
_MAX_PORT: Final = 65535


class ManualError(ValueError):
    """What the user asked for cannot be done; the message says why."""


async def probe_names(flags: argparse.Namespace) -> int:
    """Probe what the flags name. Exit code 0: all up, 1: some down.

    Raises ManualError or ConfigError for what the user must mend first.
    """
    config = load(flags.config_file) if flags.config_file else Config()
    settings = _settings(config, flags)
    resolver = config.resolver
    if flags.resolver:
        resolver = replace(resolver, nameservers=(parse_flag(parse_nameserver, flags.resolver, "--resolver"),))
    targets = [_target(name, settings, f"argument {number}") for number, name in enumerate(flags.names, 1)]
    if flags.input:
        targets += _read_targets(flags.input, settings)
    if not targets:
        raise ManualError("no NAME given")
    targets = _as_configured(targets, config, flags)
    report: Report
    if flags.json:
        report = JsonReport(sys.stdout)
    elif len(targets) < MANY_NAMES:
        report = DialogueReport(sys.stdout)
    else:
        report = TableReport(sys.stdout, sys.stderr, len(targets))
    # Asking for this machine's name may take a while: only where nobody has said one.
    helo = settings.helo or local_helo()[0]
    examination = _Examination(config.limits, config.egress, Resolver(resolver), helo)
    try:
        await examination.probe_all(targets, report)
    except asyncio.CancelledError:
        report.finish()  # Ctrl-C: what is known by then is worth its time
        raise
    finally:
        await examination.close()
    return report.finish()


class _Examination:
    """Probes each target once; what did not answer is told after all else is known that bears on it."""

    def __init__(self, limits: Limits, egress: Egress, resolver: Resolver, helo: str) -> None:
        self._slots = Slots(limits.concurrency)
        self._at_once = limits.concurrency
        self._references = egress.references
        self._resolver = resolver
        self._policy_memory = PolicyMemory()
        policies = Policies(resolver, self._policy_memory)
        self._prober = Prober(resolver, limits, helo, self._slots, egress.witness_ports, policies)
        # Whatever is seen counts to the end.
        self._watch = EgressWatch(egress, math.inf, helo)

    async def probe_all(self, targets: list[Target], report: Report) -> None:
        """Each target is reported once, in the order of completion."""
        open_: list[tuple[Target, ProbeResult]] = []
        tracing: list[asyncio.Task[None]] = []
        left = iter(targets)

        async def work() -> None:
            for target in left:
                result = await self._probe(target)
                report.progress(result)
                if report.streams and not _is_open(result):
                    report.add(target, result)
                    continue
                open_.append((target, result))
                if len(targets) < MANY_NAMES:
                    tracing.append(asyncio.create_task(self._watch.trace_all(target, result)))

        bar = asyncio.create_task(report.keep_drawn()) if isinstance(report, TableReport) else None
        try:
            await asyncio.gather(*(work() for _ in range(min(self._at_once, len(targets)))))
            if any(_is_open(result) for _, result in open_):
                await asyncio.gather(*(self._probe(reference) for reference in self._references))
            await asyncio.gather(*tracing)
            self._watch.tick(self._resolver.answered())
            await self._watch.inquire()
        finally:
            if bar is not None:
                bar.cancel()
            for target, result in open_:
                report.add(target, self._watch.see_again(target, result))

    async def close(self) -> None:
        """End what is under way."""
        await self._watch.close()
        await self._prober.close()
        await self._policy_memory.close()
        await self._resolver.close()

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
    return any(host.evidence is not None and _may_change(host, host.evidence) for host in result.hosts)


def _may_change(host: HostResult, evidence: Evidence) -> bool:
    # Who bears another's name may be answering for others as well.
    return evidence.connect is not None or any(is_foreign(mark, host.mx) for mark in evidence.speaker)


# What the user wrote


def _settings(config: Config, flags: argparse.Namespace) -> Settings:
    try:
        settings = config.settings(flags.module)
    except KeyError:
        names = ", ".join(sorted(config.modules))
        raise ManualError(f"--module: no module {flags.module!r}; there are {names}") from None
    return _with_flags(settings, flags)


def _as_configured(targets: list[Target], config: Config, flags: argparse.Namespace) -> list[Target]:
    """What the configuration says of a target holds here too, unless a flag says otherwise; as with `/probe`."""
    if flags.module is not None:
        return targets
    configured = {target.key: target.settings for target in config.targets}
    found = []
    for target in targets:
        settings = configured.get(target.key)
        if settings is not None:
            # A port beside the name outranks the flag.
            port = settings.port if flags.port is None else target.settings.port
            target = replace(target, settings=replace(_with_flags(settings, flags), port=port))
        found.append(target)
    return found


def _with_flags(settings: Settings, flags: argparse.Namespace) -> Settings:
    """`settings` with what the flags say instead. Raises ManualError."""
    if flags.port is not None:
        if not 1 <= flags.port <= _MAX_PORT:
            raise ManualError(f"--port: {flags.port} is not between 1 and {_MAX_PORT}")
        settings = replace(settings, port=flags.port)
    if flags.helo is not None:
        settings = replace(settings, helo=parse_flag(parse_helo, flags.helo, "--helo"))
    if flags.timeout is not None:
        timeout = parse_flag(parse_duration, flags.timeout, "--timeout")
        if not timeout:
            raise ManualError("--timeout: it must be greater than 0")
        settings = replace(settings, timeout=timeout)
    allowed = [parse_flag(parse_network, text, "--allow-address") for text in flags.allow_addresses]
    return replace(settings, allow_addresses=(*settings.allow_addresses, *allowed))


def parse_flag(parse: Callable[[str], T], text: str, flag: str) -> T:
    """The value of a flag. Raises ManualError, which names it."""
    try:
        return parse(text)
    except ValueError as error:
        raise ManualError(f"{flag}: {error}") from None


def _target(name: str, settings: Settings, place: str) -> Target:
    try:
        return parse_target(name, settings)
    except ValueError as error:
        raise ManualError(f"{place}: {error}") from None


def read_host(name: str, settings: Settings) -> Target:
    """One host, named with or without its port. Raises ManualError."""
    try:
        return parse_host(name, settings)
    except ValueError as error:
        raise ManualError(str(error)) from None


def _read_targets(name: str, settings: Settings) -> list[Target]:
    """One name a line; # begins a comment."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ManualError(f"--input: {name}: {error}") from None
    lines = ((number, line.split("#", 1)[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [_target(line, settings, f"{name}:{number}") for number, line in lines if line]


# What the user sees


class Report(Protocol):
    """Takes results. `streams`: it shows each as soon as nothing can change it any more."""

    streams: bool

    def progress(self, result: ProbeResult) -> None:
        """One more name was probed; it is added sooner or later."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """What there is to be said of a name."""

    def finish(self) -> int:
        """All are; returns the exit code."""


class JsonReport:
    """One JSON object a name and line, in the order of completion."""

    streams = True

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._down = False

    def progress(self, result: ProbeResult) -> None:
        """The lines show it."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        print(json.dumps(as_json(target.name, result), ensure_ascii=False), file=self._out, flush=True)

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


class DialogueReport:
    """Every dialogue line by line with its times, then the verdict in a sentence."""

    streams = False

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._down = False
        self._blocks = 0

    def progress(self, result: ProbeResult) -> None:
        """There are but a few."""

    def add(self, target: Target, result: ProbeResult) -> None:
        """Print it."""
        self._down |= not result.up
        if self._blocks:
            print(file=self._out)
        self._blocks += 1
        for line in _dialogue(target.name, result):
            print(line, file=self._out)
        self._out.flush()

    def finish(self) -> int:
        """The exit code."""
        return int(self._down)


def _dialogue(name: str, result: ProbeResult) -> Iterator[str]:
    if result.lookup is not None:
        yield from _lookup(name, result.lookup)
    for line in policy_lines(result):
        yield f"  {line}"
    for host in result.hosts:
        yield ""
        yield host_heading(host)
        phases = dict(host.phases)
        if host.tcp_rtt is not None:
            connect = next(iter(phases.values()), 0.0)
            yield f"  {_ms(connect)}   connected (kernel round-trip time {host.tcp_rtt * 1000:.1f} ms)"
        for at, text in spoken(host):
            yield f"  {_ms(at)} {text}"
        for remark in remarks(host):
            yield f"  {remark}"
        yield from _around(host)
        yield "  " + ("up" if host.failure is None else describe(host.failure))
        if host.warnings and host.up:
            yield f"  works, yet: {', '.join(host.warnings)}"
    yield ""
    yield sentence(name, result)


def _around(host: HostResult) -> Iterator[str]:
    """What was asked where the port itself did not answer."""
    if host.evidence is None:
        return
    for witness in host.evidence.witnesses:
        yield f"              port {witness.port}: {witness.way}"
    if host.evidence.path is not None:
        yield f"              path: {path_sentence(host.evidence.path)}"


def _lookup(name: str, lookup: MxLookup) -> Iterator[str]:
    took = "" if lookup.duration is None else f" ({_ms(lookup.duration).strip()})"
    # Where the lookup failed, the domain itself is no mail host either.
    implicit = not lookup.mx_records and lookup.failure is None
    yield f"{name}: {'implicit MX' if implicit else f'{lookup.mx_records} MX'}{took}"
    if lookup.failure is not None:
        yield f"  {describe(lookup.failure)}"
    for host in lookup.hosts:
        found = ", ".join(host.addresses) if host.failure is None else describe(host.failure)
        yield f"  {host.preference:5d} {host.name}: {found}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:8.1f} ms"


class TableReport:
    """A progress bar while it lasts, where the terminal has room for one; a table and the counts at the end."""

    streams = False

    def __init__(self, out: TextIO, progress: TextIO, total: int) -> None:
        self._out = out
        self._total = total
        self._progress = progress if progress.isatty() else None
        self._began = time.monotonic()
        self._probed = 0
        self._down = 0
        self._rows: list[tuple[str, str, str, str]] = []
        self._verdicts: Counter[str] = Counter()

    def add(self, target: Target, result: ProbeResult) -> None:
        """Remember it."""
        failure = result.failure
        self._verdicts[failure.verdict if failure else "up"] += 1
        state, reason = ("up", "") if failure is None else (failure.verdict.value, failure.failure_class.value)
        addresses = f"{result.addresses_up}/{result.addresses}"
        self._rows.append((target.name, state, reason, addresses))

    def progress(self, result: ProbeResult) -> None:
        """Count it."""
        self._probed += 1
        self._down += not result.up

    async def keep_drawn(self) -> None:
        """The bar, by the clock: it moves while nothing is done, and is there before the first name is."""
        while self._progress is not None:
            # A line that wraps is not taken back by the next CR; a terminal that does not know its width says 0.
            width = os.get_terminal_size(self._progress.fileno()).columns or _USUAL_COLUMNS
            self._progress.write(f"\r\x1b[K{self._bar(time.monotonic() - self._began)[: width - 1]}")
            self._progress.flush()
            await asyncio.sleep(_BAR_SECONDS)

    def finish(self) -> int:
        """Print the table; the exit code."""
        if self._progress is not None:
            self._progress.write("\r\x1b[K")
            self._progress.flush()
        header = ("NAME", "STATE", "CLASS", "ADDRESSES UP")
        # Down first, and alike together: that is what one looks for.
        rows = sorted(self._rows, key=lambda row: (row[1] == "up", row[1], row[2], row[0]))
        widths = [max(len(row[column]) for row in (header, *rows)) for column in range(3)]
        for row in (header, *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[3]]), file=self._out)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(self._verdicts.items()))
        done = len(self._rows)
        names = f"{done} names" if done == self._total else f"{done} of {self._total} names, then interrupted,"
        print(f"{names} in {time.monotonic() - self._began:.1f} s: {counts}", file=self._out)
        return int(self._verdicts["up"] != self._total)

    def _bar(self, seconds: float) -> str:
        done = self._probed
        rate = done / seconds if seconds else 0.0
        left = (self._total - done) / rate if rate else 0.0
        filled = _BAR_WIDTH * done // self._total
        bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
        return f"{bar} {done}/{self._total}  {rate:.0f}/s  {left:.0f} s left  {self._down} down"


def as_json(name: str, result: ProbeResult) -> dict[str, Any]:
    """A result as plain data; the names are those of the metrics."""
    lookup = result.lookup
    return {
        "name": name,
        "up": result.up,
        "failure": _failure_json(result.failure),
        "verdict": sentence(name, result),
        "timestamp_seconds": result.at,
        "duration_seconds": result.duration,
        "addresses": result.addresses,
        "addresses_up": result.addresses_up,
        "dns": None
        if lookup is None
        else {
            "duration_seconds": lookup.duration,
            "mx_records": lookup.mx_records,
            "authenticated": lookup.authenticated,
            "failure": _failure_json(lookup.failure),
        },
        "mta_sts": _mta_sts_json(result.mta_sts),
        "tls_rpt": None
        if result.tls_rpt is None
        else {
            "present": result.tls_rpt.present,
            "valid": result.tls_rpt.valid,
            "detail": result.tls_rpt.detail,
            "rua": list(result.tls_rpt.rua),
        },
        "hosts": [_host_json(host) for host in result.hosts],
    }


def _mta_sts_json(mta_sts: MtaSts | None) -> dict[str, Any] | None:
    if mta_sts is None:
        return None
    return {
        "mode": mta_sts.mode,
        "valid": mta_sts.valid,
        "class": mta_sts.problem,
        "detail": mta_sts.detail,
        "id": mta_sts.id,
        "mx": list(mta_sts.mx),
        "max_age_seconds": mta_sts.max_age,
    }


def _failure_json(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {
        "stage": failure.stage,
        "class": failure.failure_class,
        "verdict": failure.verdict,
        "confidence": failure.confidence,
        "detail": failure.detail,
    }


def _witnesses_json(host: HostResult) -> dict[str, str]:
    """What other ports did, by port; JSON has no number for a key."""
    return {} if host.evidence is None else {str(witness.port): witness.way for witness in host.evidence.witnesses}


def _tls_json(tls: TlsResult | None) -> dict[str, Any] | None:
    if tls is None:
        return None
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "verified": tls.verified,
        "faults": [_failure_json(fault) for fault in tls.faults],
        "not_before_timestamp_seconds": tls.not_before,
        "not_after_timestamp_seconds": tls.not_after,
        "subject": tls.subject,
        "issuer": tls.issuer,
    }


def _host_json(host: HostResult) -> dict[str, Any]:
    return {
        "mx": host.mx,
        "address": host.address,
        "preference": host.preference,
        "up": host.up,
        "failure": _failure_json(host.failure),
        "warnings": list(host.warnings) if host.up else [],
        "last_hop": host.last_hop,
        "witnesses": _witnesses_json(host),
        "reply_codes": dict(host.reply_codes),
        "enhanced_status": dict(host.enhanced),
        "phase_duration_seconds": dict(host.phases),
        "tcp_rtt_seconds": host.tcp_rtt,
        "esmtp": host.esmtp,
        "extensions": list(host.extensions),
        "size_limit_bytes": host.size_limit,
        "auth_mechanisms": {"plaintext": list(host.auth_plaintext), "tls": list(host.auth_tls)},
        "recipients": [{"recipient": recipient, "code": code} for recipient, code in host.recipients],
        "tls": _tls_json(host.tls),
        "dane": None
        if host.dane is None
        else {"state": host.dane.state, "records": list(host.dane.records), "detail": host.dane.detail},
        "mta_sts_match": host.mta_sts_match,
        "dialogue": [
            {"seconds": at, "from": "client" if sent else "server", "text": text}
            for at, sent, text in dialogue_lines(host.transcript)
        ],
    }
