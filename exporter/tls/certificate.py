"""One certificate of a stranger: read without trusting its form, its dates, and the names it is for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from cryptography import x509

from exporter.model.printable import printable
from exporter.tls.certificate_names import CertificateNames
from exporter.tls.expensive_certificates import has_endless_name

# Names shown of a certificate; some have hundreds.
_SHOWN_NAMES: Final = 4
_SHOWN_CHARS: Final = 128

_E = TypeVar("_E", bound=x509.ExtensionType)


def load(der: bytes) -> x509.Certificate | None:
    """The certificate, or None where it is none whose dates and names can be read."""
    if has_endless_name(der):
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        # Much is parsed only when it is asked for.
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        for name in (certificate.subject, certificate.issuer):
            _ = name.public_bytes(), name.rfc4514_string()
    except Exception:  # the library has no common base for what can be wrong with bytes
        return None
    return certificate


@contextmanager
def unwise_is_fine() -> Iterator[None]:
    """What the library warns of, as a serial number of 0, is not ours to complain about at every probe."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def extension_of(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    """An extension, or None where there is none that can be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except Exception:  # x509.ExtensionNotFound, or as above
        return None


def alternative_names(der: bytes) -> frozenset[str]:
    """Every name that a client's certificate is for, of whatever kind: hosts, mail addresses, URIs, IP addresses."""
    certificate = load(der)
    if certificate is None:
        return frozenset()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        kinds = (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier)
        texts = [name for kind in kinds for name in names.get_values_for_type(kind)]
        return frozenset([*texts, *map(str, names.get_values_for_type(x509.IPAddress))])
    except Exception:  # as above, for malformed extensions
        return frozenset()


def shown_names(names: CertificateNames) -> str:
    """The first of the subjectAltName, harmless to show; "" where there is none."""
    all_names = [*names.dns, *map(str, names.addresses)]
    shown = ", ".join(printable(name, _SHOWN_CHARS) for name in all_names[:_SHOWN_NAMES])
    return f"{shown} and {len(all_names) - _SHOWN_NAMES} more" if len(all_names) > _SHOWN_NAMES else shown


def shown_name(name: x509.Name) -> str:
    """A subject or issuer on one line, harmless to show."""
    return printable(name.rfc4514_string(), _SHOWN_CHARS)
