"""Changes of what is known of a host or of a domain: closed lists, and the plain values that are compared. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from exporter.model.policy import MtaSts
from exporter.model.result import MxHost, MxLookup


class HostChange(StrEnum):
    """A change of a host: the `what` label of `mx_host_changes_total`."""

    STARTTLS_LOST = "starttls_lost"  # offered before, and not now: a downgrade
    STARTTLS_BACK = "starttls_back"  # offered now, and not before
    CERTIFICATE = "certificate"  # by the fingerprint of the server's own
    ISSUER = "issuer"  # the organisation, or that a root vouches for it
    ISSUER_PRIVATE = "issuer_private"  # from one that a root of this system vouches for to one that none does
    TLS_VERSION = "tls_version"
    TLSA_OUTDATED = "tlsa_outdated"  # verified before; another certificate, and the same TLSA records
    TLSA_MISMATCH = "tlsa_mismatch"  # verified before; no match any more, for another reason
    TLSA_GONE = "tlsa_gone"  # there were TLSA records, and an authenticated answer that there are none
    DANE = "dane"  # any other state of DANE
    SOFTWARE = "software"  # the product that the greeting names
    SIZE_LIMIT = "size_limit"


class DomainChange(StrEnum):
    """A change of a domain: the `what` label of `mx_domain_changes_total`."""

    MX = "mx"  # the names of the MX hosts
    NETWORKS = "networks"  # of their addresses
    MTA_STS_WEAKENED = "mta_sts_weakened"  # from enforce to less
    MTA_STS = "mta_sts"  # any other mode


class Difference(NamedTuple):
    """A difference between what was known and what a result shows; the texts are escaped and bounded.

    `gone` and `new` are the values that are no longer shown and those that are now: in a rotating pool they alternate.
    Without either the difference is one of states, which do not rotate.
    """

    what: HostChange | DomainChange
    before: str
    now: str
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


class DomainFacts(NamedTuple):
    """The part of a target's result whose changes are noted."""

    lookup: MxLookup | None = None
    named: tuple[MxHost, ...] = ()
    mta_sts: MtaSts | None = None
