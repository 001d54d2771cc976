"""The series of one host, made from its record. Pure.

Runs once per result, not once per scrape. From one session to the next a healthy host differs in its durations alone,
which move: then the row is the one of before. Every other field of a result is compared, a new one too; tests/metrics
holds both ways to the same row, field by field.

A new series of a host is one line: in _NUMBERS where it has the labels of the host alone, in _MARKS where its value is
always 1, else in :func:`_labelled`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from exporter.metrics import families as f
from exporter.metrics.columns import Labels, RowWriter, escaped
from exporter.model.arrival import Arrival
from exporter.model.failure import Failure
from exporter.model.result import HostIdentity, HostResult, HostTimings, TlsResult
from exporter.model.tls_version import VersionState
from exporter.store.hosts import HostRecord
from exporter.store.journal import Counts
from exporter.store.row import NO_ROW, Row

# The places of a host's own labels among its keys, as in HostIdentity.
_MX, _ADDRESS, _DOMAIN = 0, 1, 4
# The places of the numbers that move.
_TCP_RTT, _FIRST_PHASE = 0, 1


def no_changes(_: object) -> Counts:
    """The number of changes, by kind, where none is known."""
    return ()


def host_row(
    record: HostRecord,
    disabled: frozenset[str],
    before: HostRecord | None = None,
    changes: Callable[[HostIdentity], Counts] = no_changes,
) -> Row:
    """The row of a host, which has that of the record `before` so far; None: that is of no use.

    `changes` counts those of its facts, so a row stays where these do.
    """
    result = record.result
    if result is None or record.series == "none" or (record.series == "failing" and result.up):
        return NO_ROW
    if before is not None and before.result is not None and _only_times_differ(before, record, before.result, result):
        return record.row
    return _written(record, result, disabled, changes(record.identity))


def _written(record: HostRecord, result: HostResult, disabled: frozenset[str], changes: Counts) -> Row:
    row = RowWriter(*_own_labels(record.identity), disabled, _moving_numbers)
    for family, value_of in _NUMBERS:
        value = value_of(result)
        if value is not None:
            row.number(family, value)
    if record.domains is not None:
        row.number(f.HOST_DOMAINS, record.domains)
    for failure_class, count in record.failures.items():
        row.number(f.HOST_FAILURES, count, (("class", failure_class),))
    for what, count in changes:
        row.number(f.HOST_CHANGES, count, (("what", what),))
    for family, labels_of in _MARKS:
        for labels in labels_of(result):
            row.mark(family, labels)
    _labelled(row, result)
    _add_times(row, result.timings)
    return row.row()


def _own_labels(identity: HostIdentity) -> tuple[Labels, tuple[object, ...]]:
    """The labels of all series of a host, and their keys: the identity itself, as long as nothing needs an escape."""
    mx, address, port, module, domain = identity
    labels: Labels = (
        ("address", _ADDRESS),
        ("domain", _DOMAIN if domain else ""),
        ("module", escaped(module)),
        ("mx", _MX),
        ("port", str(port)),
    )
    texts = escaped(mx), escaped(address), port, module, escaped(domain)
    return labels, identity if texts == identity else texts


# The series of a host that have its labels alone: the value, or None where there is none.
_NUMBERS: Final[tuple[tuple[f.MetricFamily, Callable[[HostResult], float | None]], ...]] = (
    (f.HOST_UP, lambda host: host.up),
    (f.HOST_ESMTP, lambda host: host.facts.esmtp),
    (f.HOST_SIZE_LIMIT, lambda host: host.facts.size_limit),
    (f.HOST_TLS_NOT_AFTER, lambda host: None if (tls := host.facts.tls) is None else tls.not_after),
    (f.HOST_TLS_NOT_BEFORE, lambda host: None if (tls := host.facts.tls) is None else tls.not_before),
    (f.HOST_TLS_VERIFIED, lambda host: None if (tls := host.facts.tls) is None else tls.verified),
    (f.CANARY_ARRIVAL, lambda host: None if (arrival := host.facts.arrival) is None else arrival.seconds),
    (f.CANARY_LAST_ARRIVAL, lambda host: None if (arrival := host.facts.arrival) is None else arrival.at),
    (f.CANARY_MAILBOX_UP, lambda host: None if (arrival := host.facts.arrival) is None else arrival.problem is None),
)

# The series whose value is 1, with further labels from closed lists.
_MARKS: Final[tuple[tuple[f.MetricFamily, Callable[[HostResult], Iterable[Labels]]], ...]] = (
    (f.HOST_FAILURE, lambda host: () if host.failure is None else (reason(host.failure),)),
    (f.HOST_WARNING, lambda host: [(("class", warning),) for warning in host.outcome.reported_warnings]),
    (f.HOST_EXTENSION, lambda host: [(("keyword", keyword),) for keyword in host.facts.extensions]),
    (f.HOST_AUTH_MECHANISM, lambda host: _auth_mechanisms(host)),
    (f.HOST_TLS_INFO, lambda host: () if host.facts.tls is None else (_tls_info(host.facts.tls),)),
    (f.HOST_DANE_STATE, lambda host: () if (dane := host.facts.dane) is None else ((("state", dane.state),),)),
    (f.CANARY_FOLDER, lambda host: _canary_folder(host.facts.arrival)),
    (f.CANARY_AUTHENTICATION, lambda host: _canary_authentication(host.facts.arrival)),
)


def _labelled(row: RowWriter, result: HostResult) -> None:
    """The series with a label of endless values, each a key of the row, and the reply codes."""
    for stage, code in result.facts.reply_codes:
        row.number(f.HOST_REPLY_CODE, code, (("stage", stage),))
    for stage, status in result.facts.enhanced:
        row.mark(f.HOST_ENHANCED_STATUS, (("stage", stage), ("status", row.key(status))))
    for old in result.facts.old_versions:
        if old.state in (VersionState.ACCEPTED, VersionState.REFUSED):
            accepted = old.state is VersionState.ACCEPTED
            row.number(f.HOST_TLS_OLD_VERSION, accepted, (("version", old.version),))
    if result.outcome.last_hop:
        row.mark(f.PATH_LAST_HOP, (("hop", row.key(result.outcome.last_hop)),))


def reason(failure: Failure) -> Labels:
    """The labels of a failure."""
    return (
        ("class", failure.failure_class),
        ("confidence", failure.confidence),
        ("stage", failure.stage),
        ("verdict", failure.verdict),
    )


def _auth_mechanisms(host: HostResult) -> Iterable[Labels]:
    facts = host.facts
    return [
        (("mechanism", mechanism), ("tls", tls))
        for tls, mechanisms in (("no", facts.auth_plaintext), ("yes", facts.auth_tls))
        for mechanism in mechanisms
    ]


def _canary_folder(arrival: Arrival | None) -> Iterable[Labels]:
    return () if arrival is None or arrival.folder is None else ((("folder", arrival.folder),),)


def _canary_authentication(arrival: Arrival | None) -> Iterable[Labels]:
    results = () if arrival is None else arrival.authentication
    return [(("method", method), ("result", result)) for method, result in results]


def _tls_info(tls: TlsResult) -> Labels:
    """Version and cipher are OpenSSL's names, a closed list as the others are; no text of a certificate is a label."""
    own = tls.chain[0] if tls.chain else None
    return (
        ("cipher", tls.cipher),
        ("key_bits", "" if own is None else own.bits_label),
        ("key_type", "" if own is None else own.key_type),
        ("version", tls.version),
    )


def _add_times(row: RowWriter, timings: HostTimings) -> None:
    """The numbers that differ from one session to the next, placed as :func:`_moving_numbers` has them."""
    for place, phase in enumerate(timings.stages, _FIRST_PHASE):
        row.moving(f.HOST_PHASE_DURATION, place, (("phase", phase),))
    if timings.tcp_rtt is not None:
        row.moving(f.HOST_TCP_RTT, _TCP_RTT)


def _moving_numbers(record: HostRecord) -> tuple[float, ...]:
    if record.result is None:
        return ()
    timings = record.result.timings
    return (timings.tcp_rtt or 0.0, *timings.seconds)


def _only_times_differ(before: HostRecord, now: HostRecord, old: HostResult, new: HostResult) -> bool:
    return (
        before.row is not NO_ROW
        and before.failures is now.failures
        and before.series == now.series
        and before.domains == now.domains
        and (old.facts is new.facts or old.facts == new.facts)
        and (old.outcome is new.outcome or old.outcome == new.outcome)
        and (old.timings.tcp_rtt is None) is (new.timings.tcp_rtt is None)
        and old.timings.stages == new.timings.stages
    )
