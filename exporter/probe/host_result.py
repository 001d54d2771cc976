"""From a session's record to the result of one address of one MX host. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exporter.diagnosis.fingerprints import MASKED
from exporter.model.evidence import Evidence
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.result import HostIdentity, HostOutcome, HostResult
from exporter.probe.cpu_cost import COSTLY_SECONDS
from exporter.probe.host_facts import facts_of, timings_of
from exporter.probe.host_warnings import (
    OVERWRITTEN,
    cost_in_words,
    remarks_of,
    warnings_of_failing,
    warnings_of_working,
)
from exporter.probe.session_fingerprint import fingerprint_of, marks_of_words
from exporter.probe.session_outcome import answered_outcome, failure_of_session
from exporter.probe.session_record import SessionRecord
from exporter.smtp.ehlo import parse_ehlo

# RFC 8314 3.3: there the handshake comes first.
_SUBMISSIONS_PORT: Final = 465
_SMTP_PORT: Final = 25
# A port that waits for a handshake sends no greeting, and hangs up in the end.
_WITHOUT_GREETING: Final = frozenset({FailureClass.BANNER_TIMEOUT, FailureClass.BANNER_CLOSED})


def host_result(
    identity: HostIdentity, record: SessionRecord, *, is_alias: bool = False, transcript: bool = False
) -> HostResult:
    """The result of a session with a host; `is_alias`: its MX name is a CNAME, `transcript`: with all that was said."""
    port = identity.port
    failure = _with_hints(failure_of_session(record), port, record)
    ehlo = parse_ehlo(record.ehlo) if record.ehlo is not None else None
    ehlo_tls = parse_ehlo(record.ehlo_tls) if record.ehlo_tls is not None else None
    marks = fingerprint_of(record, ehlo, failure)
    return HostResult(
        identity,
        HostOutcome(
            failure=failure,
            own_failure=failure,
            warnings=warnings_of_failing(record)
            if failure
            else warnings_of_working(record, ehlo, marks, is_alias=is_alias),
            remarks=tuple(remarks_of(record, marks, works=failure is None)),
        ),
        facts_of(record, ehlo, ehlo_tls),
        timings_of(record),
        Evidence(port, record.connect, record.witnesses, None, marks, answered_outcome(record)),
        record.transcript if transcript else (),
    )


def _with_hints(failure: Failure | None, port: int, record: SessionRecord) -> Failure | None:
    """`failure` with further evidence: a handshake that failed before, or one that the port may wait for."""
    if failure is None:
        return None
    hints: list[str] = []
    failed_tls = record.failed_tls
    if failed_tls is not None and failure.failure_class is FailureClass.TLS_REQUIRED:
        # The server demands TLS, and its handshake failed: only other hosts show on which side the fault is.
        failure = replace(failure, confidence=Confidence.LIKELY)
    if failed_tls is not None and failed_tls.untried:
        hints.append(f"a sender would go on without TLS, which is not known to work: {failed_tls.untried}")
    elif failed_tls is not None:
        hints.append(f"before that the TLS handshake failed: the server {failed_tls.detail}")
    if MASKED in marks_of_words(record, None):
        hints.append(OVERWRITTEN)
    if record.cost > COSTLY_SECONDS:
        hints.append(cost_in_words(record.cost, record.at))
    if failure.failure_class in _WITHOUT_GREETING and not (record.spoke or failed_tls or record.implicit_tls):
        if port == _SUBMISSIONS_PORT:
            hints.append(f"port {port} speaks TLS first: set `tls: implicit`")
        elif port != _SMTP_PORT:
            hints.append(f"if port {port} speaks TLS first, set `tls: implicit`")
    return replace(failure, evidence=(*failure.evidence, *hints)) if hints else failure
