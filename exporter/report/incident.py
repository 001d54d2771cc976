"""The report on one target, to paste into a ticket or into a mail to a postmaster.

The finding with its evidence, the times in UTC, our own address and name, and the dialogues. It leaves the house, so it
has no credentials, no content of messages and no label of the configuration; the words of remote servers are
printable, and all of it is bounded.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from exporter import __version__
from exporter.concurrency import steady_clock
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostIdentity, HostResult, TlsResult, TranscriptLine
from exporter.model.target import Auth, Settings
from exporter.net.helo_name import address_literal, own_address
from exporter.report.change_text import WORDS, OneChange, host_name, latest, step_after
from exporter.report.local_state import LocalState, local_state_lines
from exporter.report.summary import Summary, deciding_host, summarise
from exporter.report.transcript import failure_line, policy_lines, tls_line, transcript_lines

# For a ticket; a mail of this size is taken everywhere.
MAX_CHARACTERS: Final = 32_768
# Hosts with their dialogues; the one that the verdict is about stands first.
MAX_DIALOGUES: Final = 4
MAX_HOSTS: Final = 16
MAX_CHANGES: Final = 10
_MAX_LINE: Final = 600
_HIDDEN: Final = b"****"
_HIDDEN_TEXT: Final = _HIDDEN.decode()
_AUTH: Final = re.compile(rb"(AUTH\s+\S+)\s+\S.*", re.IGNORECASE | re.DOTALL)
# A shorter user name is part of half of all words.
_LEAST_NAME: Final = 3
_CUT: Final = "… the rest was cut off"


@dataclass(frozen=True, slots=True)
class SessionDialogue:
    """The dialogue of one session; `at`: Unix time at the begin of its connect, `tls_at` seconds later TLS began."""

    at: float
    lines: tuple[TranscriptLine, ...]
    whole: bool = True
    tls: TlsResult | None = None
    tls_at: float | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One target with all that its report is made of. Times are Unix times."""

    name: str
    result: DomainResult
    settings: Settings
    helo: str  # the name of this host in EHLO; empty: the address
    now: float
    side: LocalState
    since: float = 0.0  # of the last change of state; 0: not known
    is_restored: bool = False  # the result is of before the start of the exporter
    dialogues: Mapping[HostIdentity, SessionDialogue] = field(default_factory=dict)
    changes: Sequence[OneChange] = ()  # in no order; None: of the target itself


def incident_report(incident: Incident) -> str:
    """The report as plain text, which ends with a line feed."""
    hide = _hiding(incident.settings.module.auth)
    kept: list[str] = []
    left = MAX_CHARACTERS
    for line in _lines(incident, hide):
        line = line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"
        left -= len(line) + 1
        if left < len(_CUT) + 1:
            kept.append(_CUT)
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _lines(incident: Incident, hide: Callable[[str], str]) -> Iterator[str]:
    result, settings = incident.result, incident.settings
    helo = settings.helo or incident.helo
    summary = summarise(incident.name, result, helo=helo, port=settings.port)
    yield f"Report on {printable(incident.name)}, made at {_utc(incident.now)} by mx-exporter {__version__}"
    for line in local_state_lines(incident.side):
        yield ""
        yield f"Our own side: {line}"
    yield ""
    yield from _finding(result, summary, hide)
    yield ""
    if incident.since:
        yield f"In this state since: {_utc(incident.since)}"
    before = " (known from before a restart of the exporter; not probed since)" if incident.is_restored else ""
    yield f"Last probe: {_utc(result.at)}{before}"
    hosts = _in_order(result)
    yield from _ourselves(hosts, settings, helo)
    for line in policy_lines(result):
        yield hide(line)
    yield ""
    yield "Mail hosts:"
    yield from (hide(line) for line in _hosts(result))
    yield from map(hide, _changes(incident))
    told = 0
    for host in hosts:
        dialogue = incident.dialogues.get(host.identity)
        if dialogue is not None and dialogue.lines and told < MAX_DIALOGUES:
            told += 1
            yield ""
            yield from _dialogue(host, dialogue, hide)
    if not told:
        yield ""
        yield "Dialogue: there was none."


def _finding(result: DomainResult, summary: Summary, hide: Callable[[str], str]) -> Iterator[str]:
    failure = result.failure
    if failure is None:
        yield "Verdict: up"
    else:
        yield f"Verdict: {failure.verdict} ({failure.confidence}): {failure.failure_class} at {failure.stage}"
    yield f"Finding: {hide(summary.summary)}"
    evidence = (*summary.evidence, *((summary.path,) if summary.path else ()))
    if evidence:
        yield "Evidence:"
        yield from (f"  - {hide(line)}" for line in evidence)
    if summary.next:
        yield f"Next: {summary.next}"


