"""The summary of a result: the finding in a sentence, its evidence, each piece once, and the next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.advice import AdviceNames, mark_of, next_step, section_of
from exporter.diagnosis.catalogue import CATALOGUE
from exporter.diagnosis.domain_failure import decisive_host
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult
from exporter.report.host_evidence import further_path, host_evidence, is_mentioned
from exporter.report.warning_text import MX_WARNINGS, WARNINGS, domain_sentence, warning_sentences

# So many are read at a glance.
MAX_WORDS: Final = 30

# The answer to "whom to call", in full.
MEANING: Final = MappingProxyType(
    {
        Verdict.UNDETERMINED: (
            "does not answer, or refuses without a reason; whether it is dead or only we are kept out cannot be"
            " determined from here"
        ),
        Verdict.BLOCKED: "something between us and them, or their policy, refuses us; others may well get through",
        Verdict.DEAD: "nobody can hand mail over there now",
        Verdict.DEGRADED: "a temporary state, try again later",
        Verdict.MISCONFIGURED: "their DNS, TLS or protocol is wrong and will not heal by itself",
        Verdict.DECLINED: "they say so themselves, this is no fault",
        Verdict.LOCAL: "the cause is on this side: our resolver, network, limits or configuration",
    }
)
# The same behind a finding.
_CONSEQUENCES: Final = MappingProxyType(
    {
        Verdict.UNDETERMINED: "whether it is dead or only we are kept out cannot be determined from here",
        Verdict.BLOCKED: "we are kept out, others may get through",
        Verdict.DEAD: "nobody can hand mail over there now",
        Verdict.DEGRADED: "a temporary state",
        Verdict.MISCONFIGURED: "it will not heal by itself",
        Verdict.DECLINED: "this is no fault",
        Verdict.LOCAL: "the cause is on our side",
    }
)
_HOW_SURELY: Final = MappingProxyType(
    {Confidence.CERTAIN: "", Confidence.LIKELY: "likely ", Confidence.UNCERTAIN: "perhaps "}
)
_SERVER: Final = "the server "
_SAID: Final = "the server said: "
_ITS: Final = "its "  # of the host
_PORT: Final = re.compile(r"port \d+\b")
# Half a sentence about a host or domain that is named before it.
_PREDICATE: Final = re.compile(r"(?:has|is|does|names|gives|cannot|takes)\b")
# The end of a finding that is too long; the rest of it goes among the evidence.
_WARNINGS_SECTION: Final = "docs/reference/warnings.md"
_CLAUSE: Final = re.compile(r"[;:,](?! or )(?: and| while)? ")


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of a target. The texts are printable; `evidence` are half sentences without a capital."""

    summary: str  # a sentence of at most MAX_WORDS words that begins with the finding
    evidence: tuple[str, ...] = ()
    path: str = ""  # the finding of a trace beyond that, a sentence
    next: str = ""  # the next step: a call or a command; "" where nothing is wrong
    section: str = ""  # of the documentation, with more about it


def summarise(name: str, result: DomainResult, *, helo: str = "", port: int = 25) -> Summary:
    """The summary of a result; `port` is that of the target, `helo` the name of this host in EHLO."""
    failure = result.failure
    if failure is None:
        return _up(name, result, helo, port)
    host = deciding_host(result)
    subject = host.mx if host is not None and result.lookup is None else name  # a target may be its only host
    finding, rest = _finding(subject, failure, host, MAX_WORDS - len(_consequence(failure).split()))
    text = " ".join((finding, *rest, *failure.evidence))
    evidence = [*rest, *(printable(each) for each in failure.evidence if each not in finding)]
    if host is not None:
        evidence += [line for line, mark in host_evidence(host) if not is_mentioned(mark, text)]
    evidence += [domain_sentence(each, result) for each in result.warnings if each in MX_WARNINGS]
    return Summary(
        summary=f"{finding}; {_consequence(failure)}.",
        evidence=tuple(dict.fromkeys(evidence)),
        path=further_path(host, text) if host is not None else "",
        next=next_step(failure, replace(_names(name, failure, host, helo, port), is_host=result.lookup is None)),
        section=section_of(failure.failure_class),
    )


def summary_lines(summary: Summary, failure: Failure | None) -> Iterator[str]:
    """A summary as text: the verdict with its class, the sentence, the evidence as a list, and the next step."""
    if failure is None:
        yield summary.summary
    else:
        verdict = f"{failure.verdict}{mark_of(failure.confidence)}"
        yield f"{verdict}: {failure.failure_class} at {failure.stage}, {failure.confidence}"
        yield f"  {summary.summary}"
    for item in (*summary.evidence, *((summary.path,) if summary.path else ())):
        yield f"  - {item}"
    if summary.next:
        yield f"  next: {summary.next} ({summary.section})"


def deciding_host(result: DomainResult) -> HostResult | None:
    """The host whose failure stands for the target; None where the target failed before any host did."""
    failure = result.failure
    if failure is None:
        return None
    return decisive_host(result.hosts, failure)


