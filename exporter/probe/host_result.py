"""A session's record -> the result of one address of one MX host. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.connect_errors import judge_connect, outcome_of
from exporter.diagnosis.fingerprints import MASKED, mark_of_failure, mark_of_issuer, marks
from exporter.diagnosis.problems import judge_farewell, judge_problem
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import PHASES, Confidence, Failure, FailureClass, Stage
from exporter.model.result import HostFacts, HostIdentity, HostOutcome, HostResult, HostTimings, MxHost, TlsResult
from exporter.model.warning import HostWarning
from exporter.probe.cpu_cost import COSTLY_SECONDS, pause_after
from exporter.probe.greeting_name import NAME, greeting
from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.smtp.dialogue import Break
from exporter.smtp.ehlo import EXTENSIONS, Ehlo, parse_ehlo
from exporter.smtp.reply import Reply
from exporter.tls.private_issuer import private_issuer

# A greeting later than this is worth a word, though RFC 5321 4.5.3.2.1 lets a server take five minutes.
BANNER_SLOW_SECONDS: Final = 10.0
# A certificate is renewed when a third of its lifetime is left, be that months or, of six days, two; of the usual month
# half is left to act.
EXPIRES_SOON_SECONDS: Final = 14 * 86400.0
EXPIRES_SOON_SHARE: Final = 1 / 3
# As OpenSSL names what is below TLS 1.2 (RFC 8996).
_OUTDATED: Final = MappingProxyType({"SSLv3": "SSL 3.0", "TLSv1": "TLS 1.0", "TLSv1.1": "TLS 1.1"})
# RFC 8314 3.3: there the handshake comes first.
_SUBMISSIONS_PORT: Final = 465
_SMTP_PORT: Final = 25
# RFC 5321 3.5.3: the user or list exists. 252 says neither yes nor no.
_REVEALING: Final = frozenset({250, 251})

# For what runs for every session: looked up in its Enum, a member takes Python 3.11 twenty times as long.
_BANNER, _RCPT = Stage.BANNER, Stage.RCPT
# How an address that accepts may still give no word.
_WORDLESS: Final = MappingProxyType({Break.TIMEOUT: ConnectOutcome.MUTE, Break.CLOSED: ConnectOutcome.HUNG_UP})
# A port that waits for a handshake greets nobody, and hangs up in the end.
_SILENT_GREETINGS: Final = frozenset({FailureClass.BANNER_TIMEOUT, FailureClass.BANNER_CLOSED})
# Of one host; of many at once it is our own firewall (exporter.diagnosis.fingerprints).
_OVERWRITTEN: Final = "what it says is overwritten with asterisks or X's, as a Cisco inspection (PIX, ASA) does"
# Stages that are not among the published phases.
_UNPUBLISHED: Final = frozenset(Stage) - set(PHASES)

# A PIX overwrites the commands that it does not know, too, and the server behind it wonders.
_MASKED_VERB: Final = re.compile(r"\bXXXX\b")


def host_result(
    host: MxHost, address: str, port: int, record: SessionRecord, *, transcript: bool = False
) -> HostResult:
    """What the session with `port` of `address` showed, seen as an address of `host`; `transcript`: with every word."""
    failure = _with_hints(_failure(record), port, record)
    ehlo = parse_ehlo(record.ehlo) if record.ehlo is not None else None
    ehlo_tls = parse_ehlo(record.ehlo_tls) if record.ehlo_tls is not None else None
    spoken = _marks(record, ehlo, failure)
    return HostResult(
        HostIdentity(host.name, address, host.preference),
        HostOutcome(
            failure=failure,
            own_failure=failure,
            warnings=_always(record) if failure else _warnings(host, record, ehlo, spoken),
            remarks=tuple(_remarks(record, failure, spoken)),
        ),
        _facts(record, ehlo, ehlo_tls),
        _timings(record),
        _evidence(port, record, spoken),
        record.transcript if transcript else (),
    )


def _facts(record: SessionRecord, ehlo: Ehlo | None, ehlo_tls: Ehlo | None) -> HostFacts:
    latest = ehlo_tls or ehlo
    implicit = _implicit(record)
    counting = _counting(record.replies)
    return HostFacts(
        reply_codes=tuple([(stage, reply.code) for stage, reply in counting.items()]),
        enhanced=tuple(
            [
                (stage, status)
                for stage, reply in counting.items()
                if reply.code >= 400 and (status := reply.enhanced) is not None
            ]
        ),
        esmtp=True if ehlo else (False if record.helo_only else None),
        extensions=_extensions(ehlo, ehlo_tls),
        size_limit=latest.size_limit if latest else None,
        tls=_tls(record.tls) if record.tls is not None else None,
        recipients=_recipients(record) if record.plan is not None and record.plan.recipients else (),
        auth_plaintext=ehlo.mechanisms if ehlo and not implicit else (),
        auth_tls=offered.mechanisms if (offered := ehlo if implicit else ehlo_tls) else (),
    )


def _timings(record: SessionRecord) -> HostTimings:
    phases, waits = _summed(record.phases)
    return HostTimings(
        at=record.at,
        phases=phases,
        waits=waits,
        unfinished=record.unfinished,
        tcp_rtt=record.tcp_rtt,
        tls_at=None if record.tls is None else record.tls.at,
    )


def outcome_of_record(record: SessionRecord) -> ConnectOutcome:
    """The way a session ended: how the connect failed, or whether a word came after it."""
    return outcome_of(record.connect) if record.connect is not None else _accepted(record)


def _accepted(record: SessionRecord) -> ConnectOutcome:
    """What came of a connect that was answered."""
    problem = record.problem
    if record.spoke or problem is None or problem.stage is not _BANNER:
        return ConnectOutcome.ANSWERED
    return (
        _WORDLESS.get(problem.broken, ConnectOutcome.ANSWERED)
        if problem.broken is not None
        else ConnectOutcome.ANSWERED
    )


def _evidence(port: int, record: SessionRecord, spoken: tuple[str, ...]) -> Evidence:
    return Evidence(port, record.connect, record.witnesses, None, spoken, _accepted(record))


def speaker(record: SessionRecord) -> tuple[str, ...]:
    """The marks of who answered (exporter.diagnosis.fingerprints)."""
    ehlo = parse_ehlo(record.ehlo) if record.ehlo is not None else None
    return _marks(record, ehlo, _failure(record))


def _marks(record: SessionRecord, ehlo: Ehlo | None, failure: Failure | None) -> tuple[str, ...]:
    if record.connect is not None:
        return ()
    found = _marks_of_words(record, ehlo)
    if record.tls is not None:
        own = record.tls.chain[:1]
        found = (*found, mark_of_issuer(private_issuer(own[0], record.tls.trust) if own else ""))
    if failure is not None and record.spoke and (mark := mark_of_failure(failure, _refusal(record))) is not None:
        found = (*found, mark)
    return found


def _refusal(record: SessionRecord) -> str:
    """What refused, as it was said; "" where nothing did."""
    problem = record.problem
    if problem is None:
        return ""
    return f"{problem.reply.code} {problem.reply.text}" if problem.reply is not None else problem.detail


def _marks_of_words(record: SessionRecord, ehlo: Ehlo | None) -> tuple[str, ...]:
    lines = greeting(record)
    if not lines:
        return ()
    capable = record.ehlo.lines if record.ehlo is not None else ()
    found = marks(lines[0], capable, ehlo)
    if len(lines) > 1 and MASKED not in found and not NAME.match(lines[0]):
        named = next((line for line in lines if NAME.match(line)), lines[0])
        found = marks(named, capable, ehlo)
    if MASKED not in found and any(_MASKED_VERB.search(reply.text) for _, reply in record.refusals):
        return (MASKED, *found)
    return found


def _summed(
    phases: tuple[tuple[Stage, float], ...],
) -> tuple[tuple[tuple[Stage, float], ...], tuple[tuple[Stage, float], ...]]:
    """Each stage once: EHLO and the HELO after it, or several recipients, are one stage to wait for. The published
    ones, and all of them where there are others.
    """
    sums = dict(phases)
    published = _UNPUBLISHED.isdisjoint(sums)
    if published and len(phases) <= len(sums):
        return phases, ()
    sums = dict.fromkeys(sums, 0.0)
    for stage, seconds in phases:
        sums[stage] += seconds
    waits = tuple(sums.items())
    if published:
        return waits, ()
    return tuple([(stage, seconds) for stage, seconds in waits if stage not in _UNPUBLISHED]), waits


def _counting(replies: tuple[tuple[Stage, Reply], ...]) -> dict[Stage, Reply]:
    """The reply that speaks for each stage: the last, as HELO's after EHLO's; of several recipients the worst."""
    counting: dict[Stage, Reply] = {}
    for stage, reply in replies:
        if 300 <= reply.code < 400:
            continue  # on the way to the reply after the dot, or to that of AUTH
        if stage is not _RCPT or stage not in counting or reply.code > counting[stage].code:
            counting[stage] = reply
    return counting


def _recipients(record: SessionRecord) -> tuple[tuple[str, int], ...]:
    if record.plan is None:
        return ()
    codes = [reply.code for stage, reply in record.replies if stage is Stage.RCPT]
    return tuple(zip(record.plan.recipients, codes, strict=False))


def _extensions(ehlo: Ehlo | None, ehlo_tls: Ehlo | None) -> tuple[str, ...]:
    """All that was announced, before TLS or after: STARTTLS is seen only there, AUTH often only here."""
    if ehlo is None or ehlo_tls is None:
        return ehlo.extensions if ehlo else ()
    return tuple(name for name in EXTENSIONS if name in ehlo or name in ehlo_tls)


def _implicit(record: SessionRecord) -> bool:
    return record.plan is not None and record.plan.tls is not None and record.plan.tls.implicit


def _tls(seen: TlsRecord) -> TlsResult:
    handshake, trust = seen.handshake, seen.trust
    return TlsResult(
        version=handshake.version,
        cipher=handshake.cipher,
        verified=trust.verified,
        faults=trust.faults,
        not_before=trust.not_before,
        not_after=trust.not_after,
        subject=trust.subject,
        issuer=trust.issuer,
    )


def _failure(record: SessionRecord) -> Failure | None:
    if record.connect is not None:
        return judge_connect(record.connect)
    if record.problem is not None:
        if record.problem.broken is Break.CERTIFICATE and record.tls is not None:
            return record.tls.trust.faults[0]
        return judge_problem(record.problem, record.refusals)
    if record.replies and record.replies[-1][0] is Stage.QUIT and record.replies[-1][1].code >= 400:
        return judge_farewell(record.replies[-2][0], record.replies[-1][1])
    return None


def _always(record: SessionRecord) -> tuple[HostWarning, ...]:
    """What is worth telling of a host that fails, too."""
    replies = [reply for _, reply in record.replies]
    if record.problem is not None and record.problem.reply is not None:
        replies.append(record.problem.reply)
    found = (HostWarning.CONTRADICTORY_CODES,) if any(reply.contradictory for reply in replies) else ()
    return (*found, HostWarning.COSTLY) if record.cost > COSTLY_SECONDS else found


def cost_in_words(seconds: float, at: float) -> str:
    """What a session of Unix time `at` has cost, and what follows from it."""
    began = f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
    return (
        f"the session of {began} took {seconds:.2f} s of this exporter's CPU, others take 0.005 s: the address is left"
        f" alone for {pause_after(seconds):.0f} s and more after it, and what it showed is told until then"
    )


def _with_hints(failure: Failure | None, port: int, record: SessionRecord) -> Failure | None:
    """`failure` with what else bears on it: the handshake before, or that the port may wait for one."""
    if failure is None:
        return None
    hints: list[str] = []
    failed_tls = record.failed_tls
    if failed_tls is not None and failure.failure_class is FailureClass.TLS_REQUIRED:
        # They demand what came to nothing: with whom it does, and on which side the fault is, others have to tell.
        failure = replace(failure, confidence=Confidence.LIKELY)
    if failed_tls is not None and failed_tls.untried:
        hints.append(f"a sender would go on without TLS, which is not known to work: {failed_tls.untried}")
    elif failed_tls is not None:
        hints.append(f"before that the TLS handshake failed: the server {failed_tls.detail}")
    if MASKED in _marks_of_words(record, None):
        hints.append(_OVERWRITTEN)
    if record.cost > COSTLY_SECONDS:
        hints.append(cost_in_words(record.cost, record.at))
    if failure.failure_class in _SILENT_GREETINGS and not (record.spoke or failed_tls or _implicit(record)):
        if port == _SUBMISSIONS_PORT:
            hints.append(f"port {port} speaks TLS first: set `tls: implicit`")
        elif port != _SMTP_PORT:
            hints.append(f"if port {port} speaks TLS first, set `tls: implicit`")
    return replace(failure, evidence=(*failure.evidence, *hints)) if hints else failure


def _remarks(record: SessionRecord, failure: Failure | None, spoken: tuple[str, ...]) -> Iterator[str]:
    if failure is None and MASKED in spoken:
        yield _OVERWRITTEN
    if record.failed_tls is not None and failure is None:
        yield f"the server {record.failed_tls.detail}: no TLS, which senders do without; a session in the clear works"
    if record.tls is not None and record.tls.trust.remark:
        yield record.tls.trust.remark
    if record.tls is not None and record.tls.handshake.version in _OUTDATED:
        yield f"{_OUTDATED[record.tls.handshake.version]} is the best that it offers, which RFC 8996 gave up in 2021"
    if failure is None and record.cost > COSTLY_SECONDS:
        yield cost_in_words(record.cost, record.at)


def _warnings(
    host: MxHost, record: SessionRecord, ehlo: Ehlo | None, spoken: tuple[str, ...]
) -> tuple[HostWarning, ...]:
    found: list[HostWarning] = []
    if host.is_cname:
        found.append(HostWarning.MX_IS_CNAME)
    if ehlo is not None and "STARTTLS" not in ehlo.extensions and not _implicit(record):
        found.append(HostWarning.STARTTLS_NOT_OFFERED)
    if record.helo_only:
        found.append(HostWarning.HELO_ONLY)
    if any(seconds > BANNER_SLOW_SECONDS for stage, seconds in record.phases if stage is _BANNER):
        found.append(HostWarning.BANNER_SLOW)
    if any(reply.bare_lf for _, reply in record.replies):
        found.append(HostWarning.BARE_LF)
    found += _always(record)
    if MASKED in spoken:
        found.append(HostWarning.MASKED)
    if not record.quit_clean:
        found.append(HostWarning.QUIT_UNCLEAN)
    if record.plan is not None and (record.plan.tls is not None or len(record.plan.steps) > 1):
        found += [warning for warning, present in _beyond_ehlo(record).items() if present]
    return tuple(found)


def _beyond_ehlo(record: SessionRecord) -> dict[HostWarning, bool]:
    """What only a module that goes further can see."""
    faults = record.tls.trust.faults if record.tls is not None else ()
    return {
        HostWarning.STARTTLS_REJECTED: _code(record, Stage.STARTTLS) >= 400,
        **{HostWarning(fault.failure_class.value): True for fault in faults},
        HostWarning.TLS_EXPIRES_SOON: _expires_soon(record),
        HostWarning.TLS_HANDSHAKE: record.failed_tls is not None,
        HostWarning.TLS_OUTDATED: record.tls is not None and record.tls.handshake.version in _OUTDATED,
        HostWarning.VRFY_ENABLED: _code(record, Stage.VRFY) in _REVEALING,
        HostWarning.EXPN_ENABLED: _code(record, Stage.EXPN) in _REVEALING,
    }


def _code(record: SessionRecord, stage: Stage) -> int:
    """What the stage was answered with; 0 where it was not."""
    return next((reply.code for answered, reply in record.replies if answered is stage), 0)


def _expires_soon(record: SessionRecord) -> bool:
    """Whether the end of the path is near, as its lifetime goes; what has ended is told as expired."""
    if record.tls is None:
        return False
    begins, ends = record.tls.trust.not_before, record.tls.trust.not_after
    if begins is None or ends is None:
        return False
    return 0 <= ends - record.at < min(EXPIRES_SOON_SECONDS, EXPIRES_SOON_SHARE * (ends - begins))
