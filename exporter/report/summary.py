"""What is to be said of a result, each thing once: the finding in a sentence, its evidence, and what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.advice import AdviceNames, mark_of, next_step, section_of
from exporter.diagnosis.catalogue import CATALOGUE
from exporter.diagnosis.domain_failure import speaker_of
from exporter.model.evidence import ConnectOutcome, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.printable import printable
from exporter.model.result import HostResult, ProbeResult

# What is read at a glance.
MAX_WORDS: Final = 30

# The answer to "whom to call", in full.
MEANING: Final = MappingProxyType(
    {
        Verdict.UNDETERMINED: (
            "does not answer, or refuses without a reason; whether it is dead or only we are kept out cannot be told"
            " from here"
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
_SO: Final = MappingProxyType(
    {
        Verdict.UNDETERMINED: "whether it is dead or only we are kept out cannot be told from here",
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
_SILENCE: Final = "does not answer within"
_PORT: Final = re.compile(r"port \d+\b")
# Half a sentence that says something about whoever is named before it.
_PREDICATE: Final = re.compile(r"(?:has|is|does|names|gives|cannot|takes)\b")
# Where a finding that is too long may end; what is behind it goes among the evidence.
_CLAUSE: Final = re.compile(r"[;:,](?! or )(?: and| while)? ")
# A name or an IPv4 address, or an IPv6 address in brackets, with a port.
_WITH_PORT: Final = re.compile(r"^(\[.*\]|[^:]*):\d+$")
_WITNESS: Final = MappingProxyType(
    {
        ConnectOutcome.ANSWERED: "answers",
        ConnectOutcome.RESET: "refuses, so the host is there",
        ConnectOutcome.SILENT: "is silent",
        ConnectOutcome.PROHIBITED: "is prohibited",
    }
)


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a target as a whole. The texts are printable; `evidence` are half sentences without a capital."""

    summary: str  # a sentence of at most MAX_WORDS words that begins with the finding
    evidence: tuple[str, ...] = ()
    path: str = ""  # what a trace shows beyond that, a sentence
    next: str = ""  # whom to call, or what to do or run first; "" where nothing is wrong
    section: str = ""  # where the documentation tells more


def summarise(name: str, result: ProbeResult, *, helo: str = "", port: int = 25) -> Summary:
    """What is to be said of `name`; `port` is that of the target, `helo` what we call ourselves."""
    failure = result.failure
    if failure is None:
        return _up(name, result, helo, port)
    host = speaker(result)
    finding, rest = _finding(name, failure, host, MAX_WORDS - len(_so(failure).split()))
    told = " ".join((finding, *rest, *failure.evidence))
    evidence = [*rest, *(printable(each) for each in failure.evidence if each not in finding)]
    if host is not None:
        evidence += [line for line, mark in host_evidence(host) if not is_told(mark, told)]
    return Summary(
        summary=f"{finding}; {_so(failure)}.",
        evidence=tuple(dict.fromkeys(evidence)),
        path=further_path(host, told) if host is not None else "",
        next=next_step(failure, _names(name, failure, host, helo, port)),
        section=section_of(failure.failure_class),
    )


def summary_lines(concluded: Summary, failure: Failure | None) -> Iterator[str]:
    """The conclusion as text: the verdict with its class, the sentence, the evidence as a list, and what next."""
    if failure is None:
        yield concluded.summary
    else:
        verdict = f"{failure.verdict}{mark_of(failure.confidence)}"
        yield f"{verdict}: {failure.failure_class} at {failure.stage}, {failure.confidence}"
        yield f"  {concluded.summary}"
    for item in (*concluded.evidence, *((concluded.path,) if concluded.path else ())):
        yield f"  - {item}"
    if concluded.next:
        yield f"  next: {concluded.next} ({concluded.section})"


def sentence(name: str, result: ProbeResult) -> str:
    """What an operator tells a colleague about `name`."""
    return summarise(name, result).summary


def speaker(result: ProbeResult) -> HostResult | None:
    """The host whose failure stands for the target; None where the target failed before any host did."""
    failure = result.failure
    if failure is None:
        return None
    return speaker_of(result.hosts, failure)


def is_told(mark: str, told: str) -> bool:
    """Whether what a mark of :func:`host_evidence` stands for has been said."""
    return re.search(rf"ports? [\d, and]*\b{mark}\b", told) is not None if mark.isdigit() else mark in told


def host_evidence(host: HostResult) -> Iterator[tuple[str, str]]:
    """What a diagnosis rests on, with the word by which one sees whether it has been said already."""
    own, evidence = host.outcome.own_failure, host.evidence
    if host.failure is None:
        return
    if host.failure.failure_class is FailureClass.BANNER_TIMEOUT:
        yield "RFC 5321 4.5.3.2.1 grants five minutes for the greeting", "five minutes"
    if own is not None and own.failure_class is not host.failure.failure_class:
        silent = own.failure_class is FailureClass.CONNECT_TIMEOUT
        mark = _SILENCE if silent else printable(own.detail)
        yield f"by itself the session showed {own.failure_class}: {printable(own.detail)}", mark
    if evidence is None:
        return
    if evidence.connect is not None and evidence.connect.unsent:
        yield "the kernel counts every SYN as dropped within this host", "SYN"
    for witness in evidence.witnesses:
        yield f"port {witness.port} of the same address {_witness_word(witness)}", str(witness.port)
    if host.outcome.last_hop and evidence.path is None:  # the path says it with the rest
        yield f"the last router that answered on the way is {host.outcome.last_hop}", host.outcome.last_hop


