"""The transcript of a session as text for a person: each line with its time, harmless to show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from exporter.diagnosis.advice import mark_of
from exporter.model.arrival import MailboxProblem
from exporter.model.failure import Failure
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult, TlsResult, TranscriptLine
from exporter.report.summary import deciding_host
from exporter.report.warning_text import domain_sentence, host_sentence
from exporter.report.zone_text import zone_lines

# Of one transcript: twice the longest answer to EHLO that a test has. Empty lines would take eighty times their room
# on a page.
MAX_LINES: Final = 1000
WARNING: Final = "warning"
# Patterns and addresses of a policy on one line.
_SHOWN: Final = 16


def transcript_lines(transcript: tuple[TranscriptLine, ...]) -> Iterator[tuple[float, bool, str]]:
    """(seconds since the connect, sent by us, text) for the lines that went over the wire; of too many, the first."""
    count = 0
    for piece in transcript:
        for line in piece.data.removesuffix(b"\n").split(b"\n"):
            count += 1
            if count <= MAX_LINES:
                yield piece.at, piece.sent, printable(line.removesuffix(b"\r"))
    if count > MAX_LINES:
        yield transcript[-1].at, False, f"… {count - MAX_LINES} more lines"


def marked_lines(host: HostResult) -> Iterator[tuple[float, str]]:
    """(seconds since the connect, line) of a transcript: `>` before our lines, `<` before the server's."""
    tls, secured = host.facts.tls, host.timings.tls_at
    for at, sent, text in transcript_lines(host.transcript):
        if tls is not None and secured is not None and at >= secured:
            yield secured, f"* {tls_line(tls)}"
            tls = None
        yield at, f"{'>' if sent else '<'} {text}"
    if tls is not None and secured is not None:
        yield secured, f"* {tls_line(tls)}"


def tls_line(tls: TlsResult) -> str:
    """A handshake and its certificate on one line; the words of the certificate are printable already."""
    text = f"{tls.version} {tls.cipher}, certificate for {tls.subject or 'no name'}"
    if tls.issuer:
        text += f" by {tls.issuer}"
    if tls.not_after is not None:
        text += f", until {datetime.fromtimestamp(tls.not_after, UTC):%Y-%m-%d %H:%M} UTC"
    return text + (", verified" if tls.verified else ", not verified")


def remark_lines(host: HostResult) -> Iterator[str]:
    """Remarks on a host: the judgement by DANE, the reply to each of several recipients, and whatever it has else.

    Faults of its certificate are among them where no warning tells them.
    """
    if host.facts.tls is not None:
        for fault in host.facts.tls.faults:
            if fault != host.failure and fault.failure_class.value not in host.outcome.reported_warnings:
                yield f"{fault.failure_class}: {printable(fault.detail)}"
    yield from map(printable, host.outcome.remarks)
    yield from dane_lines(host)
    yield from version_lines(host)
    if len(host.facts.recipients) > 1:
        for recipient, code in host.facts.recipients:
            yield f"recipient {printable(recipient)}: {code}"


def host_heading(host: HostResult, result: DomainResult) -> str:
    """The preference, host and address of a session."""
    preference = result.preference_of(host.mx)
    before = "" if preference is None else f"{preference} "
    return f"{before}{host.mx} [{host.address or 'no address'}]"


