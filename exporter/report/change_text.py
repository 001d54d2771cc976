"""Changes in words, for pages and for the report on a target, and the step after those that take protection away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from exporter.model.change import DomainChange, HostChange
from exporter.model.policy import DaneState
from exporter.model.printable import printable
from exporter.model.result import HostIdentity
from exporter.model.tls_version import OLD_VERSIONS
from exporter.store.journal import JournalEntry

# A change of a host, or of the target itself (None).
OneChange = tuple[JournalEntry, HostIdentity | None]

WORDS: Final[Mapping[HostChange | DomainChange, str]] = MappingProxyType(
    {
        HostChange.STARTTLS_LOST: "STARTTLS is no longer offered to us",
        HostChange.STARTTLS_BACK: "STARTTLS is offered now",
        HostChange.CERTIFICATE: "another certificate",
        HostChange.ISSUER: "another issuer of its certificate",
        HostChange.ISSUER_PRIVATE: "an issuer that no root of this system vouches for",
        HostChange.TLS_VERSION: "another version of TLS",
        HostChange.TLSA_OUTDATED: "another certificate, which the TLSA records do not match",
        HostChange.TLSA_MISMATCH: "the TLSA records do not match any more",
        HostChange.TLSA_GONE: "the TLSA records are gone",
        HostChange.DANE: "another state of DANE",
        HostChange.SOFTWARE: "other software in the greeting",
        HostChange.SIZE_LIMIT: "another size limit",
        DomainChange.MX: "other MX hosts",
        DomainChange.NETWORKS: "other networks of the addresses",
        DomainChange.MTA_STS_WEAKENED: "MTA-STS does not enforce any more",
        DomainChange.MTA_STS: "another mode of MTA-STS",
    }
)

_MATCH: Final = (
    "tell the postmaster of the mail host, and its DNS administrator: senders who honour DANE keep their mail while the"
    " TLSA records do not match"
)
_STEPS: Final[Mapping[HostChange | DomainChange, str]] = MappingProxyType(
    {
        HostChange.STARTTLS_LOST: (
            "ask the postmaster of the mail host; where another network still sees it, ask whoever runs our path"
        ),
        HostChange.ISSUER_PRIVATE: (
            "tell the postmaster of the mail host: a private authority, or an intermediate certificate that is not"
            " sent; where unrelated hosts have the same issuer, ask whoever runs our path"
        ),
        HostChange.TLS_VERSION: "ask the postmaster of the mail host",
        HostChange.TLSA_OUTDATED: _MATCH,
        HostChange.TLSA_MISMATCH: _MATCH,
        HostChange.TLSA_GONE: "ask the DNS administrator of the mail host",
        HostChange.DANE: (
            "ask the postmaster of the mail host, and its DNS administrator; where many hosts have it at once, ask"
            " whoever runs our resolver"
        ),
        DomainChange.MTA_STS_WEAKENED: "ask the owner of the domain",
    }
)
_VERSIONS: Final = (*reversed(OLD_VERSIONS), "TLSv1.2", "TLSv1.3")


def step_after(entry: JournalEntry) -> str:
    """Whom to ask after a change that takes protection away; empty after any other."""
    what, before, now = entry.what, entry.before, entry.now
    if what is HostChange.TLS_VERSION and not _is_older(now, before):
        return ""
    if what is HostChange.DANE and before != DaneState.VERIFIED:
        return ""
    return _STEPS.get(what, "")


def _is_older(version: str, other: str) -> bool:
    known = {each: place for place, each in enumerate(_VERSIONS)}
    return version in known and other in known and known[version] < known[other]


def latest(changes: Iterable[OneChange], limit: int) -> Sequence[OneChange]:
    """The latest changes, the latest first.

    Where there are more, the last one of each kind of each host comes before another of the same: one that goes to and
    fro leaves room for the others.
    """
    numbers: Counter[tuple[HostIdentity | None, HostChange | DomainChange]] = Counter()
    ranked: list[tuple[int, int]] = []
    ordered = sorted(changes, key=lambda change: -change[0].at)
    for place, (entry, host) in enumerate(ordered):
        ranked.append((numbers[host, entry.what], place))
        numbers[host, entry.what] += 1
    return [ordered[place] for place in sorted(place for _, place in sorted(ranked)[:limit])]


def host_name(host: HostIdentity | None) -> str:
    """The host of a change; empty where it is one of the target itself."""
    if host is None:
        return ""
    name = printable(host.mx)
    return name if host.mx == host.address else f"{name} [{host.address}]"
