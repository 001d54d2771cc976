"""Our own standing: the public address of each family as others see it, its names, SPF, and block lists.

All values are immutable. Unknown is a value of its own: a lookup that failed shows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.model.address import Family


class SpfResult(StrEnum):
    """A result of SPF (RFC 7208 2.6); the `result` label of `mx_self_spf`."""

    NONE = "none"  # the domain has no policy
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"  # the DNS gave no answer
    PERMERROR = "permerror"  # the policy is wrong


class ListingState(StrEnum):
    """The answer of a block list about one address."""

    LISTED = "listed"
    CLEAR = "clear"  # the list works, and does not have the address
    REFUSED = "refused"  # an error code of the list: it does not answer our resolver
    IPV4_ONLY = "ipv4_only"  # it works, and has no entries of IPv6
    DEAD = "dead"  # by its test addresses it lists everything, or nothing (RFC 5782 5)
    FAILED = "failed"  # the DNS gave no useful answer


# The states that say something about the address.
WORKING: Final = frozenset({ListingState.LISTED, ListingState.CLEAR})


class AddressSource(StrEnum):
    """The way in which an address is known."""

    CONFIGURED = "configured"
    TOLD = "told"  # by mail hosts in their answers to EHLO
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ToldAddress:
    """An address that mail hosts tell as ours."""

    address: str
    organisations: int  # unrelated ones that tell it
    hosts: int
    example: str  # the name of one of these hosts
    doubt: str = ""  # the reason not to believe it, half a sentence; empty: none


@dataclass(frozen=True, slots=True)
class AddressName:
    """A name in the PTR records of an address."""

    name: str
    resolves_back: bool | None  # None: not known
    addresses: tuple[str, ...] = ()  # that it resolves to
    generic: str = ""  # the reason why receivers take it for a name of no mail server; empty: none


@dataclass(frozen=True, slots=True)
class ReverseDns:
    """The PTR records of an address; `failure`: the reason why they, or some of them, are not known."""

    pointer: str  # the name below in-addr.arpa or ip6.arpa
    names: tuple[AddressName, ...] = ()
    failure: str = ""

    @property
    def confirmed(self) -> bool | None:
        """A name resolves back to the address (FCrDNS); None: that is not known."""
        if any(each.resolves_back for each in self.names):
            return True
        if self.failure or any(each.resolves_back is None for each in self.names):
            return None
        return False

    @property
    def generic(self) -> bool | None:
        """Every name looks generic; None: there is none, or they are not known."""
        if not self.names or (self.failure and all(each.generic for each in self.names)):
            return None
        return all(each.generic for each in self.names)


@dataclass(frozen=True, slots=True)
class HeloName:
    """A name that we say after EHLO; `matches`: it is, or resolves to, the address. None: not known."""

    name: str
    matches: bool | None
    detail: str = ""  # half a sentence


@dataclass(frozen=True, slots=True)
class SenderPolicy:
    """The SPF result of a domain for the address."""

    domain: str
    result: SpfResult
    sender: str = ""  # the identity that was evaluated; empty: the EHLO name, as for the null sender
    reason: str = ""  # half a sentence


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """A block list, and its answer about the address."""

    name: str  # of the list
    state: ListingState
    at: float = field(default=0.0, compare=False)  # Unix time of the answer
    codes: tuple[str, ...] = ()  # the addresses that it answered with
    detail: str = ""  # half a sentence; of a listing the list's own text


class Listing(NamedTuple):
    """The answer of a block list about an address."""

    address: str
    answer: ListAnswer


@dataclass(frozen=True, slots=True)
class FamilyStanding:
    """The standing of our address of one family."""

    family: Family
    source: AddressSource = AddressSource.NONE
    address: str = ""  # empty: not known
    organisations: int = 0  # unrelated ones that tell the address
    told: tuple[ToldAddress, ...] = ()  # what hosts tell beside it
    is_contested: bool = False  # among these is a public address: some hosts may see us by that one
    reverse: ReverseDns | None = None  # None: not looked up yet, as below
    helo: tuple[HeloName, ...] = ()
    spf: tuple[SenderPolicy, ...] = ()
    lists: tuple[ListAnswer, ...] = ()

    @property
    def helo_matches(self) -> bool | None:
        """Every name that is said after EHLO resolves to the address."""
        known = [each.matches for each in self.helo]
        if not known or (None in known and False not in known):
            return None
        return False not in known

    @property
    def listed(self) -> tuple[ListAnswer, ...]:
        """The lists that have the address."""
        return tuple([each for each in self.lists if each.state is ListingState.LISTED])


@dataclass(frozen=True, slots=True)
class StandingView:
    """Our standing; `sources` are the usual addresses that we connect from: another one has another standing."""

    families: Mapping[Family, FamilyStanding] = field(default_factory=lambda: MappingProxyType({}))
    lists: tuple[str, ...] = ()  # that are configured
    sources: Mapping[Family, str] = field(default_factory=lambda: MappingProxyType({}))
    refusing: int = 0  # domains that refuse us for our reputation

    def of(self, family: Family) -> FamilyStanding:
        """The standing of one family."""
        return self.families.get(family) or FamilyStanding(family)


# Not asked for.
NO_STANDING: Final = StandingView()
