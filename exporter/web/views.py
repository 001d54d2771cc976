"""What the pages of a target and of the way out say, as plain values for the templates.

Everything a stranger sent comes out of here printable; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Final

from markupsafe import Markup

from exporter.config.model import Family, Target
from exporter.config.values import format_duration
from exporter.diagnosis.connect import way_of
from exporter.diagnosis.egress import EgressView
from exporter.diagnosis.speakers import in_words
from exporter.dialogues import KeptDialogue
from exporter.egress import EgressTurn
from exporter.evidence import Evidence, Way, Witness
from exporter.history import StateChange
from exporter.path import PathTrace
from exporter.probe.transcript import dane_lines, dialogue_lines, policy_lines, tls_line
from exporter.result import EgressState, Failure, HostResult, ProbeResult, Stage, TlsResult
from exporter.sentence import MEANING, path_sentence, sentence
from exporter.smtp.printable import printable
from exporter.store import TargetRecord
from exporter.web.backend import EgressFacts, TargetFacts
from exporter.web.charts import duration, hop_text, path_picture, sparkline, waterfall
from exporter.web.fleet import Row, phases_of, row, state_of, target_path

# Addresses with witnesses that the egress page lists.
MAX_WITNESSED: Final = 100


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


@dataclass(frozen=True, slots=True)
class DialogueView:
    """One dialogue that was kept; `lines` are (time, way, text), the way being > for ours and < for theirs."""

    heading: str
    at: float
    state: str
    outcome: str
    times: int
    first_at: float
    lines: tuple[tuple[str, str, str], ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change of state; `lasted` in seconds, to the next one or until now."""

    at: float
    state: str
    failure_class: str
    stage: str
    confidence: str
    lasted: float


@dataclass(frozen=True, slots=True)
class TargetView:
    """The page of one target."""

    name: str
    kind: str
    path: str
    state: str
    sentence: str
    failure: FailureView | None
    facts: tuple[tuple[str, str], ...]
    lookup: tuple[tuple[int, str, str], ...]  # preference, host, its addresses or what is wrong
    policies: tuple[str, ...]  # what the domain asks of those who send mail to it
    hosts: tuple[HostView, ...]
    dialogues: tuple[DialogueView, ...]
    changes: tuple[ChangeView, ...]  # the latest first
    recent: Markup
    since: float
    last_probe: float | None


@dataclass(frozen=True, slots=True)
class FamilyView:
    """The way out of one family."""

    family: str
    state: str
    confidence: str
    meaning: str
    evidence: tuple[str, ...]
    since: float  # Unix time; 0: since the start


@dataclass(frozen=True, slots=True)
class TurnView:
    """One turn of the way out."""

    at: float
    family: str
    state: str
    confidence: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessedView:
    """An address whose port did not answer, and what its other ports did."""

    target: str
    path: str
    mx: str
    address: str
    port: int
    way: str
    witnesses: str
    failure_class: str
    last_hop: str


@dataclass(frozen=True, slots=True)
class EgressPage:
    """The page of the way out."""

    families: tuple[FamilyView, ...]
    turns: tuple[TurnView, ...]  # the latest first
    references: tuple[tuple[Row, str], ...]  # with the confidence of what is wrong with it
    witnessed: tuple[WitnessedView, ...]
    more_witnessed: int
    witness_ports: tuple[int, ...]
    tracing: bool


def target_view(facts: TargetFacts, now: float) -> TargetView:
    """The page of a target as it is known now."""
    record, target = facts.record, facts.record.target
    result = record.result
    return TargetView(
        name=target.name,
        kind=target.kind.value,
        path=target_path(target),
        state=state_of(result),
        sentence=f"{target.name} has not been probed yet." if result is None else sentence(target.name, result),
        failure=_failure(result.failure) if result is not None else None,
        facts=tuple(_target_facts(record, target, result)),
        lookup=tuple(_lookup(result)),
        policies=tuple(printable(line) for line in policy_lines(result)) if result is not None else (),
        hosts=_hosts(result),
        dialogues=tuple(_dialogue(kept) for kept in facts.dialogues),
        changes=tuple(_changes(record.history.changes, now)),
        recent=sparkline(record.history.recent),
        since=record.since,
        last_probe=result.at if result is not None else None,
    )


def egress_page(facts: EgressFacts) -> EgressPage:
    """The page of the way out as it is known now."""
    witnessed = list(_witnessed(facts.records))
    return EgressPage(
        families=tuple(_family(family, view, facts.turns) for family, view in facts.surroundings.items()),
        turns=tuple(
            TurnView(turn.at, turn.family, turn.view.state, turn.view.confidence, tuple(_egress_evidence(turn.view)))
            for turn in reversed(facts.turns)
        ),
        references=tuple(_reference(record) for record in facts.references),
        witnessed=tuple(witnessed[:MAX_WITNESSED]),
        more_witnessed=max(0, len(witnessed) - MAX_WITNESSED),
        witness_ports=facts.witness_ports,
        tracing=facts.tracing,
    )


def _failure(failure: Failure | None) -> FailureView | None:
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


def _target_facts(record: TargetRecord, target: Target, result: ProbeResult | None) -> Iterator[tuple[str, str]]:
    settings = target.settings
    yield "module", settings.module.name
    yield "port", str(settings.port)
    yield "interval", format_duration(settings.interval)
    yield "probes", f"{record.probes:,} ({record.probe_failures:,} failed)"
    if result is not None:
        yield "last probe took", duration(result.duration)
        if result.lookup is not None and result.lookup.duration is not None:
            yield "lookup took", duration(result.lookup.duration)
        if result.lookup is not None:
            yield "DNSSEC", "authenticated" if result.lookup.authenticated else "not authenticated"
    for name, value in target.labels:
        yield f"label {name}", printable(value)


