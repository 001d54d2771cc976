"""The content of the page of a target about each of its hosts, as plain values for the template.

Texts of remote servers are escaped for display here; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import MappingProxyType
from typing import Final

from markupsafe import Markup

from exporter.diagnosis.catalogue import CATALOGUE
from exporter.model.certificate import SentCertificate, fingerprint_text
from exporter.model.failure import Failure, Stage
from exporter.model.path_trace import PathTrace
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostIdentity, HostResult, TlsResult
from exporter.report.host_evidence import further_path, host_evidence, is_mentioned
from exporter.report.path_summary import path_summary as summary_of
from exporter.report.summary import Summary, deciding_host
from exporter.report.transcript import arrival_lines, dane_lines, version_lines
from exporter.report.warning_text import host_sentence
from exporter.web.pages.charts import SessionBar, comparison, hop_text, path_chart, waterfall
from exporter.web.pages.target_row import phases_of
from exporter.web.pages.times import duration

# Addresses in one picture.
MAX_COMPARED: Final = 24
_NOBODY: Final[Mapping[HostIdentity, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FailureView:
    """A failure in words."""

    failure_class: str
    stage: str
    verdict: str
    confidence: str
    ground: str  # the evidence for the confidence
    detail: str


@dataclass(frozen=True, slots=True)
class WarningView:
    """A warning and its sentence."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class CertificateView:
    """One certificate of a chain. Times are Unix times."""

    subject: str
    issuer: str
    not_before: float
    not_after: float
    key: str  # its kind and size
    digest: str
    key_digest: str


@dataclass(frozen=True, slots=True)
class TlsView:
    """The certificate of a server and the TLS handshake. Times are Unix times."""

    version: str
    cipher: str
    verified: bool
    subject: str
    issuer: str
    not_before: float | None
    not_after: float | None
    faults: tuple[FailureView, ...]
    chain: tuple[CertificateView, ...]  # as sent, the server's own first


@dataclass(frozen=True, slots=True)
class PathView:
    """A traced path: its chart, its summary, and the hops as (number, of the port, of the other port)."""

    chart: Markup
    summary: str
    port: int
    against: int | None
    hops: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class HostView:
    """One address of one MX host."""

    mx: str
    address: str
    preference: int | None  # of the domain whose page it is on
    shared: int  # the domains behind it; 0: this page is about all of them, or about the only one
    state: str
    confidence: str
    failure: FailureView | None  # None too for the host that the verdict of the target already describes
    evidence: tuple[str, ...]
    warnings: tuple[WarningView, ...]
    waterfall: Markup
    facts: tuple[tuple[str, str], ...]  # name and value
    extensions: tuple[str, ...]
    tls: TlsView | None
    dane: tuple[str, ...]
    old_versions: tuple[str, ...]
    arrival: tuple[str, ...]
    path: PathView | None
    at: float


def failure_view(failure: Failure | None) -> FailureView | None:
    """A failure in words; None where there is none."""
    if failure is None:
        return None
    return FailureView(
        failure_class=failure.failure_class.value,
        stage=failure.stage.value,
        verdict=failure.verdict.value,
        confidence=failure.confidence.value,
        ground=CATALOGUE[failure.failure_class].ground(failure.confidence),
        detail=printable(failure.detail),
    )


def host_views(
    result: DomainResult | None, concluded: Summary, sharing: Mapping[HostIdentity, int] = _NOBODY
) -> tuple[HostView, ...]:
    """All hosts of a target, in its order; the content of the summary `concluded` is not repeated.

    `sharing`: the number of domains behind each host.
    """
    if result is None:
        return ()
    scale = _scale(result.hosts)
    described = deciding_host(result)
    views = []
    for host in result.hosts:
        is_described = described is not None and host.identity == described.identity
        view = _host(host, scale, concluded if is_described else None)
        domains = sharing.get(host.identity, 0)
        # A domain is behind its own hosts itself; a host of the configuration is no domain.
        shared = domains if domains > (result.lookup is not None) else 0
        views.append(replace(view, preference=result.preference_of(host.mx), shared=shared))
    return tuple(views)


def compared(result: DomainResult | None) -> Markup:
    """The phases of a target's hosts on one scale; empty with fewer than two."""
    hosts = result.hosts[:MAX_COMPARED] if result is not None else ()
    return comparison(
        [
            SessionBar(
                printable(host.mx if host.mx == host.address else f"{host.mx} {host.address}"),
                phases,
                None if host.failure is None else host.failure.stage,
            )
            for host in hosts
            if (phases := phases_of(host))
        ]
    )


def host_views_alone(hosts: Sequence[HostResult]) -> tuple[HostView, ...]:
    """Hosts on a page of their own, without a target."""
    scale = _scale(hosts)
    return tuple(_host(host, scale, None) for host in hosts)


