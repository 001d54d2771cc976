"""Answers that a filtering resolver makes up: 0.0.0.0 or its own address in place of a host's. Pure.

Some resolvers mark such an answer (RFC 8914, exporter.resolver.extended_errors); for others there are signs. A filter
for a whole domain answers for names below the host too, where the zone has none. A zone may publish 0.0.0.0 or
127.0.0.1 itself: signed answers are its own, and for the rest the confidence depends on the signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Final

from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.resolver.answer import DnsAnswer

# A label below a host that no zone has.
CONTROL_LABEL: Final = "no-such-name-asked-by-mx-exporter"
_MAX_NAME: Final = 253
_UNSPECIFIED: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


class Sinkhole(Enum):
    """The kinds of made-up addresses."""

    UNSPECIFIED = "no address at all"
    OWN = "the resolver's own address"
    LOOPBACK = "loopback"


def sinkhole(answers: Sequence[DnsAnswer], addresses: Sequence[str]) -> Sinkhole | None:
    """The kind of all addresses of a host; None where one is an ordinary one, or the zone has signed them."""
    with_records = [answer for answer in answers if answer.records]
    if not addresses or all(answer.authenticated for answer in with_records):
        return None
    if all(address in _UNSPECIFIED for address in addresses):
        return Sinkhole.UNSPECIFIED
    if all(address in _LOOPBACK for address in addresses):
        return Sinkhole.LOOPBACK
    own = {address_of(answer.nameserver) for answer in with_records}
    return Sinkhole.OWN if own.issuperset(addresses) else None


def control_name(name: str) -> str | None:
    """A name below `name` that does not exist; None where there is no room for one."""
    control = f"{CONTROL_LABEL}.{name}"
    return control if len(control) <= _MAX_NAME else None


def judge(
    name: str, kind: Sinkhole, addresses: Sequence[str], controls: Sequence[DnsAnswer], nameserver: str
) -> Failure | None:
    """The failure if `nameserver` filters the host `name`; `controls` are its answers about the name below."""
    also = {record for answer in controls for record in answer.records}
    below = bool(also) and also.issubset(addresses)
    both = kind is Sinkhole.UNSPECIFIED and _UNSPECIFIED.issubset(addresses)
    if kind is Sinkhole.LOOPBACK and not below:
        return None  # zones publish it, too, as a joke or for "no host"
    sure = kind is not Sinkhole.LOOPBACK and (below or both)
    resolver = f"the resolver {nameserver}" if nameserver else "the resolver"
    said = " and ".join(addresses)
    if kind is Sinkhole.OWN:
        said += ", its own address,"
    if sure:
        detail = f"{resolver} filters {name}: it answers {said}"
    else:
        detail = f"{resolver} answers {said} for {name}, as a filter does, or its zone says so itself"
    evidence = []
    if below:
        evidence.append(f"it answers the same for {CONTROL_LABEL}.{name}, a name that does not exist")
    if both:
        evidence.append("it does so for both families, which filters do and zones do not")
    if not sure:
        evidence.append(f"another resolver settles it: dig @9.9.9.9 {name}")
    confidence = Confidence.LIKELY if sure else Confidence.UNCERTAIN
    return Failure(Stage.DNS, FailureClass.RESOLVER_FAILING, detail, confidence, tuple(evidence), nameserver)


def address_of(nameserver: str) -> str:
    """The address in a nameserver's text, which may have a port."""
    if nameserver.startswith("["):
        return nameserver[1:].partition("]")[0]
    return nameserver.partition(":")[0] if nameserver.count(":") == 1 else nameserver
