"""The changes of a target: its MX hosts, the networks of their addresses, its MTA-STS.

An answer that failed, or of which a part is missing, shows none, and what was known stays known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from exporter.diagnosis.networks import network_of
from exporter.model.change import Difference, DomainChange, DomainFacts
from exporter.model.failure import FailureClass
from exporter.model.policy import MtaSts, MtaStsMode
from exporter.model.printable import printable
from exporter.model.result import DomainResult, MxHost, MxLookup

_MAX_CHARS: Final = 200
_NULL_MX: Final = frozenset({"."})
# Answers that there is no address, in place of a lookup that failed.
_DENIED: Final = frozenset({FailureClass.DNS_NXDOMAIN, FailureClass.DNS_NO_ADDRESS})


def facts_of(result: DomainResult) -> DomainFacts:
    """The part of a result that is compared.

    Where the MX lookup fails, that the record of MTA-STS is denied may be the doing of the same resolver.
    """
    lookup, mta_sts = result.lookup, result.mta_sts
    if mta_sts is not None and mta_sts.mode is MtaStsMode.ABSENT and lookup is not None and _is_doubtful(lookup):
        mta_sts = None
    return DomainFacts(lookup, result.named, mta_sts)


def domain_changes(known: DomainFacts, result: DomainResult) -> tuple[tuple[Difference, ...], DomainFacts]:
    """The differences that a result shows, and what is known of the target now."""
    now = facts_of(result)
    if _is_alike(known, now):
        return (), now
    found = (*_of_names(known, now), _of_policy(known.mta_sts, now.mta_sts))
    return tuple([each for each in found if each is not None]), _merged(known, now)


def _is_alike(known: DomainFacts, now: DomainFacts) -> bool:
    """True where nothing can differ, as nearly always: an answer after its TTL is another object, and says the same."""
    old, new = known.lookup, now.lookup
    if known.mta_sts != now.mta_sts or (old is None) is not (new is None):
        return False
    if old is not None and new is not None and not old.failure is new.failure is old.filtered is new.filtered is None:
        return False
    return list(map(_shown, _hosts(known))) == list(map(_shown, _hosts(now)))


def _shown(host: MxHost) -> tuple[object, ...]:
    return host.name, host.addresses, host.incomplete, host.more, host.failure is None, host.filtered is None


def _of_names(known: DomainFacts, now: DomainFacts) -> Iterable[Difference | None]:
    yield _of_sets(DomainChange.MX, _mx_set(known.lookup), _mx_set(now.lookup))
    yield _of_sets(DomainChange.NETWORKS, _networks(_hosts(known)), _networks(_hosts(now)))


def _merged(known: DomainFacts, now: DomainFacts) -> DomainFacts:
    """The facts of `now`, with those known before that it does not show; `now` itself where there are none.

    The MX set and its networks are known by one lookup: that of before stays until one shows as much as it does.
    """
    lookup, named, mta_sts = now
    names_lost = _mx_set(lookup) is None and _mx_set(known.lookup) is not None
    networks_lost = not _networks(_hosts(now)) and bool(_networks(_hosts(known)))
    if names_lost or (networks_lost and _mx_set(lookup) == _mx_set(known.lookup)):
        lookup, named = known.lookup, known.named
    if not _is_known(mta_sts) and _is_known(known.mta_sts):
        mta_sts = known.mta_sts
    merged = DomainFacts(lookup, named, mta_sts)
    return now if merged == now else merged


def _hosts(facts: DomainFacts) -> Sequence[MxHost]:
    return facts.named if facts.lookup is None else facts.lookup.hosts


def _is_doubtful(lookup: MxLookup) -> bool:
    if lookup.failure is None:
        return lookup.filtered is not None
    return lookup.failure.failure_class is not FailureClass.DNS_NULL_MX


def _mx_set(lookup: MxLookup | None) -> frozenset[str] | None:
    """The names of the MX hosts, the null MX (RFC 7505) among them; None: not known as a whole."""
    if lookup is None or lookup.filtered is not None or lookup.more:
        return None
    if lookup.failure is None:
        return frozenset([host.name for host in lookup.hosts])
    return _NULL_MX if lookup.failure.failure_class is FailureClass.DNS_NULL_MX else None


def _networks(hosts: Sequence[MxHost]) -> frozenset[str] | None:
    """The networks of all addresses; None: not known as a whole, or there is none."""
    if not all(map(_is_whole, hosts)):
        return None
    return frozenset([_network(address) for host in hosts for address in host.addresses]) or None


def _is_whole(host: MxHost) -> bool:
    if host.incomplete or host.more or host.filtered is not None:
        return False
    return host.failure is None or host.failure.failure_class is FailureClass.MX_IS_ADDRESS or host.cause in _DENIED


def _network(address: str) -> str:
    """A /16 or a /32, as exporter.diagnosis.networks has them."""
    number = network_of(address)
    return f"{number >> 16:x}:{number & 0xFFFF:x}::/32" if ":" in address else f"{number >> 8}.{number & 255}.0.0/16"


def _of_sets(what: DomainChange, old: frozenset[str] | None, new: frozenset[str] | None) -> Difference | None:
    if old is None or new is None or old == new:
        return None
    gone, come = sorted(old - new), sorted(new - old)
    before, now = _listed(sorted(old)), _listed(sorted(new))
    if before == now:  # they differ behind the cut
        before, now = _listed(["…", *gone]), _listed(["…", *come])
    return Difference(what, before, now, tuple(gone), tuple(come))


def _listed(names: Iterable[str]) -> str:
    return printable(", ".join(names), _MAX_CHARS)


def _is_known(mta_sts: MtaSts | None) -> bool:
    return mta_sts is not None and mta_sts.mode is not MtaStsMode.UNKNOWN


def _of_policy(old: MtaSts | None, new: MtaSts | None) -> Difference | None:
    if old is None or new is None or old.mode is new.mode or not (_is_known(old) and _is_known(new)):
        return None
    what = DomainChange.MTA_STS_WEAKENED if old.mode is MtaStsMode.ENFORCE else DomainChange.MTA_STS
    return Difference(what, old.mode.value, new.mode.value)
