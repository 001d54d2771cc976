"""A refusal by our reverse DNS or reputation, beside what is known of our own standing. Pure.

A statement is never stronger than its evidence. The address that a host sees may be another one than the address whose
standing is known, so a reply that names other addresses alone gains nothing; nor does what is not known yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from exporter.model.address import family_of
from exporter.model.failure import Confidence, Failure, FailureClass
from exporter.model.standing import FamilyStanding, ListingState, ReverseDns, StandingView
from exporter.smtp.told_address import addresses_in

_C: Final = FailureClass
# Classes of failure that our standing explains.
EXPLAINED: Final = frozenset({_C.RDNS_REQUIRED, _C.REPUTATION_BLOCKED})
_MAX_NAMED: Final = 8


def with_standing(failure: Failure | None, host: str, source: str, view: StandingView) -> Failure | None:
    """`failure` of the host at this address, with the evidence of our standing; the same object where there is none.

    `source`: the address that is connected from, empty for the system's choice.
    """
    if failure is None or failure.failure_class not in EXPLAINED or not host:
        return failure
    family = family_of(host)
    standing = view.of(family)
    if not standing.address or source != view.sources.get(family, ""):
        return failure
    named = addresses_in(failure.detail, family) - {host}
    if named and standing.address not in named:
        return failure
    if failure.failure_class is _C.RDNS_REQUIRED:
        # Behind several addresses, as of a NAT, the one that this host saw may have other names.
        is_seen = bool(named) or not standing.is_contested
        return _of_reverse_dns(failure, standing, is_seen=is_seen)
    return _of_reputation(failure, standing, view)


def _of_reverse_dns(failure: Failure, standing: FamilyStanding, *, is_seen: bool) -> Failure:
    """`is_seen`: the host saw this address and no other."""
    reverse = standing.reverse
    if reverse is None or reverse.confirmed is None:
        return failure
    evidence = (*failure.evidence, *reverse_dns_lines(standing.address, reverse))
    confidence = Confidence.CERTAIN if is_seen and not reverse.confirmed else failure.confidence
    return replace(failure, confidence=confidence, evidence=evidence)


def reverse_dns_lines(address: str, reverse: ReverseDns) -> Iterator[str]:
    """The PTR records of our address in words, half a sentence each."""
    if not reverse.names:
        yield f"our address {address} has no PTR record: {reverse.pointer} names nothing"
    for each in reverse.names[:_MAX_NAMED]:
        if each.resolves_back is False:
            where = f"resolves to {', '.join(each.addresses)}" if each.addresses else "has no such address"
            yield f"the PTR record of our address {address} names {each.name}, which {where}, not back to it"
        elif each.resolves_back:
            yield f"the PTR record of our address {address} names {each.name}, which resolves back to it"
        if each.generic:
            yield f"the name {each.name} {each.generic}: some receivers take it for no mail server's"


def _of_reputation(failure: Failure, standing: FamilyStanding, view: StandingView) -> Failure:
    if view.lists and not standing.lists:
        return failure  # none is asked yet
    listed = [each.name for each in standing.listed]
    evidence = tuple(_listings(standing, view, listed))
    about = failure.about or (listed[0] if listed else "")
    return replace(failure, about=about, evidence=(*failure.evidence, *evidence))


def _listings(standing: FamilyStanding, view: StandingView, listed: list[str]) -> Iterator[str]:
    """The lists that have us, or the lack of any, with the domains that refuse us; and the lists that say nothing."""
    refusing = f"{view.refusing:,} {'domain refuses' if view.refusing == 1 else 'domains refuse'} us for our reputation"
    behind = f"; {refusing}" if view.refusing else ""
    if not view.lists:
        yield f"no block list is asked about our address {standing.address} (standing.lists names none){behind}"
        return
    clear = [each.name for each in standing.lists if each.state is ListingState.CLEAR]
    known = {each.name for each in standing.lists if each.state is not ListingState.IPV4_ONLY}
    if listed:
        yield f"our address {standing.address} is listed by {_and(listed)}{behind}"
    elif clear and len(clear) == len(view.lists):
        yield f"our address {standing.address} is listed by none of {_and(clear)}{behind}"
    elif clear:
        yield f"our address {standing.address} is not listed by {_and(clear)}{behind}"
    silent = [name for name in view.lists if name not in (*listed, *clear) and name in known]
    if silent:
        behind = "" if listed or clear else behind
        yield f"no usable answer about our address {standing.address} came from {_and(silent)}{behind}"


def _and(names: list[str]) -> str:
    shown, more = names[:_MAX_NAMED], len(names) - _MAX_NAMED
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
