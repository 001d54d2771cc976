"""The verification of a server's certificates: chain, dates and name, each reported by itself.

A probe reports all faults, where a handshake with verification stops at the first. The path is OpenSSL's
(:mod:`exporter.tls.certification_path`), so the result is that of most senders.

A server sends the same chain for months, and to verify it takes a large part of a probe's time: the result is kept,
until a date in it or the system's roots may have changed it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.certificate import NO_ROOTS, SentCertificate
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.printable import printable
from exporter.tls.certificate import library_warnings_ignored, shown_name, shown_names
from exporter.tls.certificate_names import CertificateNames, NameMatch, names_of
from exporter.tls.certification_path import NoPath, find_path, wrong_purpose
from exporter.tls.dated_certificate import DatedCertificate, dated
from exporter.tls.expensive_certificates import MAX_NAME_BYTES, has_endless_name
from exporter.tls.roots import Roots
from exporter.tls.sent_certificate import MAX_TOLD, sent_certificate

_C: Final = FailureClass
# The dates of the roots themselves are checked again after so long.
_KEPT_SECONDS: Final = 3600.0
# Half a kilobyte each. Beyond it the oldest goes.
_MAX_KEPT: Final = 100_000

# x509_vfy.h: OpenSSL's numbers for a path that ends without a root.
_NO_ISSUER: Final = frozenset({2, 20, 21, 27, 33})
_SELF_SIGNED, _SELF_SIGNED_ABOVE = 18, 19
# OpenSSL's number for a fault -> the predicate of a sentence about the certificate at fault.
_WRONG: Final = MappingProxyType(
    {
        7: "bears a signature that is not its issuer's",
        24: "issues others and is no certificate authority",
        79: "issues others and is no certificate authority",
        32: "issues others and may not sign certificates",
        25: "allows no chain of this length",
        22: "ends a chain that is too long",
        26: "is not for servers",
        28: "is marked as not to be trusted on this system",
        34: "demands something that OpenSSL does not know (a critical extension)",
        47: "bears a name that its issuers may not certify (name constraints)",
        48: "bears a name that its issuers may not certify (name constraints)",
        41: "has an extension that cannot be read",
        66: "has a key that is too weak",
    }
)


@dataclass(frozen=True, slots=True)
class Trust:
    """The result of a verification. Times are Unix time; None where no certificate can be read.

    They are those of the path that verifies, or would but for the dates; without one, of the certificates as sent.
    """

    faults: tuple[Failure, ...] = ()
    not_before: float | None = None  # when the last of the certificates begins
    not_after: float | None = None  # when the first of them ends
    subject: str = ""
    issuer: str = ""
    remark: str = ""  # a fault to some senders, but not to most
    common_name: bool = False  # the host's name stands in the common name alone
    chain: tuple[SentCertificate, ...] = ()  # as sent, the server's own first

    @property
    def verified(self) -> bool:
        """Chain, dates and name are right."""
        return not self.faults


class _KeptTrust(NamedTuple):
    """The result of a verification, valid from one Unix time until another."""

    begin: float
    until: float
    trust: Trust


_KEPT: Final[WeakKeyDictionary[Roots, BoundedDict[bytes, _KeptTrust]]] = WeakKeyDictionary()


def examine(chain: Sequence[bytes], server_name: str, at: float, roots: Roots) -> Trust:
    """Judge `chain` (DER, the server's own certificate first) as of Unix time `at`."""
    kept_by_key = _KEPT.get(roots)
    if kept_by_key is None:
        kept_by_key = _KEPT[roots] = BoundedDict(_MAX_KEPT)
    key = _digest(chain, server_name)
    kept = kept_by_key.get(key)
    if kept is not None and kept.begin <= at < kept.until:
        return kept.trust
    with library_warnings_ignored():
        trust, until = _examine(chain, server_name, at, roots)
    kept_by_key[key] = _KeptTrust(at, min(until, at + _KEPT_SECONDS), trust)
    return trust


def _digest(chain: Sequence[bytes], server_name: str) -> bytes:
    digest = hashlib.sha256()
    for part in (*chain, server_name.encode()):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()


def _examine(ders: Sequence[bytes], server_name: str, at: float, roots: Roots) -> tuple[Trust, float]:
    """The result, and the next date at which it may change."""
    own = dated(ders[0]) if ders else None
    if own is None:
        what = "cannot be read" if ders else "is missing"
        return Trust((_fault(_C.TLS_UNTRUSTED, f"the server's certificate {what}"),)), math.inf
    sent = (own, *(found for der in ders[1:] if (found := dated(der)) is not None))
    chain = tuple([sent_certificate(one) for one in sent[:MAX_TOLD]])
    if any(has_endless_name(one.der) for one in sent):
        detail = f"a certificate of its chain has a subject or issuer of more than {MAX_NAME_BYTES} bytes"
        return Trust((_fault(_C.TLS_UNTRUSTED, detail),), own.not_before, own.not_after, chain=chain), math.inf
    faults, path = _dates_and_chain(sent, at, roots)
    parsed = own.parsed
    names = CertificateNames() if parsed is None else names_of(parsed)
    subject = "" if parsed is None else shown_name(parsed.subject)
    match = names.match(server_name)
    if match is None:
        shown = shown_names(names) or f"no host (it has no subjectAltName, its subject is {subject})"
        faults.append(_fault(_C.TLS_NAME_MISMATCH, f"its certificate is for {shown}, not for {server_name}"))
    remark = ""
    if match is NameMatch.COMMON:
        remark = (
            "the certificate has the name as its common name alone: Postfix takes that, MTA-STS and many others demand"
            " a subjectAltName"
        )
    trust = Trust(
        tuple(faults),
        not_before=max(one.not_before for one in path),
        not_after=min(one.not_after for one in path),
        subject=shown_names(names) or subject,
        issuer="" if parsed is None else shown_name(parsed.issuer),
        remark=remark,
        common_name=match is NameMatch.COMMON,
        chain=chain,
    )
    dates = (date for one in (*sent, *path) for date in (one.not_before, one.not_after))
    return trust, min((date for date in dates if date > at), default=math.inf)


def _dates_and_chain(
    sent: tuple[DatedCertificate, ...], at: float, roots: Roots
) -> tuple[list[Failure], tuple[DatedCertificate, ...]]:
    """The faults of chain and dates, and the certificates whose dates count."""
    path = _find(sent, at, roots)
    if not isinstance(path, NoPath):
        return [], path  # an expired certificate that the path does not need is no fault
    # Is it the dates alone?
    timeless = _find(sent, None, roots)
    if isinstance(timeless, NoPath):
        faults = [*_dates(sent[:1], at), _fault(_C.TLS_UNTRUSTED, _reason(timeless, sent, roots))]
        return faults, sent
    return _dates(timeless, at) or [_fault(_C.TLS_UNTRUSTED, _reason(path, sent, roots))], timeless


def _find(chain: Sequence[DatedCertificate], at: float | None, roots: Roots) -> tuple[DatedCertificate, ...] | NoPath:
    path = find_path(chain, roots, at)
    if isinstance(path, NoPath):
        return path
    wrong = wrong_purpose(path)
    return path if wrong is None else NoPath(26, "unsuitable certificate purpose", path.index(wrong), wrong)


def _dates(path: Sequence[DatedCertificate], at: float) -> list[Failure]:
    """The faults of a path whose dates are not those of `at`: the first end and the last beginning."""
    faults = []
    ended = min(path, key=lambda one: one.not_after)
    early = max(path, key=lambda one: one.not_before)
    if at > ended.not_after:
        faults.append(_fault(_C.TLS_EXPIRED, f"{_whose(ended, path)} expired on {_date(ended.not_after)}"))
    if at < early.not_before:
        faults.append(
            _fault(_C.TLS_NOT_YET_VALID, f"{_whose(early, path)} is not valid before {_date(early.not_before)}")
        )
    return faults


def _date(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"


def _whose(certificate: DatedCertificate, path: Sequence[DatedCertificate]) -> str:
    return "its certificate" if certificate == path[0] else f"the certificate of {_subject(certificate)} in its chain"


def _reason(no_path: NoPath, sent: tuple[DatedCertificate, ...], roots: Roots) -> str:
    """The reason why no root of this system vouches for the server, as a sentence."""
    if not roots.certificates:
        return NO_ROOTS
    at_fault = no_path.certificate or sent[0]
    if no_path.code == _SELF_SIGNED:
        return "its certificate is self-signed"
    if no_path.code == _SELF_SIGNED_ABOVE:
        return f"its chain ends at {_subject(at_fault)}, which is no root of this system"
    if no_path.code in _NO_ISSUER:
        issuer = _issuer(at_fault)
        if issuer in roots.names:
            return f"no root of this system vouches for it: the one with the name of its issuer, {issuer}, is another"
        if no_path.depth == 0 and len({one.der for one in sent}) == 1:
            return f"the server sends no intermediate: {issuer}, which issued its own, is no root of this system"
        if no_path.depth == 0:
            return f"its chain lacks the certificate of {issuer}, which issued its own"
        return f"no root of this system vouches for the issuer {issuer}"
    wrong = _WRONG.get(no_path.code)
    whose = "its certificate" if no_path.depth == 0 else f"in its chain the certificate of {_subject(at_fault)}"
    return f"{whose} {wrong}" if wrong is not None else f"the chain does not verify: {printable(no_path.words, 200)}"


def _subject(certificate: DatedCertificate) -> str:
    parsed = certificate.parsed
    return "an unreadable name" if parsed is None else shown_name(parsed.subject)


def _issuer(certificate: DatedCertificate) -> str:
    parsed = certificate.parsed
    return "an unreadable name" if parsed is None else shown_name(parsed.issuer)


def _fault(failure_class: FailureClass, detail: str) -> Failure:
    return Failure(Stage.TLS, failure_class, detail)
