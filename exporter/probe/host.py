"""A session's record -> the result of one address of one MX host. Pure."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.connect import judge_connect
from exporter.diagnosis.conversation import judge_problem
from exporter.diagnosis.speakers import marks
from exporter.evidence import Evidence
from exporter.probe.session import SessionRecord
from exporter.result import Failure, HostResult, HostWarning, MxHost, Stage
from exporter.smtp.ehlo import Ehlo, parse_ehlo

# A greeting later than this is worth a word, though RFC 5321 4.5.3.2.1 lets a server take five minutes.
BANNER_SLOW_SECONDS: Final = 10.0

# RFC 5321 4.2: the greeting begins with the server's domain; a name worth looking up has a dot and plain letters.
_NAME: Final = re.compile(
    rb"(?=.{4,253}(?:\s|$))((?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z][A-Z0-9-]{0,61}[A-Z0-9])\.?(?:\s|$)",
    re.IGNORECASE,
)


def host_result(host: MxHost, preference: int | None, address: str, port: int, record: SessionRecord) -> HostResult:
    """What the session with `port` of `address` showed, seen as an address of `host`."""
    failure = _failure(record)
    ehlo = parse_ehlo(record.ehlo) if record.ehlo is not None else None
    evidence = Evidence(port, record.connect, record.witnesses, speaker=speaker(record))
    return HostResult(
        mx=host.name,
        address=address,
        preference=preference,
        failure=failure,
        warnings=() if failure else _warnings(host, record, ehlo),
        phases=_summed(record.phases),
        # The last code of a stage counts: HELO's after EHLO's.
        reply_codes=tuple({stage: reply.code for stage, reply in record.replies}.items()),
        enhanced=tuple(
            {
                stage: reply.enhanced
                for stage, reply in record.replies
                if reply.code >= 400 and reply.enhanced is not None
            }.items()
        ),
        tcp_rtt=record.tcp_rtt,
        esmtp=True if ehlo else (False if record.helo_only else None),
        extensions=ehlo.extensions if ehlo else (),
        size_limit=ehlo.size_limit if ehlo else None,
        transcript=record.transcript,
        at=record.at,
        own_failure=failure,
        evidence=evidence,
    )


def speaker(record: SessionRecord) -> tuple[str, ...]:
    """The marks of who answered (exporter.diagnosis.speakers)."""
    greeting = next((reply.lines[0] for stage, reply in record.replies if stage is Stage.BANNER), None)
    if greeting is None:
        return ()
    ehlo = record.ehlo
    return marks(greeting, (), None) if ehlo is None else marks(greeting, ehlo.lines, parse_ehlo(ehlo))


def greeting_name(record: SessionRecord) -> str | None:
    """The host name the server greets with, lower case, if it is one that can be looked up."""
    for stage, reply in record.replies:
        if stage is Stage.BANNER and (found := _NAME.match(reply.lines[0])):
            return found[1].decode("ascii").lower()
    return None


def _summed(phases: tuple[tuple[Stage, float], ...]) -> tuple[tuple[Stage, float], ...]:
    """Each stage once: EHLO and the HELO after it, or several recipients, are one stage to wait for."""
    if len(phases) <= len(sums := dict(phases)):
        return phases
    sums = dict.fromkeys(sums, 0.0)
    for stage, seconds in phases:
        sums[stage] += seconds
    return tuple(sums.items())


def _failure(record: SessionRecord) -> Failure | None:
    if record.connect is not None:
        return judge_connect(record.connect)
    if record.problem is not None:
        return judge_problem(record.problem, record.ehlo_refusal)
    return None


def _warnings(host: MxHost, record: SessionRecord, ehlo: Ehlo | None) -> tuple[HostWarning, ...]:
    found = {
        HostWarning.MX_IS_CNAME: host.is_cname,
        HostWarning.STARTTLS_NOT_OFFERED: ehlo is not None and "STARTTLS" not in ehlo,
        HostWarning.HELO_ONLY: record.helo_only,
        HostWarning.BANNER_SLOW: dict(record.phases).get(Stage.BANNER, 0.0) > BANNER_SLOW_SECONDS,
        HostWarning.BARE_LF: any(reply.bare_lf for _, reply in record.replies),
        HostWarning.QUIT_UNCLEAN: not record.quit_clean,
    }
    return tuple(warning for warning, present in found.items() if present)
