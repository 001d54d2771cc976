"""The exposition text of one target, one piece per metric family, made from its record. Pure.

Runs once per result, not once per scrape. The lines are those that prometheus_client would write, labels in
alphabetical order, built from parts that are escaped once per target or host: sorting and escaping each line anew costs
several times as much (tests/metrics compares both byte by byte).

A new series of a host is one row: in _VALUES where it has the labels of the host alone, else in _LABELLED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from prometheus_client.utils import floatToGoString

from exporter.metrics import families as f
from exporter.model.failure import Failure, FailureClass
from exporter.model.result import HostResult, MxLookup, ProbeResult
from exporter.model.target import TargetKind
from exporter.store.record import Samples, TargetRecord

# The library's own way to write a value: as Go does.
_as_go: Callable[[float], str] = floatToGoString
# Most values are 0, 1 or a reply code: looked up in a quarter of the time.
_WHOLE: Final = {number: _as_go(number) for number in range(1000)}
# Below it Python writes a fraction as Go does.
_GO_DIFFERS: Final = 1e6
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def value_text(value: float) -> str:
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
        _host(pages[-1], _HostLabels.of(domain, host), host, counts)
    return _joined(pages)


class _Page:
    """The lines of one host by family: appending to a text copies it, and a target may have many hosts."""

    def __init__(self) -> None:
        self.lines = [""] * len(f.FAMILIES)

    def add(self, family: f.MetricFamily, labels: str, value: float) -> None:
        self.lines[f.PLACE[family]] += f"{family.name}{{{labels}}} {value_text(value)}\n"


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
    mta_sts, tls_rpt = result.mta_sts, result.tls_rpt
    if mta_sts is None and tls_rpt is None:
        return
    labels = _labels(identity)
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


class _HostLabels(NamedTuple):
    """The labels of a host as text, one by one and together.

    A row puts further labels between them in alphabetical order: address < cipher, class, confidence < domain < hop,
    keyword, mechanism < mx < phase, stage, state, status, tls, verdict, version.
    """

    address: str
    domain: str
    mx: str
    all: str

    @classmethod
    def of(cls, domain: str, host: HostResult) -> _HostLabels:
        """The labels of a host; `domain` is empty for a target that is named by its host."""
        address, domain, mx = f'address="{_escaped(host.address)}"', f'domain="{domain}"', f'mx="{_escaped(host.mx)}"'
        return cls(address, domain, mx, f"{address},{domain},{mx}")


# Labels and value of each sample.
_Labelled = Iterable[tuple[str, float]]


def _failure(at: _HostLabels, host: HostResult) -> _Labelled:
    if host.failure is None:
        return ()
    reason = host.failure
    before = f'{at.address},class="{reason.failure_class}",confidence="{reason.confidence}",{at.domain},{at.mx}'
    return ((f'{before},stage="{reason.stage}",verdict="{reason.verdict}"', 1),)


def _auth_mechanisms(at: _HostLabels, host: HostResult) -> _Labelled:
    facts = host.facts
    if not facts.auth_plaintext and not facts.auth_tls:
        return ()
    return [
        (f'{at.address},{at.domain},mechanism="{mechanism}",{at.mx},tls="{tls}"', 1)
        for tls, mechanisms in (("no", facts.auth_plaintext), ("yes", facts.auth_tls))
        for mechanism in mechanisms
    ]


def _tls_info(at: _HostLabels, host: HostResult) -> _Labelled:
    """Version and cipher are OpenSSL's names, a closed list; no text of a certificate is a label."""
    tls = host.facts.tls
    if tls is None:
        return ()
    return ((f'{at.address},cipher="{tls.cipher}",{at.domain},{at.mx},version="{tls.version}"', 1),)


def _last_hop(at: _HostLabels, host: HostResult) -> _Labelled:
    hop = host.outcome.last_hop
    return ((f'{at.address},{at.domain},hop="{_escaped(hop)}",{at.mx}', 1),) if hop else ()


# The series of a host that have its labels alone: the value, or None where there is none.
_VALUES: Final[tuple[tuple[f.MetricFamily, Callable[[HostResult], float | None]], ...]] = (
    (f.HOST_UP, lambda host: host.up),
    (f.HOST_PREFERENCE, lambda host: host.identity.preference),
    (f.HOST_TCP_RTT, lambda host: host.timings.tcp_rtt),
    (f.HOST_ESMTP, lambda host: host.facts.esmtp),
    (f.HOST_SIZE_LIMIT, lambda host: host.facts.size_limit),
    (f.HOST_TLS_NOT_AFTER, lambda host: None if (tls := host.facts.tls) is None else tls.not_after),
    (f.HOST_TLS_NOT_BEFORE, lambda host: None if (tls := host.facts.tls) is None else tls.not_before),
    (f.HOST_TLS_VERIFIED, lambda host: None if (tls := host.facts.tls) is None else tls.verified),
    (f.HOST_MTA_STS_MATCH, lambda host: host.facts.mta_sts_match),
)

# The series of a host that have further labels.
_LABELLED: Final[tuple[tuple[f.MetricFamily, Callable[[_HostLabels, HostResult], _Labelled]], ...]] = (
    (f.HOST_FAILURE, _failure),
    (
        f.HOST_WARNING,
        lambda at, host: [
            (f'{at.address},class="{warning}",{at.domain},{at.mx}', 1) for warning in host.outcome.reported_warnings
        ],
    ),
    (
        f.HOST_REPLY_CODE,
        lambda at, host: [(f'{at.all},stage="{stage}"', code) for stage, code in host.facts.reply_codes],
    ),
    (
        f.HOST_ENHANCED_STATUS,
        lambda at, host: [(f'{at.all},stage="{stage}",status="{status}"', 1) for stage, status in host.facts.enhanced],
    ),
    (
        f.HOST_PHASE_DURATION,
        lambda at, host: [(f'{at.all},phase="{phase}"', seconds) for phase, seconds in host.timings.phases],
    ),
    (
        f.HOST_EXTENSION,
        lambda at, host: [
            (f'{at.address},{at.domain},keyword="{keyword}",{at.mx}', 1) for keyword in host.facts.extensions
        ],
    ),
    (f.HOST_AUTH_MECHANISM, _auth_mechanisms),
    (f.HOST_TLS_INFO, _tls_info),
    (f.PATH_LAST_HOP, _last_hop),
    (
        f.HOST_DANE_STATE,
        lambda at, host: [(f'{at.all},state="{dane.state}"', 1)] if (dane := host.facts.dane) is not None else (),
    ),
)


# The rows with the place of the family looked up once: a third of the time of a host's lines.
_PLACED_VALUES: Final = tuple((f.PLACE[family], family.name, value_of) for family, value_of in _VALUES)
_PLACED_LABELLED: Final = tuple((f.PLACE[family], family.name, samples_of) for family, samples_of in _LABELLED)


def _host(page: _Page, labels: _HostLabels, host: HostResult, counts: Mapping[FailureClass, int]) -> None:
    lines, own = page.lines, labels.all
    for place, name, value_of in _PLACED_VALUES:
        value = value_of(host)
        if value is not None:
            lines[place] += f"{name}{{{own}}} {value_text(value)}\n"
    for place, name, samples_of in _PLACED_LABELLED:
        for text, number in samples_of(labels, host):
            lines[place] += f"{name}{{{text}}} {value_text(number)}\n"
    for failure_class, count in counts.items():
        page.add(f.HOST_FAILURES, f'{labels.address},class="{failure_class}",{labels.domain},{labels.mx}', count)


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
