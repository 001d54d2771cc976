"""What a target's page says of each host, as plain values for the template.

Everything a stranger sent comes out of here printable; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from markupsafe import Markup

from exporter.evidence import Evidence, Way, Witness
from exporter.path import PathTrace
from exporter.probe.transcript import dane_lines
from exporter.result import Failure, HostResult, ProbeResult, Stage, TlsResult
from exporter.sentence import MEANING, path_sentence
from exporter.smtp.printable import printable
from exporter.web.charts import duration, hop_text, path_picture, waterfall
from exporter.web.fleet import phases_of


@dataclass(frozen=True, slots=True)
class FailureView:
    """Why something failed, in words."""

    failure_class: str
    stage: str
    verdict: str
    meaning: str  # of the verdict, without its name
    confidence: str
    detail: str


@dataclass(frozen=True, slots=True)
class TlsView:
    """A certificate and the handshake it came with. Times are Unix times."""

    version: str
    cipher: str
    verified: bool
    subject: str
    issuer: str
    not_before: float | None
    not_after: float | None
    faults: tuple[FailureView, ...]


@dataclass(frozen=True, slots=True)
class PathView:
    """A traced path: its picture, its sentence, and the hops as (number, here, there)."""

    picture: Markup
    sentence: str
    port: int
    against: int | None
    hops: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True, slots=True)
class HostView:
    """One address of one mail host."""

    mx: str
    address: str
    preference: int | None
    state: str
    failure: FailureView | None
    evidence: tuple[str, ...]
    warnings: tuple[str, ...]
    waterfall: Markup
    facts: tuple[tuple[str, str], ...]  # name and value
    extensions: tuple[str, ...]
    tls: TlsView | None
    dane: tuple[str, ...]
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
        meaning=MEANING[failure.verdict].partition(": ")[2],
        confidence=failure.confidence.value,
        detail=printable(failure.detail),
    )


def host_views(result: ProbeResult | None) -> tuple[HostView, ...]:
    """All hosts of a probe, in its order."""
    if result is None:
        return ()
    # One scale for all, so that the slow one is seen to be slow.
    scale = max((sum(seconds for _, seconds in phases_of(host)) for host in result.hosts), default=0.0)
    return tuple(_host(host, scale) for host in result.hosts)


def _host(host: HostResult, scale: float) -> HostView:
    evidence = host.evidence
    path = evidence.path if evidence is not None else None
    failed = host.failure.stage if host.failure is not None else None
    return HostView(
        mx=host.mx,
        address=host.address,
        preference=host.preference,
        state="up" if host.failure is None else host.failure.verdict.value,
        failure=failure_view(host.failure),
        evidence=tuple(_evidence(host, evidence)),
        warnings=tuple(warning.value for warning in host.warnings) if host.up else (),
        waterfall=waterfall(phases_of(host), scale, failed),
        facts=tuple(_host_facts(host)),
        extensions=host.extensions,
        tls=_tls(host.tls),
        dane=tuple(printable(line.strip()) for line in dane_lines(host)),
        path=_path(path) if path is not None else None,
        at=host.at,
    )


def _evidence(host: HostResult, evidence: Evidence | None) -> Iterator[str]:
    """What the diagnosis rests on, a sentence each."""
    own = host.own_failure
    if own is not None and host.failure is not None and own.failure_class is not host.failure.failure_class:
        yield f"By itself the session showed {own.failure_class}: {printable(own.detail)}."
    if evidence is None:
        return
    if evidence.connect is not None and evidence.connect.unsent:
        yield "The kernel counts every SYN as dropped within this host."
    for witness in evidence.witnesses:
        yield f"Port {witness.port} of the same address {_witness_word(witness)}."
    if host.last_hop and evidence.path is None:  # the path says it with the rest
        yield f"The last router that answered on the way is {host.last_hop}."


def _witness_word(witness: Witness) -> str:
    return {
        Way.ANSWERED: "answers",
        Way.RESET: "refuses, so the host is there",
        Way.SILENT: "is silent",
        Way.PROHIBITED: "is prohibited",
    }.get(witness.way, witness.way.value.replace("_", " "))


def _host_facts(host: HostResult) -> Iterator[tuple[str, str]]:
    if host.tcp_rtt is not None:
        yield "round-trip time", duration(host.tcp_rtt)
    enhanced = dict(host.enhanced)
    if host.reply_codes:
        yield "replies", ", ".join(_reply(stage, code, enhanced.get(stage)) for stage, code in host.reply_codes)
    if host.esmtp is not None:
        yield "greeted with", "EHLO" if host.esmtp else "HELO only"
    if host.size_limit is not None:
        yield "size limit", f"{host.size_limit:,} bytes" if host.size_limit else "none stated"
    for name, mechanisms in (("AUTH without TLS", host.auth_plaintext), ("AUTH with TLS", host.auth_tls)):
        if mechanisms:
            yield name, " ".join(mechanisms)
    for recipient, code in host.recipients if len(host.recipients) > 1 else ():
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
    )


def _path(path: PathTrace) -> PathView:
    other = path.against
    pairs = zip_longest(path.hops, other.hops if other is not None else ())
    return PathView(
        picture=path_picture(path),
        sentence=path_sentence(path),
        port=path.port,
        against=other.port if other is not None else None,
        hops=tuple(
            ((here or there).ttl, hop_text(here) if here else "", hop_text(there) if there else "")
            for here, there in pairs
        ),
    )
