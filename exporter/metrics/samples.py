"""A target's record -> its lines of exposition text, one piece per family. Pure.

Runs once per result, not once per scrape. The lines are what prometheus_client would write, labels in alphabetical
order, built from parts that are escaped once per target or host: sorting and escaping each line anew costs several
times as much (tests/metrics holds both to the same bytes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client.utils import floatToGoString

from exporter.metrics import families as f
from exporter.model.failure import Failure, FailureClass
from exporter.model.result import HostResult, MxLookup, ProbeResult, TlsResult
from exporter.model.target import TargetKind
from exporter.store.targets import Samples, TargetRecord

# The library's own way to write a value: as Go does.
_as_go: Callable[[float], str] = floatToGoString
# Most values are 0, 1 or a reply code: looked up in a quarter of the time.
_WHOLE: Final = {number: _as_go(number) for number in range(1000)}
# Below it Python writes a fraction as Go does.
_GO_DIFFERS: Final = 1e6
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def written(value: float) -> str:
    """A value as exposition text."""
    whole = _WHOLE.get(value)  # type: ignore[call-overload]  # 1.0 is found as 1
    if whole is not None:
        return whole  # type: ignore[no-any-return]
    return repr(value) if type(value) is float and 0.0 < value < _GO_DIFFERS else _as_go(value)


def render(record: TargetRecord) -> Samples:
    """The samples of a target, aligned with FAMILIES."""
    pages = [_Page()]
    domain = ""
    if record.target.kind is TargetKind.DOMAIN:
        domain = record.target.name
        _domain(pages[0], record)
    for number, host in enumerate(record.result.hosts if record.result is not None else ()):
        if number:
            pages.append(_Page())
        counts = record.host_failures.get((host.mx, host.address), {})
        _host(pages[-1], domain, host, counts)
    return _joined(pages)


class _Page:
    """Lines by family: those of one host, for a text that grows by a line is copied, and hosts there may be many."""

    def __init__(self) -> None:
        self.lines = [""] * len(f.FAMILIES)

    def add(self, family: f.MetricFamily, labels: str, value: float) -> None:
        self.lines[f.PLACE[family]] += f"{family.name}{{{labels}}} {written(value)}\n"


def _joined(pages: list[_Page]) -> Samples:
    if len(pages) == 1:
        return tuple([lines.encode() for lines in pages[0].lines])
    return tuple(["".join(lines).encode() for lines in zip(*[page.lines for page in pages], strict=True)])


def _domain(page: _Page, record: TargetRecord) -> None:
    identity = (("domain", record.target.name), *record.target.labels)
    labels = _labels(identity)
    page.add(f.DOMAIN_PROBES, labels, record.probes)
    page.add(f.DOMAIN_PROBE_FAILURES, labels, record.probe_failures)
    result = record.result
    if result is None:
        return
    page.add(f.DOMAIN_UP, labels, result.up)
    if result.failure is not None:
        page.add(f.DOMAIN_FAILURE, _labels((*identity, *_reason(result.failure))), 1)
    page.add(f.DOMAIN_ADDRESSES, labels, result.addresses)
    page.add(f.DOMAIN_ADDRESSES_UP, labels, result.addresses_up)
    page.add(f.DOMAIN_LAST_PROBE, labels, result.at)
    page.add(f.DOMAIN_PROBE_INTERVAL, labels, record.target.settings.interval)
    page.add(f.DOMAIN_PROBE_DURATION, labels, result.duration)
    if result.lookup is not None:
        _dns(page, labels, result.lookup)
    _policies(page, identity, result)


def _dns(page: _Page, labels: str, lookup: MxLookup) -> None:
    if lookup.duration is not None:
        page.add(f.DNS_LOOKUP_DURATION, labels, lookup.duration)
    page.add(f.DNS_MX_RECORDS, labels, lookup.mx_records)
    page.add(f.DNS_AUTHENTICATED, labels, lookup.authenticated)


def _policies(page: _Page, identity: tuple[tuple[str, str], ...], result: ProbeResult) -> None:
    labels = _labels(identity)
    mta_sts, tls_rpt = result.mta_sts, result.tls_rpt
    if mta_sts is not None:
        page.add(f.DOMAIN_MTA_STS_MODE, _labels((*identity, ("mode", mta_sts.mode))), 1)
        if mta_sts.valid is not None:
            page.add(f.DOMAIN_MTA_STS_VALID, labels, mta_sts.valid)
        if mta_sts.problem is not None:
            page.add(f.DOMAIN_MTA_STS_FAILURE, _labels((*identity, ("class", mta_sts.problem))), 1)
    if tls_rpt is not None and tls_rpt.present is not None:
        page.add(f.DOMAIN_TLS_RPT, labels, tls_rpt.present)
        if tls_rpt.valid is not None:
            page.add(f.DOMAIN_TLS_RPT_VALID, labels, tls_rpt.valid)


def _host(page: _Page, domain: str, host: HostResult, counts: dict[FailureClass, int]) -> None:
    # address < class < confidence < domain < keyword < mx < phase, stage, status, verdict
    address, domain, mx = f'address="{_escaped(host.address)}"', f'domain="{domain}"', f'mx="{_escaped(host.mx)}"'
    labels = f"{address},{domain},{mx}"
    page.add(f.HOST_UP, labels, host.up)
    if host.failure is not None:
        reason = host.failure
        page.add(
            f.HOST_FAILURE,
            f'{address},class="{reason.failure_class}",confidence="{reason.confidence}",{domain},{mx}'
            f',stage="{reason.stage}",verdict="{reason.verdict}"',
            1,
        )
    for warning in host.outcome.reported_warnings:
        page.add(f.HOST_WARNING, f'{address},class="{warning}",{domain},{mx}', 1)
    for failure_class, count in counts.items():
        page.add(f.HOST_FAILURES, f'{address},class="{failure_class}",{domain},{mx}', count)
    if host.identity.preference is not None:
        page.add(f.HOST_PREFERENCE, labels, host.identity.preference)
    for stage, code in host.facts.reply_codes:
        page.add(f.HOST_REPLY_CODE, f'{labels},stage="{stage}"', code)
    for stage, status in host.facts.enhanced:
        page.add(f.HOST_ENHANCED_STATUS, f'{labels},stage="{stage}",status="{status}"', 1)
    for phase, seconds in host.timings.phases:
        page.add(f.HOST_PHASE_DURATION, f'{labels},phase="{phase}"', seconds)
    if host.timings.tcp_rtt is not None:
        page.add(f.HOST_TCP_RTT, labels, host.timings.tcp_rtt)
    if host.facts.esmtp is not None:
        page.add(f.HOST_ESMTP, labels, host.facts.esmtp)
    for keyword in host.facts.extensions:
        page.add(f.HOST_EXTENSION, f'{address},{domain},keyword="{keyword}",{mx}', 1)
    if host.facts.size_limit is not None:
        page.add(f.HOST_SIZE_LIMIT, labels, host.facts.size_limit)
    for tls, mechanisms in (("no", host.facts.auth_plaintext), ("yes", host.facts.auth_tls)):
        for mechanism in mechanisms:
            page.add(f.HOST_AUTH_MECHANISM, f'{address},{domain},mechanism="{mechanism}",{mx},tls="{tls}"', 1)
    if host.facts.tls is not None:
        _tls(page, (address, domain, mx), host.facts.tls)
    if host.outcome.last_hop:
        page.add(f.PATH_LAST_HOP, f'{address},{domain},hop="{_escaped(host.outcome.last_hop)}",{mx}', 1)
    if host.facts.dane is not None:
        page.add(f.HOST_DANE_STATE, f'{labels},state="{host.facts.dane.state}"', 1)
    if host.facts.mta_sts_match is not None:
        page.add(f.HOST_MTA_STS_MATCH, labels, host.facts.mta_sts_match)


def _tls(page: _Page, identity: tuple[str, str, str], tls: TlsResult) -> None:
    """Version and cipher are OpenSSL's names, so a closed list of its own; no word of a certificate is a label."""
    address, domain, mx = identity
    labels = f"{address},{domain},{mx}"
    page.add(f.HOST_TLS_INFO, f'{address},cipher="{tls.cipher}",{domain},{mx},version="{tls.version}"', 1)
    if tls.not_after is not None:
        page.add(f.HOST_TLS_NOT_AFTER, labels, tls.not_after)
    if tls.not_before is not None:
        page.add(f.HOST_TLS_NOT_BEFORE, labels, tls.not_before)
    page.add(f.HOST_TLS_VERIFIED, labels, tls.verified)


def _reason(failure: Failure) -> tuple[tuple[str, str], ...]:
    return (
        ("class", failure.failure_class),
        ("confidence", failure.confidence),
        ("stage", failure.stage),
        ("verdict", failure.verdict),
    )


def _labels(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(pairs))


def _escaped(value: str) -> str:
    return value.translate(_ESCAPES)
