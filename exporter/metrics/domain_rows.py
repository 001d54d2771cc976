"""The series of one target, made from its record. Pure.

Those of a domain, with its name and its configured labels; of a target that is named by its host the configured labels
alone, for the series of hosts are told once (exporter.metrics.host_rows). From one turn to the next most domains differ
in their times and counters alone, which move: then the row is the one of before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.metrics import families as f
from exporter.metrics.columns import Label, Labels, RowWriter, escaped
from exporter.metrics.host_rows import no_changes, reason
from exporter.model.address import Family, family_of
from exporter.model.result import DomainResult, HostIdentity, MxLookup
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.model.zone import NameserverState
from exporter.store.journal import Counts
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW, Row

_FAMILIES: Final = tuple(Family)
# The places of the numbers that move, as :func:`_moving_numbers` reads them.
_PROBES, _FAILURES, _AT, _DURATION, _LOOKUP_SECONDS, _SIGNATURE_ENDS = range(6)


def target_row(
    record: TargetRecord,
    disabled: frozenset[str],
    before: TargetRecord | None = None,
    changes: Callable[[TargetKey], Counts] = no_changes,
) -> Row:
    """The row of a target, which has that of the record `before` so far; None: that is of no use.

    `changes` counts those of the domain.
    """
    now = record.result
    if record.target.kind is not TargetKind.DOMAIN:
        return NO_ROW if now is None or record.target.kind is TargetKind.REFERENCE else _host_labels(record, disabled)
    if (
        before is not None
        and before.result is not None
        and now is not None
        and record.row is not NO_ROW
        and _only_numbers_differ(before.result, now)
    ):
        return record.row
    return _domain(record, disabled, changes(record.target.key))


def _moving_numbers(record: TargetRecord) -> tuple[float, ...]:
    result = record.result
    if result is None:
        return record.probes, record.probe_failures
    lookup = result.lookup
    took = None if lookup is None else lookup.duration
    ends = 0.0 if result.signature is None else result.signature.ends
    return record.probes, record.probe_failures, result.at, result.duration, 0.0 if took is None else took, ends


def _host_labels(record: TargetRecord, disabled: frozenset[str]) -> Row:
    """The configured labels of a target that is named by its host; there without any labels, too."""
    if record.result is None or not record.result.hosts:
        return NO_ROW
    identity = record.result.hosts[0].identity
    configured = record.target.labels
    keys: list[str] = [escaped(identity.mx)]
    labels: list[Label] = [("mx", 0), *_module_and_port(identity)]
    for place, (name, value) in enumerate(configured, 1):
        labels.append((name, place))
        keys.append(escaped(value))
    row = RowWriter(tuple(labels), tuple(keys), disabled)
    row.mark(f.HOST_LABELS)
    return row.row()


def _module_and_port(identity: HostIdentity) -> Labels:
    return (("module", escaped(identity.module)), ("port", str(identity.port)))


def _domain(record: TargetRecord, disabled: frozenset[str], changes: Counts) -> Row:
    target, result = record.target, record.result
    row = RowWriter(*_own_labels(target), disabled, _moving_numbers)
    if result is not None:
        row.number(f.DOMAIN_UP, result.up)
        if result.failure is not None:
            row.mark(f.DOMAIN_FAILURE, reason(result.failure))
        for warning in result.warnings:
            row.mark(f.DOMAIN_WARNING, (("class", warning),))
        _add_hosts(row, target, result)
        row.number(f.DOMAIN_PROBE_INTERVAL, target.settings.interval)
        if result.lookup is not None:
            row.number(f.DNS_MX_RECORDS, result.lookup.mx_records)
            row.number(f.DNS_AUTHENTICATED, result.lookup.authenticated)
            if result.lookup.duration is not None:
                row.moving(f.DNS_LOOKUP_DURATION, _LOOKUP_SECONDS)
        if result.signature is not None:
            row.moving(f.DNS_SIGNATURE_EXPIRY, _SIGNATURE_ENDS)
        _add_policies(row, result)
        row.moving(f.DOMAIN_LAST_PROBE, _AT)
        row.moving(f.DOMAIN_PROBE_DURATION, _DURATION)
    for what, count in changes:
        row.number(f.DOMAIN_CHANGES, count, (("what", what),))
    row.moving(f.DOMAIN_PROBES, _PROBES)
    row.moving(f.DOMAIN_PROBE_FAILURES, _FAILURES)
    return row.row()


def _own_labels(target: Target) -> tuple[Labels, tuple[str, ...]]:
    """The labels of all series of a domain, each a key: many domains have labels of the same names."""
    pairs = (("domain", target.name), *target.labels)
    return tuple((name, place) for place, (name, _) in enumerate(pairs)), tuple(escaped(value) for _, value in pairs)


def _add_hosts(row: RowWriter, target: Target, result: DomainResult) -> None:
    """The MX hosts by name, and their addresses by family."""
    lookup = result.lookup
    if lookup is not None and lookup.hosts:
        identity = result.hosts[0].identity if result.hosts else None
        module = target.settings.module.name if identity is None else identity.module
        port = target.settings.port if identity is None else identity.port
        for mx, preference in _preferences(lookup).items():
            more = (("module", escaped(module)), ("mx", row.key(mx)), ("port", str(port)))
            row.number(f.DOMAIN_MX_PREFERENCE, preference, more)
    for provider in result.providers:
        row.mark(f.DOMAIN_PROVIDER, (("provider", row.key(provider)),))
    up = _up_by_family(result)
    for family, found in result.found or [(family, 0) for family in target.settings.families]:
        row.number(f.DOMAIN_ADDRESSES, found, (("family", family),))
        row.number(f.DOMAIN_ADDRESSES_UP, up[family], (("family", family),))


def _preferences(lookup: MxLookup) -> dict[str, int]:
    """The preference of each MX host, the lower one of a host that is named twice."""
    preferences: dict[str, int] = {}
    for host in lookup.hosts:
        preferences[host.name] = min(host.preference, preferences.get(host.name, host.preference))
    return preferences


def _up_by_family(result: DomainResult) -> dict[Family, int]:
    counts = dict.fromkeys(_FAMILIES, 0)
    for host in result.hosts:
        if host.up and host.address:
            counts[family_of(host.address)] += 1
    return counts


def _add_policies(row: RowWriter, result: DomainResult) -> None:
    mta_sts, tls_rpt = result.mta_sts, result.tls_rpt
    if mta_sts is not None:
        row.mark(f.DOMAIN_MTA_STS_MODE, (("mode", mta_sts.mode),))
        if mta_sts.valid is not None:
            row.number(f.DOMAIN_MTA_STS_VALID, mta_sts.valid)
        if mta_sts.problem is not None:
            row.mark(f.DOMAIN_MTA_STS_FAILURE, (("class", mta_sts.problem),))
    zone = result.zone
    if zone is not None and zone.servers:
        for state in NameserverState:
            row.number(f.DNS_NAMESERVERS, zone.count(state), (("state", state),))
        if zone.ttl is not None:
            row.number(f.DNS_MX_TTL, zone.ttl)
    if tls_rpt is not None and tls_rpt.present is not None:
        row.number(f.DOMAIN_TLS_RPT, tls_rpt.present)
        if tls_rpt.valid is not None:
            row.number(f.DOMAIN_TLS_RPT_VALID, tls_rpt.valid)


def _only_numbers_differ(before: DomainResult, now: DomainResult) -> bool:
    return (
        before.failure == now.failure
        and before.found == now.found
        and before.warnings == now.warnings
        and before.providers == now.providers
        and before.mta_sts == now.mta_sts
        and before.tls_rpt == now.tls_rpt
        and (before.signature is None) is (now.signature is None)
        and (before.zone is now.zone or before.zone == now.zone)
        and _same_hosts(before, now)
        and _same_lookup(before.lookup, now.lookup)
    )


def _same_hosts(before: DomainResult, now: DomainResult) -> bool:
    """The same hosts are up."""
    if before.hosts is now.hosts:
        return True
    if len(before.hosts) != len(now.hosts):
        return False
    for old, new in zip(before.hosts, now.hosts, strict=True):
        if old is not new and (old.identity != new.identity or old.up is not new.up):
            return False
    return True


def _same_lookup(before: MxLookup | None, now: MxLookup | None) -> bool:
    if before is now or before is None or now is None:  # one object serves all turns within a TTL
        return before is now
    return (
        (before.duration is None) is (now.duration is None)
        and before.mx_records == now.mx_records
        and before.authenticated == now.authenticated
        and [(host.name, host.preference) for host in before.hosts]
        == [(host.name, host.preference) for host in now.hosts]
    )
