"""The changes of a host: what a session showed, compared with what was known of the host before.

A fact that the session did not come to is no change, and what was known of it stays known: a host that does not answer
has lost nothing. Nor does a session that something on our own path has answered show anything of the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from exporter.model.certificate import NO_ROOTS
from exporter.model.change import Difference, HostChange
from exporter.model.failure import FailureClass
from exporter.model.policy import Dane, DaneState
from exporter.model.printable import printable
from exporter.model.result import HostFacts, HostResult, TlsResult

_STARTTLS: Final = "STARTTLS"
_MAX_CHARS: Final = 200
# Of a fingerprint, where two certificates differ in nothing else that is told of them.
_SHOWN_DIGITS: Final = 16
# The organisation in a name as RFC 4514 writes it, with commas escaped.
_ORGANISATION: Final = re.compile(r"(?:^|,)O=((?:\\.|[^,\\])+)")
# The records were looked up, and the session came as far as they ask; else nothing is known of the two together.
_UNKNOWN: Final = frozenset({DaneState.UNCHECKED, DaneState.LOOKUP_FAILED})
_WITHOUT_RECORDS: Final = frozenset({DaneState.ABSENT, DaneState.INSECURE})


def host_changes(known: HostFacts, result: HostResult) -> tuple[tuple[Difference, ...], HostFacts]:
    """The differences that a result shows, and what is known of the host now."""
    failure, now = result.outcome.failure, result.facts
    if failure is not None and failure.failure_class is FailureClass.EGRESS_INTERCEPTED:
        return (), known
    found = (_starttls(known, now), *_tls(known, now), _dane(known, now), _software(known, now), _size(known, now))
    return tuple([each for each in found if each is not None]), _merged(known, now)


def _merged(known: HostFacts, now: HostFacts) -> HostFacts:
    """The facts of `now`, with those known before that it did not come to; `now` itself where there are none."""
    older: dict[str, object] = {}
    if now.esmtp is None and known.esmtp is not None:
        older |= {"esmtp": known.esmtp, "extensions": known.extensions}
    if now.size_limit is None and known.size_limit is not None:
        older["size_limit"] = known.size_limit
    if now.tls is None and known.tls is not None:
        # The chain above the certificate is not compared, and may be long.
        older["tls"] = known.tls if len(known.tls.chain) < 2 else replace(known.tls, chain=known.tls.chain[:1])
    if not _is_known(now.dane) and _is_known(known.dane):
        older["dane"] = known.dane
    if not now.software and known.software:
        older["software"] = known.software
    return replace(now, **older) if older else now  # type: ignore[arg-type]


def _is_known(dane: Dane | None) -> bool:
    return dane is not None and dane.state not in _UNKNOWN


def _starttls(known: HostFacts, now: HostFacts) -> Difference | None:
    """EHLO was answered both times, or refused and HELO was accepted (RFC 3207 4: then there is no STARTTLS)."""
    if known.esmtp is None or now.esmtp is None:
        return None
    before, offered = _STARTTLS in known.extensions, _STARTTLS in now.extensions
    if before is offered:
        return None
    texts = ("not offered", "offered")
    what = HostChange.STARTTLS_BACK if offered else HostChange.STARTTLS_LOST
    return Difference(what, texts[before], texts[offered])


def _tls(known: HostFacts, now: HostFacts) -> Iterator[Difference]:
    old, new = known.tls, now.tls
    if old is None or new is None or old is new:
        return
    if _certificate(old) != _certificate(new):
        before, after = _in_words(old), _in_words(new)
        if before == after:
            before, after = (
                f"{before}, SHA-256 {_certificate(tls)[:_SHOWN_DIGITS] or 'unknown'}" for tls in (old, new)
            )
        yield Difference(HostChange.CERTIFICATE, before, after, (_certificate(old),), (_certificate(new),))
        yield from _issuers(old, new)
    if old.version != new.version:
        versions = printable(old.version, _MAX_CHARS), printable(new.version, _MAX_CHARS)
        yield Difference(HostChange.TLS_VERSION, *versions, (old.version,), (new.version,))


def _issuers(old: TlsResult, new: TlsResult) -> Iterator[Difference]:
    """The difference of two certificates by their issuers: whoever forges one takes the name of the other's along."""
    issuer, other = _issuer(old), _issuer(new)
    trusted, still = _is_trusted(old), _is_trusted(new)
    # Without roots of our own no issuer is vouched for, which says nothing of any.
    if issuer == other and (trusted is still or _lacks_roots(old) or _lacks_roots(new)):
        return
    is_private = trusted and not still and not _lacks_roots(new)
    before, after = _vouched(issuer, old), _vouched(other, new)
    what = HostChange.ISSUER_PRIVATE if is_private else HostChange.ISSUER
    yield Difference(what, before, after, (before,), (after,))


