"""A session's dialogue for a person: one line each, with its time, harmless to show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from exporter.diagnosis.advice import mark_of
from exporter.diagnosis.domain_failure import speaker_of
from exporter.model.failure import Failure
from exporter.model.printable import printable
from exporter.model.result import HostResult, ProbeResult, TlsResult, TranscriptLine

# Of one dialogue: twice the longest answer to EHLO that a test has. Empty lines would take eighty times their room on a
# page.
MAX_LINES: Final = 1000
# Patterns and addresses of a policy on one line.
_SHOWN: Final = 16


def dialogue_lines(transcript: tuple[TranscriptLine, ...]) -> Iterator[tuple[float, bool, str]]:
    """(seconds since the connect, sent by us, text) for the lines that went over the wire; of too many, the first."""
    count = 0
    for piece in transcript:
        for line in piece.data.removesuffix(b"\n").split(b"\n"):
            count += 1
            if count <= MAX_LINES:
                yield piece.at, piece.sent, printable(line.removesuffix(b"\r"))
    if count > MAX_LINES:
        yield transcript[-1].at, False, f"… {count - MAX_LINES} more lines"


def spoken(host: HostResult) -> Iterator[tuple[float, str]]:
    """(seconds since the connect, line) of a dialogue: `>` before what we said, `<` before what was answered."""
    tls, secured = host.facts.tls, host.timings.tls_at
    for at, sent, text in dialogue_lines(host.transcript):
        if tls is not None and secured is not None and at >= secured:
            yield secured, f"* {tls_line(tls)}"
            tls = None
        yield at, f"{'>' if sent else '<'} {text}"
    if tls is not None and secured is not None:
        yield secured, f"* {tls_line(tls)}"


def tls_line(tls: TlsResult) -> str:
    """A handshake and what its certificate is worth; the certificate's words are printable already."""
    text = f"{tls.version} {tls.cipher}, certificate for {tls.subject or 'nobody'}"
    if tls.issuer:
        text += f" by {tls.issuer}"
    if tls.not_after is not None:
        text += f", until {datetime.fromtimestamp(tls.not_after, UTC):%Y-%m-%d %H:%M} UTC"
    return text + (", verified" if tls.verified else ", not verified")


def remarks(host: HostResult) -> Iterator[str]:
    """What is wrong with a certificate, what DANE says of it, and how each of several recipients was answered."""
    if host.facts.tls is not None:
        for fault in host.facts.tls.faults:
            if fault is not host.failure:
                yield f"{fault.failure_class}: {printable(fault.detail)}"
    yield from map(printable, host.outcome.remarks)
    yield from dane_lines(host)
    if len(host.facts.recipients) > 1:
        for recipient, code in host.facts.recipients:
            yield f"recipient {printable(recipient)}: {code}"


def host_heading(host: HostResult) -> str:
    """Which host and address a dialogue was with."""
    preference = "" if host.identity.preference is None else f"{host.identity.preference} "
    return f"{preference}{host.mx} [{host.address or 'no address'}]"


def dialogue_text(result: ProbeResult, *, concluded: bool = False) -> str:
    """The dialogues of a whole probe as plain text; `concluded`: what is to be said of the whole follows."""
    told = told_below(result) if concluded else None
    blocks = []
    looked_up = result.lookup.failure if result.lookup is not None else None
    if looked_up is not None and (not concluded or looked_up != result.failure):
        blocks.append(f"lookup: {describe(looked_up)}")
    policies = "\n".join(policy_lines(result))
    if policies:
        blocks.append(policies)
    for host in result.hosts:
        lines = [host_heading(host)]
        lines += [f"  {at:8.3f}s {text}" for at, text in spoken(host)]
        lines += [f"  {remark}" for remark in remarks(host)]
        if (outcome := outcome_of(host, result, told)) is not None:
            lines.append(f"  {outcome}")
        if host.outcome.reported_warnings:
            lines.append(f"  {warned(host)}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def policy_lines(result: ProbeResult) -> Iterator[str]:
    """What the domain asks of those who send mail to it, as far as that was looked up."""
    mta_sts, tls_rpt = result.mta_sts, result.tls_rpt
    if mta_sts is not None:
        text = f"MTA-STS: {mta_sts.mode}"
        if mta_sts.mx:
            text += f", mx {', '.join(mta_sts.mx[:_SHOWN])}"
        if len(mta_sts.mx) > _SHOWN:
            text += f" and {len(mta_sts.mx) - _SHOWN} more"
        if mta_sts.max_age is not None:
            text += f", max_age {mta_sts.max_age} s"
        if mta_sts.valid is False:
            text += f"; not valid: {mta_sts.problem}"
        yield text + (f": {printable(mta_sts.detail)}" if mta_sts.detail else "")
    if tls_rpt is not None:
        state = {None: "unknown", False: "absent", True: "not valid"}[tls_rpt.present]
        if tls_rpt.valid:
            state = ", ".join(tls_rpt.rua[:_SHOWN])
        yield f"TLS-RPT: {state}" + (f": {printable(tls_rpt.detail)}" if tls_rpt.detail else "")


def dane_lines(host: HostResult) -> Iterator[str]:
    """What DANE says of a host, with the TLSA records."""
    dane = host.facts.dane
    if dane is None:
        return
    yield f"DANE: {dane.state}" + (f": {printable(dane.detail)}" if dane.detail else "")
    yield from (f"  TLSA {record}" for record in dane.records)


def told_below(result: ProbeResult) -> HostResult | None:
    """The host of which the conclusion tells."""
    return None if result.failure is None else speaker_of(result.hosts, result.failure)


def outcome_of(host: HostResult, result: ProbeResult, told: HostResult | None) -> str | None:
    """How it went, on one line; None of the only host, where all is told below."""
    failure = host.failure
    if failure is None:
        return "up"
    if host is not told:
        return describe(failure)
    return "down: see below" if len(result.hosts) > 1 else None


def describe(failure: Failure) -> str:
    """A failure on one line: whom to call, what it is, where, and what was found."""
    found = "; ".join((failure.detail, *failure.evidence))
    verdict = f"{failure.verdict}{mark_of(failure.confidence)}"
    return f"{verdict}: {failure.failure_class} at {failure.stage}: {printable(found)}"


def warned(host: HostResult) -> str:
    """Its warnings on one line."""
    return f"{'works, yet' if host.up else 'besides'}: {', '.join(host.outcome.reported_warnings)}"
