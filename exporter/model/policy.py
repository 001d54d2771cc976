"""Policies as results: MTA-STS (RFC 8461), TLS-RPT (RFC 8460), DANE (RFC 7672) and its TLSA records (RFC 6698)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Failure
from exporter.model.zone import Signature


class MtaStsMode(StrEnum):
    """The mode for senders that honour MTA-STS (RFC 8461 5): the `mode` label of `mx_domain_mta_sts_mode`."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"  # a policy with the mode none, which ends an older one
    ABSENT = "absent"  # no record
    UNKNOWN = "unknown"  # there is a record, or may be one, and no policy could be fetched


class MtaStsProblem(StrEnum):
    """The fault of an MTA-STS record or policy: the `class` label of `mx_domain_mta_sts_failure`."""

    RECORD_LOOKUP = "record_lookup"  # the TXT record cannot be looked up
    RECORD_INVALID = "record_invalid"  # malformed, or more than one
    RECORD_ABSENT = "record_absent"  # gone, while the policy fetched before is still in force
    HOST_LOOKUP = "host_lookup"  # mta-sts.<domain> has no address
    ADDRESS_FORBIDDEN = "address_forbidden"  # only special addresses, never connected to
    CONNECT = "connect"
    TLS = "tls"  # no handshake
    CERTIFICATE = "certificate"  # not valid for mta-sts.<domain>
    TIMEOUT = "timeout"
    HTTP = "http"  # no HTTP, or an incomplete response
    HTTP_STATUS = "http_status"  # not 200
    REDIRECT = "redirect"  # RFC 8461 3.3: not followed
    CONTENT_TYPE = "content_type"  # not text/plain
    TOO_LARGE = "too_large"
    POLICY_INVALID = "policy_invalid"
    LOCAL = "local"  # our own resolver, network or limits: no fault of the domain


class DaneState(StrEnum):
    """The result of DANE for a sender that honours it (RFC 7672 2.2): the `state` label of `mx_host_dane_state`."""

    VERIFIED = "verified"  # the certificate matches a TLSA record
    MISMATCH = "mismatch"  # it matches none: the sender keeps the mail
    NO_TLS = "no_tls"  # there are TLSA records, and no TLS: the sender keeps the mail
    UNUSABLE = "unusable"  # no TLSA record can be used: TLS is required, without authentication
    LOOKUP_FAILED = "lookup_failed"  # the TLSA records cannot be looked up: the sender keeps the mail
    ABSENT = "absent"  # no TLSA records
    INSECURE = "insecure"  # the MX or address answer is not authenticated, so DANE does not apply
    UNCHECKED = "unchecked"  # there are TLSA records, and the session ended before TLS


@dataclass(frozen=True, slots=True)
class MtaSts:
    """A domain's MTA-STS (RFC 8461).

    `valid`: record and policy, as published now, are valid; None without a record, or where this is not known.
    `mode`, `mx` and `max_age` are those of the policy in force, which may be an older one.
    """

    mode: MtaStsMode
    valid: bool | None = None
    problem: MtaStsProblem | None = None
    detail: str = ""  # for a person; may quote a server
    id: str = ""  # of the record
    mx: tuple[str, ...] = ()
    max_age: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class TlsRpt:
    """A domain's TLS reporting (RFC 8460). `present` None: the record cannot be looked up."""

    present: bool | None
    valid: bool | None = None  # None unless present
    detail: str = ""
    rua: tuple[str, ...] = ()  # the addresses for reports


@dataclass(frozen=True, slots=True)
class Dane:
    """The DANE result (RFC 7672) of one address of one host."""

    state: DaneState
    records: tuple[str, ...] = ()  # TLSA, as in a zone file; long data cut
    detail: str = ""
    signature: Signature | None = None  # of the TLSA answer


# The usages, selectors and matching types of TLSA by their names (RFC 7218).
PKIX_TA: Final = 0
PKIX_EE: Final = 1
DANE_TA: Final = 2
DANE_EE: Final = 3
CERT: Final = 0
SPKI: Final = 1
FULL: Final = 0
_HASHES: Final = MappingProxyType({1: hashlib.sha256, 2: hashlib.sha512})
# Of the association data in text: a digest whole, a certificate cut.
_SHOWN_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698 2.1). `data` is the association: a digest, or a whole certificate or key."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        more = "…" if len(self.data) > _SHOWN_BYTES else ""
        return f"{self.usage} {self.selector} {self.matching} {self.data[:_SHOWN_BYTES].hex()}{more}"

    def associates(self, certificate: bytes, key: bytes) -> bool:
        """True if the record matches `certificate` or its SubjectPublicKeyInfo `key`; DER (RFC 6698 2.1.2, 2.1.3)."""
        selected = {CERT: certificate, SPKI: key}.get(self.selector)
        if selected is None:
            return False
        if self.matching == FULL:
            return selected == self.data
        algorithm = _HASHES.get(self.matching)
        return algorithm is not None and algorithm(selected).digest() == self.data


class TlsaStatus(Enum):
    """The outcome of a TLSA lookup."""

    INSECURE = "insecure"  # an answer before it is not authenticated: DANE does not apply
    ABSENT = "absent"  # all answers are authenticated, and there is no record
    FAILED = "failed"  # the records of a host that may have some cannot be looked up
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class TlsaLookup:
    """The records of one host. `names` are the reference identifiers of its certificate (RFC 7672 3.2.2)."""

    status: TlsaStatus
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    detail: str = ""  # for a person: the answer that is insecure
    failure: Failure | None = None
    signature: Signature | None = None  # of the records
