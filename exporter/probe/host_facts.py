"""The facts and the times of a session, as its result holds them. Pure.

A new fact of a host is written here, once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from exporter.model.failure import PHASES, Stage
from exporter.model.result import HostFacts, HostTimings, TlsResult
from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.smtp.ehlo import EXTENSIONS, Ehlo
from exporter.smtp.reply import Reply
from exporter.smtp.software import software_of

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_BANNER, _RCPT = Stage.BANNER, Stage.RCPT
# Orders of stages: a module has a few.
_MAX_REMEMBERED: Final = 1024
# Stages that are not among the published phases.
_UNPUBLISHED: Final = frozenset(Stage) - set(PHASES)

_Times = tuple[tuple[Stage, float], ...]


def facts_of(record: SessionRecord, ehlo: Ehlo | None, ehlo_tls: Ehlo | None) -> HostFacts:
    """The facts of a session; `ehlo` and `ehlo_tls` are its answers to EHLO, as they are read."""
    latest = ehlo_tls or ehlo
    implicit = record.implicit_tls
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
        tls=tls_of(record.tls) if record.tls is not None else None,
        recipients=_recipients(record) if record.plan is not None and record.plan.recipients else (),
        auth_plaintext=ehlo.mechanisms if ehlo and not implicit else (),
        auth_tls=offered.mechanisms if (offered := ehlo if implicit else ehlo_tls) else (),
        software=software_of(greeting.lines) if (greeting := counting.get(_BANNER)) and greeting.positive else "",
    )


def timings_of(record: SessionRecord) -> HostTimings:
    """The times of a session."""
    phases, waits = _summed(record.phases)
    return HostTimings(
        at=record.at,
        stages=_once(tuple([stage for stage, _ in phases])),
        seconds=tuple([seconds for _, seconds in phases]),
        waits=waits,
        unfinished=record.unfinished,
        tcp_rtt=record.tcp_rtt,
        tls_at=None if record.tls is None else record.tls.at,
        took=record.took,
    )


@lru_cache(maxsize=_MAX_REMEMBERED)
def _once(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """One object for equal stages."""
    return stages


def _summed(phases: _Times) -> tuple[_Times, _Times]:
    """The published phases, and all of them where there are others; each stage once.

    EHLO and the HELO after it, or several recipients, are one stage to wait for.
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
    """The reply that counts for each stage: the last, as HELO's after EHLO's; of several recipients the worst."""
    counting: dict[Stage, Reply] = {}
    for stage, reply in replies:
        if 300 <= reply.code < 400:
            continue  # before the reply after the dot, or that of AUTH
        if stage is not _RCPT or stage not in counting or reply.code > counting[stage].code:
            counting[stage] = reply
    return counting


def _recipients(record: SessionRecord) -> tuple[tuple[str, int], ...]:
    if record.plan is None:
        return ()
    codes = [reply.code for stage, reply in record.replies if stage is _RCPT]
    return tuple(zip(record.plan.recipients, codes, strict=False))


def _extensions(ehlo: Ehlo | None, ehlo_tls: Ehlo | None) -> tuple[str, ...]:
    """All that was announced: STARTTLS is seen only before TLS, AUTH often only after."""
    if ehlo is None or ehlo_tls is None:
        return ehlo.extensions if ehlo else ()
    return tuple(name for name in EXTENSIONS if name in ehlo or name in ehlo_tls)


def tls_of(seen: TlsRecord) -> TlsResult:
    """The handshake and the certificate of a session."""
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
        common_name=trust.common_name,
        chain=trust.chain,
    )