def _lookup(result: ProbeResult | None) -> Iterator[tuple[int, str, str]]:
    if result is None or result.lookup is None:
        return
    for host in result.lookup.hosts:
        found = ", ".join(host.addresses) if host.failure is None else printable(host.failure.detail)
        yield host.preference, host.name, f"{found} (an alias)" if host.is_cname else found


def _hosts(result: ProbeResult | None) -> tuple[HostView, ...]:
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
        failure=_failure(host.failure),
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
        faults=tuple(view for fault in tls.faults if (view := _failure(fault)) is not None),
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


def _dialogue(kept: KeptDialogue) -> DialogueView:
    lines = [(at, ">" if sent else "<", text) for at, sent, text in dialogue_lines(kept.transcript)]
    if kept.tls is not None:
        secured = kept.tls.at
        place = next((place for place, line in enumerate(lines) if line[0] >= secured), len(lines))
        lines.insert(place, (secured, "*", printable(tls_line(kept.tls))))
    failure = kept.failure
    return DialogueView(
        heading=kept.mx if kept.mx == kept.address else f"{kept.mx} [{kept.address}]",
        at=kept.at,
        state="up" if failure is None else failure.verdict.value,
        outcome="worked" if failure is None else f"{failure.failure_class} at {failure.stage}",
        times=kept.times,
        first_at=kept.first_at,
        lines=tuple((f"{at:.3f} s", way, text) for at, way, text in lines),
        whole=kept.whole,
    )


def _changes(changes: Sequence[StateChange], now: float) -> Iterator[ChangeView]:
    end = now
    for change in reversed(changes):
        failure_class = change.failure_class
        yield ChangeView(
            at=change.at,
            state="up" if failure_class is None else failure_class.verdict.value,
            failure_class=failure_class.value if failure_class is not None else "",
            stage=change.stage.value if change.stage is not None else "",
            confidence=change.confidence.value if change.confidence is not None else "",
            lasted=max(0.0, end - change.at),
        )
        end = change.at


_STATES: Final = {
    EgressState.OPEN: "Connections to port 25 get out.",
    EgressState.BLOCKED: "Something on the way out stops connections to port 25, while other ports get through.",
    EgressState.INTERCEPTED: "Somebody on the way out answers in everybody's name.",
    EgressState.OFFLINE: "Nothing gets out of here.",
    EgressState.UNKNOWN: "There is too little to compare: no public address has been probed lately, or too few.",
}


def _family(family: Family, view: EgressView, turns: Iterable[EgressTurn]) -> FamilyView:
    since = [turn.at for turn in turns if turn.family is family]
    return FamilyView(
        family=family.value,
        state=view.state.value,
        confidence=view.confidence.value if view.state is not EgressState.UNKNOWN else "",
        meaning=_STATES[view.state],
        evidence=tuple(_egress_evidence(view)),
        since=since[-1] if since else 0.0,
    )


def _egress_evidence(view: EgressView) -> Iterator[str]:
    if view.ways and view.state is not EgressState.OPEN:
        ways = " or ".join(sorted(way.value.replace("_", " ") for way in view.ways))
        yield f"{_networks(view)}, each {ways}"
    elif view.networks:
        yield _networks(view)
    if view.others_out:
        yield f"{printable(view.others_out)} gets out all the same"
    if view.speaker:
        yield f"{printable(in_words(view.speaker))} answers for all of them"
    if view.state is EgressState.OPEN:
        yield "at least one public address answered on the port"


def _networks(view: EgressView) -> str:
    text = f"{view.networks} unrelated {'network' if view.networks == 1 else 'networks'}"
    return f"{text}, {view.references} of them of references" if view.references else text


def _reference(record: TargetRecord) -> tuple[Row, str]:
    result = record.result
    failure = result.failure if result is not None else None
    return row(record, result), failure.confidence.value if failure is not None else ""


def _witnessed(records: Iterable[TargetRecord]) -> Iterator[WitnessedView]:
    """Each address once, however many targets share it."""
    seen: set[tuple[str, int]] = set()
    for record in records:
        result = record.result
        for host in result.hosts if result is not None else ():
            evidence = host.evidence
            if evidence is None or not evidence.witnesses or (host.address, evidence.port) in seen:
                continue
            seen.add((host.address, evidence.port))
            yield WitnessedView(
                target=record.target.name,
                path=target_path(record.target),
                mx=host.mx,
                address=host.address,
                port=evidence.port,
                way=way_of(evidence.connect).value.replace("_", " "),
                witnesses=", ".join(f"{one.port} {one.way.value.replace('_', ' ')}" for one in evidence.witnesses),
                failure_class=host.failure.failure_class.value if host.failure is not None else "",
                last_hop=host.last_hop,
            )


def age(then: float | None, now: float) -> str:
    """How long ago, in the largest unit that says it."""
    return "" if not then else f"{span(max(0.0, now - then))} ago"


def span(seconds: float) -> str:
    """So long, in the largest unit that says it."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{seconds:.0f} s"


def clock(at: float) -> str:
    """A Unix time for a person, in UTC, for servers are everywhere."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def iso(at: float) -> str:
    """A Unix time for a machine (RFC 3339)."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
