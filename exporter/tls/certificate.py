"""One certificate of a stranger: read without trusting its form, its dates, and the names it is for (RFC 9525)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from cryptography import x509

from exporter.smtp.printable import printable

# Names shown of a certificate; some have hundreds.
_SHOWN_NAMES: Final = 4
_SHOWN_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class Names:
    """What the subjectAltName holds. A common name counts for nothing (RFC 9525 2)."""

    dns: tuple[str, ...] = ()
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()

    def match(self, server_name: str) -> bool:
        """Whether one of them is `server_name`, a host name in A-labels or an address."""
        try:
            return ip_address(server_name) in self.addresses
        except ValueError:
            wanted = server_name.lower().rstrip(".")
            return any(_matches(name.lower().rstrip("."), wanted) for name in self.dns)

    def __str__(self) -> str:
        names = [*self.dns, *map(str, self.addresses)]
        shown = ", ".join(printable(name, _SHOWN_CHARS) for name in names[:_SHOWN_NAMES])
        return f"{shown} and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else shown


def load(der: bytes) -> x509.Certificate | None:
    """The certificate, or None where it is none whose dates and names can be read."""
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


def names_of(certificate: x509.Certificate) -> Names:
    """The names it is for; none where it has none that can be read."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return Names(
            tuple(extension.get_values_for_type(x509.DNSName)),
            tuple(
                address
                for address in extension.get_values_for_type(x509.IPAddress)
                if isinstance(address, IPv4Address | IPv6Address)
            ),
        )
    except Exception:  # as above, for malformed extensions
        return Names()


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


def shown_name(name: x509.Name) -> str:
    """A subject or issuer on one line, harmless to show."""
    return printable(name.rfc4514_string(), _SHOWN_CHARS)


def _matches(presented: str, wanted: str) -> bool:
    """RFC 9525 6.3: `*` alone as the left-most label stands for one label; not for all of a top-level domain."""
    if presented == wanted:
        return True
    star, _, rest = presented.partition(".")
    return star == "*" and "." in rest and wanted.partition(".")[2] == rest and not wanted.startswith(".")