def _consequence(failure: Failure) -> str:
    verdict = failure.verdict
    if verdict is Verdict.UNDETERMINED:
        return _CONSEQUENCES[verdict]
    return _HOW_SURELY[failure.confidence] + _CONSEQUENCES[verdict]


def _finding(name: str, failure: Failure, host: HostResult | None, room: int) -> tuple[str, tuple[str, ...]]:
    """The finding in at most `room` words, and the part of it that had no room."""
    detail = printable(failure.detail)
    if failure.failure_class is FailureClass.BANNER_TIMEOUT and host is not None and "timeout" not in detail:
        detail = f"the server accepts the connection and sends no complete greeting within {_waited(host)}"
    whole = _about(name, detail, host)
    if len(whole.split()) <= room:
        return whole, ()
    if not detail.startswith(_SAID):
        ends = [end.start() for end in _CLAUSE.finditer(whole)]
        fitting = [end for end in ends if len(whole[:end].split()) <= room and _may_end(whole[:end], name, host)]
        if fitting:
            rest = _CLAUSE.sub("", whole[fitting[-1] :], count=1)
            return whole[: fitting[-1]], (rest,)
    short = _about(name, CATALOGUE[failure.failure_class].seen, host)
    return _cut(short, room), (detail,) if detail else ()


def _may_end(text: str, name: str, host: HostResult | None) -> bool:
    """True where a finding that ends so names more than its host, and does not end within a quotation."""
    return text.count('"') % 2 == 0 and not _about(name, "", host).rstrip(": ").startswith(text) and text != name


def _cut(text: str, room: int) -> str:
    words = text.split()
    return text if len(words) <= room else " ".join(words[: room - 1]) + " …"


def _about(name: str, detail: str, host: HostResult | None) -> str:
    """`detail` with the host or domain that it is about."""
    if host is None:
        if name in detail:
            return detail
        return f"{name} {detail}" if _PREDICATE.match(detail) else f"{name}: {detail}"
    if detail.startswith(f"{name} ") and _PREDICATE.match(detail, len(name) + 1):
        return detail
    named = host.mx if host.address and host.address in detail else _name_and_address(host)
    before = "" if name == host.mx else f"{name}: "
    if detail.startswith(_SERVER):
        return f"{before}{named} {detail.removeprefix(_SERVER)}"
    if before and host.mx in detail and not detail.startswith(_ITS):
        return before + detail
    port = _PORT.match(detail)
    if port is not None:
        return f"{before}{port[0]} of {named}{detail[port.end() :]}"
    return f"{before}{named} {detail}" if _PREDICATE.match(detail) else f"{before}{named}: {detail}"


def _waited(host: HostResult) -> str:
    waited = host.timings.unfinished
    if waited is None or waited[0] is not Stage.BANNER:
        return "`timeout`"
    return f"{waited[1]:.1f} s (`timeout`)"


def _names(name: str, failure: Failure, host: HostResult | None, helo: str, port: int) -> AdviceNames:
    if host is None:
        return AdviceNames(target=name, port=str(port), about=failure.about, helo=helo)
    if host.evidence is not None:
        port = host.evidence.port
    # A handshake that comes before all replies is not begun by STARTTLS (RFC 8314 3.3).
    tls_client = "" if host.facts.reply_codes else "openssl s_client"
    router = host.outcome.last_hop
    return AdviceNames(name, host.mx, host.address, str(port), router, failure.about, helo, tls_client)


def _up(name: str, result: DomainResult, helo: str, port: int) -> Summary:
    up, probed = result.addresses_up, len(result.hosts)
    of, take = "address" if probed == 1 else "addresses", "takes" if up == 1 else "take"
    warned = tuple(warning_sentences(name, result))
    text = f"{name} is up: {up} of {probed} {of} {take} mail{', with warnings' if warned else ''}"
    broken = [(host, host.failure) for host in result.hosts if host.failure is not None]
    if not broken:
        first = f"{text}: {warned[0].removeprefix(f'{name}: ')}" if warned else text
        is_short = len(first.split()) <= MAX_WORDS
        told = Summary(f"{first}.", warned[1:]) if is_short else Summary(f"{text}.", warned)
        if not result.warnings:
            return told
        # About the domain itself: of its hosts there may be many, and the page of the classes has their steps.
        return replace(told, next=WARNINGS[result.warnings[0]].step, section=_WARNINGS_SECTION)
    host, failure = broken[0]
    text += f"; {_name_and_address(host)} does not: {failure.failure_class}"
    if len(broken) > 1:
        text += f", and {len(broken) - 1} more"
    # Where our own side keeps us from some of the addresses, there is nothing to do about the target.
    wanting = [(host, failure) for host, failure in broken if failure.verdict is not Verdict.LOCAL]
    if not wanting:
        return Summary(f"{text}.", warned)
    host, failure = wanting[0]
    names = replace(_names(name, failure, host, helo, port), is_host=result.lookup is None)
    return Summary(f"{text}.", warned, next=next_step(failure, names), section=section_of(failure.failure_class))


def _name_and_address(host: HostResult) -> str:
    return f"{host.mx} [{host.address}]" if host.address and host.address != host.mx else host.mx
