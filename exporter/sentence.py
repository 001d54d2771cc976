"""Verdicts in one sentence, with the evidence they rest on."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.path import HopKind, PathTrace
from exporter.result import HostResult, ProbeResult, Verdict
from exporter.smtp.printable import printable

# The answer to "whom to call", in the middle of a sentence.
MEANING: Final = MappingProxyType(
    {
        Verdict.UNDETERMINED: (
            "undetermined: does not answer, or refuses without a reason; whether it is dead or only we are kept out"
            " cannot be told from here"
        ),
        Verdict.BLOCKED: "blocked: something between us and them, or their policy, refuses us",
        Verdict.DEAD: "dead: nobody can hand mail over there now",
        Verdict.DEGRADED: "degraded: a temporary state, try again later",
        Verdict.MISCONFIGURED: "misconfigured: their DNS, TLS or protocol is wrong and will not heal by itself",
        Verdict.DECLINED: "declined: they say so themselves, this is no fault",
        Verdict.LOCAL: "local: the cause is on this side, our resolver, network, limits or configuration",
    }
)


def sentence(name: str, result: ProbeResult) -> str:
    """What an operator tells a colleague about `name`."""
    failure = result.failure
    if failure is None:
        return _up(name, result)
    speaker = next((host for host in result.hosts if host.failure is failure), None)
    who = f"{_who(speaker)}: " if speaker is not None else ""
    what = f"{failure.failure_class}, {failure.confidence}"
    return f"{name} is down, {MEANING[failure.verdict]} ({what}; {who}{printable(failure.detail)})."


def _up(name: str, result: ProbeResult) -> str:
    up, probed = result.addresses_up, len(result.hosts)
    of, take = "address" if probed == 1 else "addresses", "takes" if up == 1 else "take"
    text = f"{name} is up: {up} of {probed} {of} {take} mail"
    broken = [host for host in result.hosts if host.failure is not None]
    if broken:
        first = broken[0]
        reason = first.failure
        assert reason is not None  # noqa: S101 - what made it broken
        text += f"; {_who(first)} does not: {reason.failure_class}, {printable(reason.detail)}"
        if len(broken) > 1:
            text += f", and {len(broken) - 1} more"
    warnings = sorted({warning.value for host in result.hosts if host.up for warning in host.warnings})
    if warnings:
        text += f"; works, yet: {', '.join(warnings)}"
    return text + "."


def _who(host: HostResult) -> str:
    return f"{host.mx} [{host.address}]" if host.address and host.address != host.mx else host.mx


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
        return f"{what} is lost {where}, and so is port {path.against.port}: the host or its network is gone."
    return f"{what} is lost {where}."