def _scale(hosts: Sequence[HostResult]) -> float:
    """One scale for all waterfalls of a page, so that they can be compared."""
    return max((sum(seconds for _, seconds in phases_of(host)) for host in hosts), default=0.0)


def _host(host: HostResult, scale: float, concluded: Summary | None) -> HostView:
    path = host.evidence.path if host.evidence is not None else None
    failure = host.failure
    reported = "" if failure is None else " ".join((failure.detail, *failure.evidence))
    evidence = [*map(printable, failure.evidence)] if failure is not None else []
    evidence += [text for text, mark in host_evidence(host) if not is_mentioned(mark, reported)]
    path_summary = concluded.path if concluded is not None else None
    if concluded is None and failure is not None:
        path_summary = further_path(host, reported)
    warnings = tuple(WarningView(each.value, host_sentence(each, host)) for each in host.outcome.reported_warnings)
    return HostView(
        mx=printable(host.mx),
        address=host.address,
        preference=None,
        shared=0,
        state="up" if failure is None else failure.verdict.value,
        confidence="" if failure is None else failure.confidence.value,
        failure=failure_view(failure) if concluded is None else None,
        evidence=tuple(evidence) if concluded is None else (),
        warnings=warnings,
        waterfall=waterfall(phases_of(host), scale, failure.stage if failure is not None else None),
        facts=tuple(_host_facts(host, {warning.text for warning in warnings})),
        extensions=host.facts.extensions,
        tls=_tls(host.facts.tls),
        dane=tuple(printable(line.strip()) for line in dane_lines(host)),
        old_versions=tuple(version_lines(host)),
        arrival=tuple(arrival_lines(host)),
        path=_path(path, path_summary) if path is not None else None,
        at=host.timings.at,
    )


def _host_facts(host: HostResult, told: Collection[str]) -> Iterator[tuple[str, str]]:
    """The facts, without the remarks that are `told` as sentences of warnings."""
    yield "module and port", f"{host.identity.module}, {host.identity.port}"
    if host.identity.domain:
        yield "dialogue about", printable(host.identity.domain)
    if host.timings.tcp_rtt is not None:
        yield "round-trip time", duration(host.timings.tcp_rtt)
    enhanced = dict(host.facts.enhanced)
    if host.facts.reply_codes:
        yield "replies", ", ".join(_reply(stage, code, enhanced.get(stage)) for stage, code in host.facts.reply_codes)
    if host.facts.esmtp is not None:
        yield "greeted with", "EHLO" if host.facts.esmtp else "HELO only"
    if host.facts.software:
        yield "software", host.facts.software
    if host.facts.size_limit is not None:
        yield "size limit", f"{host.facts.size_limit:,} bytes" if host.facts.size_limit else "none stated"
    for name, mechanisms in (("AUTH without TLS", host.facts.auth_plaintext), ("AUTH with TLS", host.facts.auth_tls)):
        if mechanisms:
            yield name, " ".join(mechanisms)
    yield from (("remark", remark) for remark in map(printable, host.outcome.remarks) if remark not in told)
    for recipient, code in host.facts.recipients if len(host.facts.recipients) > 1 else ():
        yield f"recipient {printable(recipient)}", str(code)


def _reply(stage: Stage, code: int, enhanced: str | None) -> str:
    return f"{stage.value} {code}" + (f" {printable(enhanced)}" if enhanced else "")


def _tls(tls: TlsResult | None) -> TlsView | None:
    if tls is None:
        return None
    return TlsView(
        version=tls.version,
        cipher=tls.cipher,
        verified=tls.verified,
        subject=printable(tls.subject),
        issuer=printable(tls.issuer),
        not_before=tls.not_before,
        not_after=tls.not_after,
        faults=tuple(view for fault in tls.faults if (view := failure_view(fault)) is not None),
        chain=tuple(map(_certificate, tls.chain)),
    )


def _certificate(sent: SentCertificate) -> CertificateView:
    return CertificateView(
        subject=printable(sent.subject) or "no name",
        issuer=printable(sent.issuer) or "no name",
        not_before=sent.not_before,
        not_after=sent.not_after,
        key=sent.key_type if sent.key_bits is None else f"{sent.key_type}, {sent.key_bits} bits",
        digest=fingerprint_text(sent.digest),
        key_digest=fingerprint_text(sent.key_digest) or "the key cannot be read",
    )


def _path(path: PathTrace, summary: str | None) -> PathView:
    """`summary`: the text for this page; None: the whole summary of the path."""
    other = path.against
    pairs = zip_longest(path.hops, other.hops if other is not None else ())
    return PathView(
        chart=path_chart(path),
        summary=summary_of(path) if summary is None else summary,
        port=path.port,
        against=other.port if other is not None else None,
        hops=tuple(
            ((here or there).ttl, hop_text(here) if here else "", hop_text(there) if there else "")
            for here, there in pairs
        ),
    )