def transcript_text(result: DomainResult, *, summarised: bool = False) -> str:
    """The transcripts of a whole probe as plain text; `summarised`: the summary of the whole follows."""
    summarised_host = deciding_host(result) if summarised else None
    blocks = []
    looked_up = result.lookup.failure if result.lookup is not None else None
    if looked_up is not None and (not summarised or looked_up != result.failure):
        blocks.append(f"lookup: {failure_line(looked_up)}")
    about = "\n".join((*domain_lines(result), *policy_lines(result)))
    if about:
        blocks.append(about)
    for host in result.hosts:
        lines = [host_heading(host, result)]
        lines += [f"  {at:8.3f}s {text}" for at, text in marked_lines(host)]
        lines += [f"  {remark}" for remark in remark_lines(host)]
        if (outcome := outcome_line(host, result, summarised_host)) is not None:
            lines.append(f"  {outcome}")
        lines += [f"  {warning}" for warning in host_warning_lines(host)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def domain_lines(result: DomainResult) -> Iterator[str]:
    """The providers of a domain, and what is wrong with the domain beside its hosts."""
    yield from provider_lines(result.providers)
    yield from warning_lines(result)


def warning_lines(result: DomainResult) -> Iterator[str]:
    """The warnings about a domain, each in a sentence."""
    yield from (f"{WARNING}: {warning}: {domain_sentence(warning, result)}" for warning in result.warnings)


def provider_lines(providers: tuple[str, ...]) -> Iterator[str]:
    """The providers of a domain."""
    if providers:
        word = "provider" if len(providers) == 1 else "providers"
        yield f"{word}: {', '.join(map(printable, providers))}"


def policy_lines(result: DomainResult) -> Iterator[str]:
    """The policies that a domain publishes for senders, and its zone, as far as they were looked up."""
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
    yield from zone_lines(result.zone)


def dane_lines(host: HostResult) -> Iterator[str]:
    """The judgement of a host by DANE, with the TLSA records."""
    dane = host.facts.dane
    if dane is None:
        return
    yield f"DANE: {dane.state}" + (f": {printable(dane.detail)}" if dane.detail else "")
    yield from (f"  TLSA {record}" for record in dane.records)


def version_lines(host: HostResult) -> Iterator[str]:
    """The old versions of TLS, each with its outcome."""
    for each in host.facts.old_versions:
        yield f"{each.version}: {each.state}" + (f": {printable(each.detail)}" if each.detail else "")


_MAILBOX_PROBLEMS: Final = {
    MailboxProblem.UNREACHABLE: "it does not answer",
    MailboxProblem.TLS: "the handshake fails, or its certificate is not valid for its name",
    MailboxProblem.LOGIN: "it refuses our user name or password, which `data.arrival` has",
    MailboxProblem.FOLDER: "a folder cannot be opened or searched",
    MailboxProblem.PROTOCOL: "it breaks off, or what it says is no IMAP",
}


def arrival_lines(host: HostResult) -> Iterator[str]:
    """The arrival of the last canary, and what the receiving server found."""
    arrival = host.facts.arrival
    if arrival is None:
        return
    if arrival.problem is not None:
        yield f"canary: its mailbox cannot be looked into ({arrival.problem}): {_MAILBOX_PROBLEMS[arrival.problem]}"
    if arrival.missing:
        yield f"canary: {arrival.missing}"
    took = "" if arrival.seconds is None else f" after {arrival.seconds:.1f} s"
    late = ", late: it was told as missing" if arrival.is_late else ""
    if arrival.folder is not None:
        yield f"canary: found in {arrival.folder}{took}{late}"
    elif arrival.is_late:
        yield f"canary: an earlier one has arrived{took}{late}"
    yield from (f"canary: {method} {result}" for method, result in arrival.authentication)
    if arrival.awaited_since is not None:
        at = datetime.fromtimestamp(arrival.awaited_since, UTC)
        yield f"canary: of the message accepted at {at:%H:%M:%S} UTC it is not known yet whether it arrives"


def outcome_line(host: HostResult, result: DomainResult, summarised: HostResult | None) -> str | None:
    """The outcome of a session on one line; None of the only host where it is `summarised` below."""
    failure = host.failure
    if failure is None:
        return "up"
    if summarised is None or host.identity != summarised.identity:
        return failure_line(failure)
    return "down: see below" if len(result.hosts) > 1 else None


def failure_line(failure: Failure) -> str:
    """A failure on one line: verdict, class, stage and detail."""
    found = "; ".join((failure.detail, *failure.evidence))
    verdict = f"{failure.verdict}{mark_of(failure.confidence)}"
    return f"{verdict}: {failure.failure_class} at {failure.stage}: {printable(found)}"


def host_warning_lines(host: HostResult) -> Iterator[str]:
    """The warnings of a host, each in a sentence."""
    for warning in host.outcome.reported_warnings:
        yield f"{WARNING}: {warning}: {host_sentence(warning, host)}"