def _ourselves(hosts: Iterable[HostResult], settings: Settings, helo: str) -> Iterator[str]:
    """Our addresses by the hosts that they are used for, as this machine has them, and our name."""
    ours: dict[str, None] = {}
    for host in hosts:
        if host.address:
            source = settings.source_ipv6 if ":" in host.address else settings.source_ipv4
            ours[own_address(host.address, source)] = None
    found = [address for address in ours if address]
    yield f"Our address: {', '.join(found) or 'not known'} (as this machine has it; behind NAT others see another)"
    yield f"Our name in EHLO: {printable(helo) if helo else ', '.join(map(address_literal, found)) or 'not known'}"


def _in_order(result: DomainResult) -> list[HostResult]:
    """The hosts: the one that the verdict is about, then those that fail, then the others."""
    deciding = deciding_host(result)
    identity = deciding.identity if deciding is not None else None
    return sorted(result.hosts, key=lambda host: (host.identity != identity, host.up))


def _hosts(result: DomainResult) -> Iterator[str]:
    if result.lookup is not None and result.lookup.failure is not None:
        yield f"  lookup: {failure_line(result.lookup.failure)}"
    for host in result.hosts[:MAX_HOSTS]:
        preference = result.preference_of(host.mx)
        before = "" if preference is None else f"{preference} "
        outcome = "up" if host.failure is None else failure_line(host.failure)
        yield f"  {before}{_endpoint(host)}: {outcome}"
    if len(result.hosts) > MAX_HOSTS:
        yield f"  and {len(result.hosts) - MAX_HOSTS} more"


def _changes(incident: Incident) -> Iterator[str]:
    """The latest changes of the target and of its hosts, the latest first."""
    if incident.changes:
        yield ""
        yield "What changed:"
    for entry, host in latest(incident.changes, MAX_CHANGES):
        at, what, before, now = entry
        of_host = "" if host is None else f"{host_name(host)}: "
        step = step_after(entry)
        yield f"  {_utc(steady_clock.unix(at))} {of_host}{WORDS[what]} ({before} -> {now})"
        if step:
            yield f"    {step}"


def _dialogue(host: HostResult, dialogue: SessionDialogue, hide: Callable[[str], str]) -> Iterator[str]:
    yield f"Dialogue with {_endpoint(host)}, begun at {_utc(dialogue.at)} (> ours, < theirs; times in UTC):"
    tls, secured = dialogue.tls, dialogue.tls_at
    for at, sent, text in transcript_lines(tuple(_without_secrets(dialogue.lines))):
        if tls is not None and secured is not None and at >= secured:
            yield f"  {_clock(dialogue.at + secured)} * {tls_line(tls)}"
            tls = None
        yield f"  {_clock(dialogue.at + at)} {'>' if sent else '<'} {hide(text)}"
    if not dialogue.whole:
        yield "  the rest was not stored"


def _without_secrets(lines: Iterable[TranscriptLine]) -> Iterator[TranscriptLine]:
    """The lines without what is sent at a prompt for credentials or for the content of a message."""
    code = b""
    for line in lines:
        if not line.sent:
            code = line.data.rstrip().rpartition(b"\n")[2][:3]
            yield line
        elif code == b"334":
            yield line._replace(data=_HIDDEN)
        elif code == b"354":
            yield line._replace(data=b"(a message, %d bytes)" % len(line.data))
        else:
            yield line._replace(data=_AUTH.sub(rb"\1 " + _HIDDEN, line.data))


def _hiding(auth: Auth | None) -> Callable[[str], str]:
    """Takes the credentials out of a text; a server may repeat them in any reply."""
    if auth is None:
        return lambda text: text
    forms = {part for part in (auth.username, auth.password) if len(part) >= _LEAST_NAME}
    forms |= {b64encode(part.encode()).decode().rstrip("=") for part in (auth.username, auth.password) if part}
    wanted = "|".join(re.escape(printable(form)) for form in sorted(forms, key=len, reverse=True))
    if not wanted:
        return lambda text: text
    pattern = re.compile(wanted, re.IGNORECASE)
    return lambda text: pattern.sub(_HIDDEN_TEXT, text)


def _endpoint(host: HostResult) -> str:
    address = f" [{host.address}]" if host.address and host.address != host.mx else ""
    return f"{printable(host.mx)}{address} port {host.identity.port}"


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S.%f}"[:-3]
