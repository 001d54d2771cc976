"""A result as plain data, under the names of the metrics: docs/reference/probe.schema.json describes it.

Durations have microseconds, times milliseconds: more digits would be noise.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from exporter.model.address import family_of
from exporter.model.arrival import Arrival
from exporter.model.certificate import SentCertificate
from exporter.model.failure import Failure
from exporter.model.policy import Dane, MtaSts
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult, TlsResult
from exporter.model.zone import MxZone, Nameserver
from exporter.report.local_state import LocalState, local_state_lines
from exporter.report.summary import summarise
from exporter.report.transcript import transcript_lines

UP: Final = "up"


def local_state_json(local: LocalState) -> dict[str, Any]:
    """Our own side as plain data: the state of each part, and how many names it hides."""
    parts: dict[str, Any] = {
        each.part: {
            "state": each.state,
            "confidence": each.confidence,
            "since_timestamp_seconds": _time(each.since or None),
        }
        for each in local.states
    }
    return {**parts, "hidden_targets": local.hidden, "summary": " ".join(local_state_lines(local))}


def as_json(name: str, result: DomainResult, *, helo: str = "", port: int = 25) -> dict[str, Any]:
    """A result as plain data; the names are those of the metrics. `port` and `helo` as in :func:`summarise`."""
    summary = summarise(name, result, helo=helo, port=port)
    path = (summary.path,) if summary.path else ()
    return {
        "name": name,
        "up": result.up,
        "verdict": UP if result.failure is None else result.failure.verdict,
        "summary": summary.summary,
        "evidence": [*summary.evidence, *path],
        "next": summary.next,
        "section": summary.section,
        "failure": _failure_json(result.failure),
        "timestamp_seconds": _time(result.at),
        "duration_seconds": _duration(result.duration),
        "warnings": list(result.warnings),
        "providers": list(result.providers),
        "addresses": result.addresses,
        "addresses_up": result.addresses_up,
        "addresses_by_family": _by_family_json(result),
        "dns": _dns_json(result),
        "mta_sts": _mta_sts_json(result.mta_sts),
        "tls_rpt": None
        if result.tls_rpt is None
        else {
            "present": result.tls_rpt.present,
            "valid": result.tls_rpt.valid,
            "detail": result.tls_rpt.detail,
            "rua": list(result.tls_rpt.rua),
        },
        "zone": _zone_json(result.zone),
        "hosts": [_host_json(host, result) for host in result.hosts],
    }


def _dns_json(result: DomainResult) -> dict[str, Any] | None:
    lookup, differences = result.lookup, result.mx_differences
    if lookup is None:
        return None
    return {
        "duration_seconds": _duration(lookup.duration),
        "mx_records": lookup.mx_records,
        "authenticated": lookup.authenticated,
        "signature_expiry_timestamp_seconds": None if result.signature is None else _time(result.signature.ends),
        "signature_of": "" if result.signature is None else printable(result.signature.of),
        "unexpected": list(differences.unexpected),
        "missing": list(differences.missing),
        "failure": _failure_json(lookup.failure),
    }


def _duration(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def _time(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


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


def _zone_json(zone: MxZone | None) -> dict[str, Any] | None:
    if zone is None:
        return None
    return {
        "name": printable(zone.name),
        "detail": printable(zone.detail),
        "mx_ttl_seconds": zone.ttl,
        "hidden_until_timestamp_seconds": _time(zone.hidden_until or None),
        "asked_timestamp_seconds": _time(zone.at or None),
        "more": zone.more,
        "nameservers": [_nameserver_json(server) for server in zone.servers],
    }


def _nameserver_json(server: Nameserver) -> dict[str, Any]:
    return {
        "name": printable(server.name) or ".",
        "address": server.address,
        "state": server.state,
        "detail": server.detail,
        "mx": None
        if server.mx is None
        else [{"preference": preference, "mx": printable(host)} for preference, host in server.mx],
        "more_mx": server.more_mx,
        "mx_ttl_seconds": server.ttl,
    }


def _by_family_json(result: DomainResult) -> dict[str, dict[str, int]]:
    """The addresses of each family that were found, probed or not, and those of them that are up."""
    up = Counter(family_of(host.address) for host in result.hosts if host.up and host.address)
    return {family.value: {"found": found, "up": up[family]} for family, found in result.found}


def _failure_json(failure: Failure | None) -> dict[str, str | list[str]] | None:
    if failure is None:
        return None
    return {
        "stage": failure.stage,
        "class": failure.failure_class,
        "verdict": failure.verdict,
        "confidence": failure.confidence,
        "detail": failure.detail,
        "evidence": list(failure.evidence),
        "about": failure.about,
    }


def _witnesses_json(host: HostResult) -> dict[str, str]:
    """The outcomes of other ports, by port; JSON has no number for a key."""
    return {} if host.evidence is None else {str(witness.port): witness.outcome for witness in host.evidence.witnesses}


def _dane_json(dane: Dane | None) -> dict[str, Any] | None:
    return None if dane is None else {"state": dane.state, "records": list(dane.records), "detail": dane.detail}


def _canary_json(arrival: Arrival | None) -> dict[str, Any] | None:
    if arrival is None:
        return None
    return {
        "folder": arrival.folder,
        "arrival_seconds": _duration(arrival.seconds),
        "late": arrival.is_late,
        "last_arrival_timestamp_seconds": _time(arrival.at),
        "authentication": dict(arrival.authentication),
        "missing": arrival.missing,
        "mailbox_problem": arrival.problem,
        "awaited_since_timestamp_seconds": _time(arrival.awaited_since),
    }


def _tls_json(tls: TlsResult | None) -> dict[str, Any] | None:
    if tls is None:
        return None
    return {
        "version": tls.version,
        "cipher": tls.cipher,
        "verified": tls.verified,
        "faults": [_failure_json(fault) for fault in tls.faults],
        "not_before_timestamp_seconds": _time(tls.not_before),
        "not_after_timestamp_seconds": _time(tls.not_after),
        "subject": tls.subject,
        "issuer": tls.issuer,
        "chain": [_certificate_json(each) for each in tls.chain],
    }


def _certificate_json(certificate: SentCertificate) -> dict[str, Any]:
    return {
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "not_before_timestamp_seconds": _time(certificate.not_before),
        "not_after_timestamp_seconds": _time(certificate.not_after),
        "sha256": certificate.digest,
        "key_sha256": certificate.key_digest,
        "key_type": certificate.key_type,
        "key_bits": certificate.key_bits,
    }


def _host_json(host: HostResult, result: DomainResult) -> dict[str, Any]:
    timings = host.timings
    return {
        "mx": host.mx,
        "address": host.address,
        "port": host.identity.port,
        "module": host.identity.module,
        "preference": result.preference_of(host.mx),
        "up": host.up,
        "failure": _failure_json(host.failure),
        "warnings": list(host.outcome.reported_warnings),
        "last_hop": host.outcome.last_hop,
        "witnesses": _witnesses_json(host),
        "reply_codes": dict(host.facts.reply_codes),
        "enhanced_status": dict(host.facts.enhanced),
        "phase_duration_seconds": {stage: _duration(each) for stage, each in timings.waits or timings.phases},
        "unfinished": None
        if timings.unfinished is None
        else {"stage": timings.unfinished[0], "seconds": _duration(timings.unfinished[1])},
        "tcp_rtt_seconds": _duration(timings.tcp_rtt),
        "esmtp": host.facts.esmtp,
        "extensions": list(host.facts.extensions),
        "size_limit_bytes": host.facts.size_limit,
        "auth_mechanisms": {"plaintext": list(host.facts.auth_plaintext), "tls": list(host.facts.auth_tls)},
        "recipients": [{"recipient": recipient, "code": code} for recipient, code in host.facts.recipients],
        "tls": _tls_json(host.facts.tls),
        "remarks": list(host.outcome.remarks),
        "dane": _dane_json(host.facts.dane),
        "old_tls_versions": [
            {"version": each.version, "state": each.state, "detail": printable(each.detail)}
            for each in host.facts.old_versions
        ],
        "canary": _canary_json(host.facts.arrival),
        "dialogue": [
            {"seconds": _duration(at), "from": "client" if sent else "server", "text": text}
            for at, sent, text in transcript_lines(host.transcript)
        ],
    }