def _vouched(issuer: str, tls: TlsResult) -> str:
    """An issuer in words; of one name, one that is vouched for and one that is not are two values."""
    return issuer if _is_trusted(tls) or _lacks_roots(tls) else f"{issuer} (no root vouches for it)"


def _certificate(tls: TlsResult) -> str:
    """The fingerprint of the server's own certificate; empty where none can be read, in whichever words."""
    return tls.chain[0].digest if tls.chain else ""


def _in_words(tls: TlsResult) -> str:
    issuer = printable(tls.issuer or "nobody", _MAX_CHARS)
    return f"{printable(tls.subject or 'no names', _MAX_CHARS)}, by {issuer}, until {_date(tls.not_after)}"


def _date(at: float | None) -> str:
    """A day; a certificate may end in the year 9999, or at no time that this machine knows."""
    try:
        return "no known day" if at is None else f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return "no known day"


def _issuer(tls: TlsResult) -> str:
    """The organisation: a public authority signs with one key of several, one in this month and another in the next."""
    found = _ORGANISATION.search(tls.issuer)
    return printable(found[1] if found else tls.issuer or "nobody", _MAX_CHARS)


def _is_trusted(tls: TlsResult) -> bool:
    return all(fault.failure_class is not FailureClass.TLS_UNTRUSTED for fault in tls.faults)


def _lacks_roots(tls: TlsResult) -> bool:
    return any(fault.detail == NO_ROOTS for fault in tls.faults)


def _dane(known: HostFacts, now: HostFacts) -> Difference | None:
    old, new = known.dane, now.dane
    if old is None or new is None or old.state is new.state or not (_is_known(old) and _is_known(new)):
        return None
    return Difference(_dane_change(known, old, now, new), old.state.value, new.state.value)


def _dane_change(known: HostFacts, old: Dane, now: HostFacts, new: Dane) -> HostChange:
    if old.state is DaneState.VERIFIED and new.state is DaneState.MISMATCH:
        is_same = known.tls is not None and now.tls is not None and _certificate(known.tls) == _certificate(now.tls)
        is_outdated = frozenset(old.records) == frozenset(new.records) and not is_same
        return HostChange.TLSA_OUTDATED if is_outdated else HostChange.TLSA_MISMATCH
    if new.state is DaneState.ABSENT and old.state not in _WITHOUT_RECORDS:
        return HostChange.TLSA_GONE
    return HostChange.DANE


def _software(known: HostFacts, now: HostFacts) -> Difference | None:
    old, new = known.software, now.software
    if not old or not new or old == new:
        return None
    return Difference(HostChange.SOFTWARE, old, new, (old,), (new,))


def _size(known: HostFacts, now: HostFacts) -> Difference | None:
    old, new = known.size_limit, now.size_limit
    if old is None or new is None or old == new:
        return None
    return Difference(HostChange.SIZE_LIMIT, _bytes(old), _bytes(new), (str(old),), (str(new),))


def _bytes(limit: int) -> str:
    return f"{limit:,} bytes" if limit else "no limit"
