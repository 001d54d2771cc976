"""The TLSA records that a sender of mail uses (RFC 7672 3.1, 5, RFC 6698 4.1). Pure."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from exporter.model.policy import _HASHES, CERT, DANE_EE, DANE_TA, FULL, PKIX_EE, PKIX_TA, SPKI, Tlsa
from exporter.tls.expensive_certificates import is_signing_key


def unusable(record: Tlsa) -> str | None:
    """The reason why no sender of mail can use `record`, as the end of a sentence; None if one can."""
    if record.usage in (PKIX_TA, PKIX_EE):
        # RFC 7672 3.1.3: senders and receivers share no list of authorities.
        return f"usage {record.usage} is not for SMTP"
    if record.usage not in (DANE_TA, DANE_EE):
        return f"usage {record.usage} is unknown"
    if record.selector not in (CERT, SPKI):
        return f"selector {record.selector} is unknown"
    if record.matching == FULL:
        return _unreadable(record)
    algorithm = _HASHES.get(record.matching)
    if algorithm is None:
        return f"matching type {record.matching} is unknown"
    size = algorithm().digest_size
    return None if len(record.data) == size else f"its digest has {len(record.data)} bytes, not {size}"


def _unreadable(record: Tlsa) -> str | None:
    """The fault of a full key or certificate that cannot be parsed, and so is unusable (RFC 6698 4.1)."""
    if record.selector == SPKI and not is_signing_key(record.data):
        return "its key is of no kind that signs certificates"
    load: Callable[[bytes], object] = load_der_public_key if record.selector == SPKI else x509.load_der_x509_certificate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings are about bad practice, not about faults
        try:
            load(record.data)
        except Exception:  # bytes of strangers: any error of the parser is their fault
            what = "key" if record.selector == SPKI else "certificate"
            return f"its {what} cannot be read"
    return None


def preferred(records: Sequence[Tlsa]) -> list[Tlsa]:
    """The usable records that a sender applies: of digests of one usage and selector, the strongest alone.

    RFC 7671 9: so that a forger has no use of a broken algorithm while a better one is published.
    """
    usable = [record for record in records if unusable(record) is None]
    strongest: dict[tuple[int, int], int] = {}
    for record in usable:
        kind = (record.usage, record.selector)
        strongest[kind] = max(strongest.get(kind, FULL), record.matching)
    return [one for one in usable if one.matching in (FULL, strongest[one.usage, one.selector])]
