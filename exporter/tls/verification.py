"""What a chain of certificates is worth to who wants to reach `server_name`: chain, dates and name, each by itself.

A probe reports all that is wrong, where a handshake with verification stops at the first. The chain is verified by
cryptography's path validation with the demands of mail, not of browsers: what OpenSSL, so most senders, would take.

A server shows the same chain for months, and to verify it takes 300 µs, as long as all else of a probe: what one is
worth is kept, until a date in it or the system's roots may have changed that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from exporter.result import Failure, FailureClass, Stage
from exporter.smtp.printable import printable
from exporter.tls.certificate import load, names_of, shown_name, unwise_is_fine
from exporter.tls.roots import Roots

_C: Final = FailureClass
# Certificates looked at between the server's own and a root. Real chains have one to three.
MAX_INTERMEDIATES: Final = 8
# The dates of the roots themselves are looked at again after so long.
_KEPT_SECONDS: Final = 3600.0
# Half a kilobyte each. Beyond it the oldest goes.
_MAX_KEPT: Final = 100_000
_SERVER_PURPOSES: Final = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True)
class Trust:
    """What a chain is worth. Times are Unix time; None where no certificate can be read."""

    faults: tuple[Failure, ...] = ()
    not_before: float | None = None  # the latest of all that were sent
    not_after: float | None = None  # the earliest of all that were sent
    subject: str = ""
    issuer: str = ""

    @property
    def verified(self) -> bool:
        """Chain, dates and name are right."""
        return not self.faults


class _Kept(NamedTuple):
    """What a chain is worth from one Unix time until another."""

    begin: float
    until: float
    trust: Trust


_KEPT: Final[WeakKeyDictionary[Roots, dict[bytes, _Kept]]] = WeakKeyDictionary()


def examine(chain: Sequence[bytes], server_name: str, at: float, roots: Roots) -> Trust:
    """Judge `chain` (DER, the server's own certificate first) as of Unix time `at`."""
    kept_by_key = _KEPT.setdefault(roots, {})
    key = _digest(chain, server_name)
    kept = kept_by_key.get(key)
    if kept is not None and kept.begin <= at < kept.until:
        return kept.trust
    with unwise_is_fine():
        trust, until = _examine(chain, server_name, at, roots)
    kept_by_key.pop(key, None)  # to the end of the order, which is that of age
    kept_by_key[key] = _Kept(at, min(until, at + _KEPT_SECONDS), trust)
    if len(kept_by_key) > _MAX_KEPT:
        del kept_by_key[next(iter(kept_by_key))]
    return trust


def _digest(chain: Sequence[bytes], server_name: str) -> bytes:
    digest = hashlib.sha256()
    for part in (*chain, server_name.encode()):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def _examine(chain: Sequence[bytes], server_name: str, at: float, roots: Roots) -> tuple[Trust, float]:
    """What it is worth, and when the first of its dates comes."""
    own = load(chain[0]) if chain else None
    if own is None:
        what = "cannot be read" if chain else "is missing"
        return Trust((_fault(_C.TLS_UNTRUSTED, f"the server's certificate {what}"),)), math.inf
    sent = [own, *(found for der in chain[1:] if (found := load(der)) is not None)]
    faults = [*_dates_and_chain(sent, datetime.fromtimestamp(at, UTC), roots)]
    names = names_of(own)
    if not names.match(server_name):
        shown = str(names) or f"no host (it has no subjectAltName, its subject is {shown_name(own.subject)})"
        faults.append(_fault(_C.TLS_NAME_MISMATCH, f"the certificate is for {shown}, not for {server_name}"))
    begins = [certificate.not_valid_before_utc.timestamp() for certificate in sent]
    ends = [certificate.not_valid_after_utc.timestamp() for certificate in sent]
    trust = Trust(
        tuple(faults),
        not_before=max(begins),
        not_after=min(ends),
        subject=str(names) or shown_name(own.subject),
        issuer=shown_name(own.issuer),
    )
    return trust, min((date for date in (*begins, *ends) if date > at), default=math.inf)


def _dates_and_chain(sent: list[x509.Certificate], now: datetime, roots: Roots) -> list[Failure]:
    path = _path(sent)
    reason = _untrusted(path, now, roots)
    if reason is None:
        return []  # an expired certificate that the path does not need harms nobody
    faults = []
    # As of a time when all on the path were valid: is it the dates alone?
    latest = max(certificate.not_valid_before_utc for certificate in path)
    earliest = min(certificate.not_valid_after_utc for certificate in path)
    then = now if latest > earliest else min(max(now, latest), earliest)
    if now > earliest:
        ended = next(certificate for certificate in path if certificate.not_valid_after_utc == earliest)
        faults.append(_fault(_C.TLS_EXPIRED, f"{_whose(ended, path)} expired on {earliest:%Y-%m-%d %H:%M} UTC"))
    if now < latest:
        early = next(certificate for certificate in path if certificate.not_valid_before_utc == latest)
        faults.append(
            _fault(_C.TLS_NOT_YET_VALID, f"{_whose(early, path)} is not valid before {latest:%Y-%m-%d %H:%M} UTC")
        )
    if faults and then != now:
        reason = _untrusted(path, then, roots)
    if reason is not None:
        faults.append(_fault(_C.TLS_UNTRUSTED, reason))
    return faults


def _whose(certificate: x509.Certificate, path: list[x509.Certificate]) -> str:
    if certificate is path[0]:
        return "the server's certificate"
    return f"the certificate of {shown_name(certificate.subject)} in its chain"


def _path(sent: list[x509.Certificate]) -> list[x509.Certificate]:
    """The server's certificate and each issuer's after it, whatever their order (RFC 8446 4.4.2), one for each name.

    A path searched for among certificates that all bear one name takes a time exponential in their number: a server
    that sends a hundred of them must not stop the loop.
    """
    path = [sent[0]]
    by_subject: dict[bytes, x509.Certificate] = {}
    for certificate in sent[1:]:
        by_subject.setdefault(certificate.subject.public_bytes(), certificate)
    while len(path) <= MAX_INTERMEDIATES:
        issuer = by_subject.pop(path[-1].issuer.public_bytes(), None)
        if issuer is None:
            break
        path.append(issuer)
    return path


def _untrusted(path: list[x509.Certificate], at: datetime, roots: Roots) -> str | None:
    """Why the path leads to no root at that time; None where it does."""
    if roots.store is None:
        return "this system has no root certificates"
    own = path[0]
    if own in roots.certificates:  # trusted by name, as OpenSSL takes it; its dates count all the same
        return None if own.not_valid_before_utc <= at <= own.not_valid_after_utc else "out of its dates"
    try:
        _verifier(roots.store, at).verify(own, path[1:])
    except VerificationError as error:
        if own.subject == own.issuer:
            return "the certificate is self-signed"
        if "not found" in str(error) or "candidates exhausted" in str(error):
            return f"no root of this system vouches for the issuer {shown_name(path[-1].issuer)}"
        return f"the chain does not verify: {_words(error)}"
    except Exception as error:  # malformed extensions raise what they like, see certificate.names_of
        return f"the chain cannot be read: {type(error).__name__}"
    return None


def _words(error: VerificationError) -> str:
    """The library's sentence, without the certificate it repeats."""
    return printable(str(error).removeprefix("validation failed: ").split(" (encountered", 1)[0], 200)


def _verifier(store: Store, at: datetime) -> ClientVerifier:
    """A verifier that asks nothing about names; they are looked at by themselves."""
    return (
        PolicyBuilder()
        .store(store)
        .time(at)
        .extension_policies(ca_policy=_issuers(), ee_policy=_servers())
        .build_client_verifier()
    )


@lru_cache(maxsize=1)
def _issuers() -> ExtensionPolicy:
    """RFC 5280 6.1.4 (k), (n): an issuer is a CA, and may sign certificates where it says what it may."""
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_ca)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    )


@lru_cache(maxsize=1)
def _servers() -> ExtensionPolicy:
    """RFC 5280 4.2.1.12: a certificate is for a server where it does not say what it is for."""
    return ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_for_servers)


def _is_ca(_: Policy, __: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("an issuer in the chain is no certificate authority")


def _may_sign(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer in the chain may not sign certificates")


def _is_for_servers(_: Policy, __: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and not _SERVER_PURPOSES & set(usage):
        raise ValueError("the certificate is not for servers")


def _fault(failure_class: FailureClass, detail: str) -> Failure:
    return Failure(Stage.TLS, failure_class, detail)
