"""Faults in the MX records of a domain, in sentences that help to mend them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.result import MxHost, MxLookup

_C = FailureClass
# RFC 6761 6.3 and the names of systems for the same: every host means itself by them, so they name no mail host.
_LOCALHOST: Final = frozenset({"localhost", "localhost.localdomain", "localhost4", "localhost6", "localdomain"})
# ICANN's answer in place of names in new top-level domains that private networks used before (SAC 062).
_COLLISION: Final = "127.0.53.53"
# Words of the reasons in exporter.net.special_addresses for addresses that an internal mail host may have.
_INTERNAL: Final = ("private", "shared", "link-local", "site-local", "local translation")


def means_no_host(name: str) -> bool:
    """True of a name with which an MX record means the same as a null MX record."""
    return name in _LOCALHOST or name.endswith(".localhost")


def null_mx_by_name(domain: str, name: str) -> Failure:
    """The failure of a domain that takes no mail, by an MX record with a name that means "no host"."""
    detail = f"the MX record {name} says that {domain} takes no mail, as a null MX record would"
    return Failure(Stage.DNS, _C.DNS_NULL_MX, detail, Confidence.LIKELY, about=domain)


def forbidden_address(name: str, address: str, reason: str) -> Failure:
    """The failure of `address` of `name`, which is never connected to: it is `reason`."""
    evidence: tuple[str, ...] = ()
    if address == _COLLISION:
        detail = f"{name} is {address}, ICANN's sign of a name collision: an internal name that is a public one now"
        evidence = ("rename the internal domain, or ask the internal resolver (SAC 062)",)
    elif ip_address(address).is_loopback:
        detail = f"{address} is {reason}"
        # A target that is the address itself may be meant: with `allow_addresses` it takes mail.
        so = "" if name == address else f", so {name} takes no mail at all"
        evidence = (f"every host means itself by it{so}",)
    else:
        detail = f"{address} is {reason}"
    if any(word in reason for word in _INTERNAL):
        evidence = (f"where it is your own, let it be probed: allow_addresses: [{address}]",)
    return Failure(Stage.DNS, _C.MX_ADDRESS_FORBIDDEN, detail, evidence=evidence, about=address)


def is_address(domain: str, name: str, address: str) -> Failure:
    """The failure of the MX record `name`, which names an address."""
    detail = f"the MX record names the address {address}, where a host name belongs"
    evidence: tuple[str, ...] = ()
    if name not in (address, f"[{address}]"):
        evidence = (f"the record says {name}: the zone's name was added behind it",)
    return Failure(Stage.DNS, _C.MX_IS_ADDRESS, detail, evidence=evidence, about=name)


def no_host_name(name: str) -> Failure:
    """The failure of the MX record `name`, with characters that no host name has."""
    detail = f"the MX record names {name}, which is no host name (RFC 5321 2.3.5)"
    evidence = ("it has other characters than letters, digits and hyphens: resolvers do not look it up",)
    return Failure(Stage.DNS, _C.MX_UNRESOLVABLE, detail, evidence=evidence, about=name)


def without_suffix(domain: str, name: str) -> Iterator[str]:
    """The names that an MX record of `domain` means if the zone lacks the final dot, for the longest zone first."""
    labels = domain.split(".")
    for first in range(max(1, len(labels) - 1)):
        zone = ".".join(labels[first:])
        if name.endswith(f".{zone}"):
            yield name.removesuffix(f".{zone}")


def is_doubled(domain: str, name: str) -> bool:
    """True where `name` ends in the domain, or in its zone, twice: mail.example.com.example.com."""
    labels = domain.split(".")
    zones = [".".join(labels[first:]) for first in range(max(1, len(labels) - 1))]
    return any(name == f"{zone}.{zone}" or name.endswith(f".{zone}.{zone}") for zone in zones)


def final_dot(name: str, meant: str, *, exists: bool) -> Failure:
    """The failure of an MX record that names `name` and means `meant`."""
    detail = f"the final dot is missing in the zone: the MX record names {name}"
    evidence = (f"{meant} exists, {name} does not" if exists else f"{name} does not exist", f"write {meant}. there")
    return Failure(Stage.DNS, _C.MX_UNRESOLVABLE, detail, evidence=evidence, about=name)


def unresolvable(host: MxHost, failure: Failure) -> Failure:
    """The failure of an MX host without an address, for the reason `failure`."""
    said = {
        _C.DNS_NXDOMAIN: "does not exist",
        _C.DNS_NO_ADDRESS: "has no address",
        _C.DNS_SERVFAIL: "cannot be looked up",
        _C.DNS_BOGUS: "is not to be believed: DNSSEC fails",
    }.get(failure.failure_class, "gives no address")
    alias = f"is an alias of {failure.about}, which " if host.is_cname and failure.about else ""
    return Failure(
        Stage.DNS,
        _C.MX_UNRESOLVABLE,
        f"the MX host {host.name} {alias}{said}",
        failure.confidence,  # the reason is no more certain for the MX record than for the name
        evidence=(failure.detail, *failure.evidence),
        about=failure.about or host.name,
    )


def no_mx_nor_address(lookup: MxLookup, failure: Failure) -> Failure:
    """The failure of a domain without a mail host: no MX record, no address."""
    domain = lookup.domain
    who = f"{domain} is an alias of {lookup.alias_of}, which has" if lookup.alias_of else f"{domain} has"
    detail = f"{who} no MX record and no address"
    # Where both families were queried, the detail says all.
    evidence = () if failure.detail.endswith("has no IPv4 or IPv6 address") else (failure.detail,)
    return Failure(Stage.DNS, _C.DNS_NO_ADDRESS, detail, evidence=evidence, about=lookup.alias_of or domain)
