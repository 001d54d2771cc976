"""One certificate of a stranger: parsed without trust in its form, and its names as text."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from cryptography import x509

from exporter.model.printable import printable
from exporter.tls.certificate_names import CertificateNames
from exporter.tls.expensive_certificates import has_endless_name

# Names of a certificate that are shown; some have hundreds.
_SHOWN_NAMES: Final = 4
_SHOWN_CHARS: Final = 128

_E = TypeVar("_E", bound=x509.ExtensionType)


def load(der: bytes) -> x509.Certificate | None:
    """The certificate; None where its dates and names cannot be read."""
    if has_endless_name(der):
        return None
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library parses many parts only when they are used.
        _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        for name in (certificate.subject, certificate.issuer):
            _ = name.public_bytes(), name.rfc4514_string()
    except Exception:  # for malformed bytes the library has no common class of errors
        return None
    return certificate


@contextmanager
def library_warnings_ignored() -> Iterator[None]:
    """Ignore warnings of the library about bad practice, such as a serial number of 0, at every probe."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def extension_of(certificate: x509.Certificate, kind: type[_E]) -> _E | None:
    """An extension; None where there is none that can be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except Exception:  # x509.ExtensionNotFound, or as above
        return None


def alternative_names(der: bytes) -> frozenset[str]:
    """Every name in a client's certificate: hosts, mail addresses, URIs, IP addresses."""
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
    """The first names of the subjectAltName, escaped; "" where there is none."""
    all_names = [*names.dns, *map(str, names.addresses)]
    shown = ", ".join(printable(name, _SHOWN_CHARS) for name in all_names[:_SHOWN_NAMES])
    return f"{shown} and {len(all_names) - _SHOWN_NAMES} more" if len(all_names) > _SHOWN_NAMES else shown


def shown_name(name: x509.Name) -> str:
    """A subject or issuer on one line, escaped."""
    return printable(name.rfc4514_string(), _SHOWN_CHARS)