def further_path(host: HostResult, told: str) -> str:
    """What the trace to a host shows, unless its end has been told."""
    path = host.evidence.path if host.evidence is not None else None
    if path is None or (host.outcome.last_hop and host.outcome.last_hop in told):
        return ""
    return path_sentence(path)


def _witness_word(witness: Witness) -> str:
    return _WITNESS.get(witness.way, witness.way.value.replace("_", " "))


def _so(failure: Failure) -> str:
    verdict = failure.verdict
    if verdict is Verdict.UNDETERMINED:
        return _SO[verdict]
    return _HOW_SURELY[failure.confidence] + _SO[verdict]


def _finding(name: str, failure: Failure, host: HostResult | None, room: int) -> tuple[str, tuple[str, ...]]:
    """The finding in at most `room` words, and what of it had no room."""
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
    """Whether it says more than whom it is about, and is not within what it quotes."""
    return text.count('"') % 2 == 0 and not _about(name, "", host).rstrip(": ").startswith(text) and text != name


def _cut(text: str, room: int) -> str:
    words = text.split()
    return text if len(words) <= room else " ".join(words[: room - 1]) + " …"


def _about(name: str, detail: str, host: HostResult | None) -> str:
    """`detail` with whom it is about."""
    if host is None:
        if name in detail:
            return detail
        return f"{name} {detail}" if _PREDICATE.match(detail) else f"{name}: {detail}"
    if detail.startswith(f"{name} ") and _PREDICATE.match(detail, len(name) + 1):
        return detail
    who = _host_name(host) if host.address and host.address in detail else _who(host)
    before = "" if name == host.mx else f"{name}: "
    if detail.startswith(_SERVER):
        return f"{before}{who} {detail.removeprefix(_SERVER)}"
    if before and host.mx in detail and not detail.startswith(_ITS):
        return before + detail
    port = _PORT.match(detail)
    if port is not None:
        return f"{before}{port[0]} of {who}{detail[port.end() :]}"
    return f"{before}{who} {detail}" if _PREDICATE.match(detail) else f"{before}{who}: {detail}"


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
    router = host.outcome.last_hop
    return AdviceNames(name, _host_name(host), host.address, str(port), router, failure.about, helo)


def _up(name: str, result: ProbeResult, helo: str, port: int) -> Summary:
    up, probed = result.addresses_up, len(result.hosts)
    of, take = "address" if probed == 1 else "addresses", "takes" if up == 1 else "take"
    warned = ", with warnings" if any(host.up and host.outcome.warnings for host in result.hosts) else ""
    text = f"{name} is up: {up} of {probed} {of} {take} mail{warned}"
    broken = [(host, host.failure) for host in result.hosts if host.failure is not None]
    if not broken:
        return Summary(f"{text}.")
    host, failure = broken[0]
    text += f"; {_who(host)} does not: {failure.failure_class}"
    if len(broken) > 1:
        text += f", and {len(broken) - 1} more"
    # Where our own side keeps us from some of the addresses, there is nothing to do about the target.
    wanting = [(host, failure) for host, failure in broken if failure.verdict is not Verdict.LOCAL]
    if not wanting:
        return Summary(f"{text}.")
    host, failure = wanting[0]
    names = _names(name, failure, host, helo, port)
    return Summary(f"{text}.", next=next_step(failure, names), section=section_of(failure.failure_class))


def _who(host: HostResult) -> str:
    name = _host_name(host)
    return f"{name} [{host.address}]" if host.address and host.address != name else name


def _host_name(host: HostResult) -> str:
    """Without the port that a host of the configuration may be written with."""
    return _WITH_PORT.sub(r"\1", host.mx).strip("[]")


def path_sentence(path: PathTrace) -> str:
    """What a path shows. The surest sign first."""
    what = f"port {path.port} of {path.address}"
    if path.local is not None:
        return f"This host does not let the connection out: {printable(path.local.detail)}."
    if path.reset_within:
        return f"This host itself resets connections to {what}: its own packet filter does."
    if path.rejected_by is not None:
        return f"{path.rejected_by.address} rejects {what}: {printable(path.rejected_by.detail)}."
    answered = path.answered
    if answered is not None and path.forged_reset:
        return f"Somebody at hop {answered.ttl} resets connections to {what} in its name; the host is further away."
    if answered is not None and path.intercepted:
        return f"Somebody at hop {answered.ttl} answers for {what} in its name; the host is further away."
    if answered is not None:
        refused = " and refuses" if answered.kind is HopKind.REFUSED else ""
        return f"The host answers{refused} at hop {answered.ttl}: nothing on the way holds {what} up."
    last = path.last_hop
    where = "before the first router" if last is None else f"after {last.address} (hop {last.ttl})"
    what = what.capitalize()
    if path.stops_earlier and path.against is not None:
        return f"{what} is dropped {where}, while port {path.against.port} gets further: a filter stands there."
    if path.against is not None:
        return f"{what} is lost {where}, and so is port {path.against.port}: no filter of this port alone."
    return f"{what} is lost {where}."
