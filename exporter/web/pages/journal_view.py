"""The card "What changed" of a target's page, as plain values for the template."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.concurrency import steady_clock
from exporter.model.change import DomainChange, HostChange
from exporter.web.backend import KnownChange

# Of a domain with many hosts the latest ones.
MAX_LINES: Final = 50

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
# Those that take protection away.
_WORSE: Final = frozenset(
    {
        HostChange.STARTTLS_LOST,
        HostChange.ISSUER_PRIVATE,
        HostChange.TLSA_OUTDATED,
        HostChange.TLSA_MISMATCH,
        HostChange.TLSA_GONE,
        DomainChange.MTA_STS_WEAKENED,
    }
)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One change; `host` is empty where it is one of the target itself."""

    at: float  # Unix time
    what: str
    words: str
    host: str
    before: str
    now: str
    worse: bool


def journal_lines(changes: Iterable[KnownChange]) -> tuple[JournalLine, ...]:
    """The latest changes, the latest first."""
    latest = sorted(changes, key=lambda change: -change.entry.at)[:MAX_LINES]
    return tuple(map(_line, latest))


def _line(change: KnownChange) -> JournalLine:
    at, what, before, now = change.entry
    host, text = change.host, ""
    if host is not None:
        text = host.mx if host.mx == host.address else f"{host.mx} [{host.address}]"
    return JournalLine(steady_clock.unix(at), what, WORDS[what], text, before, now, what in _WORSE)
