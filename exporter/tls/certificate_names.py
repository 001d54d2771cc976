"""The names a certificate is for, held against the host's: the one reader for every room (RFC 6125 6.4, RFC 9525 6.3).

As senders read them: OpenSSL's answer counts, which wants two labels behind a wildcard and takes a name as it stands.
DANE and the verification against the system's roots have their names from here, so that they cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, ip_address

from cryptography import x509
from cryptography.x509.oid import NameOID


class NameMatch(Enum):
    """Where in a certificate a name was found."""

    ALTERNATIVE = "subjectAltName"
    COMMON = "common name"  # taken by Postfix where there is no DNS name, not by MTA-STS (RFC 8461 4.2)


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The DNS names and addresses of the subjectAltName, and the common names of the subject."""

    dns: tuple[str, ...] = ()
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    common: tuple[str, ...] = ()

    def match(self, server_name: str) -> NameMatch | None:
        """Where `server_name` stands, a host name in A-labels or an address; None where it does not."""
        wanted = server_name.removesuffix(".")
        try:
            address = ip_address(wanted)
        except ValueError:
            pass
        else:  # RFC 9525 4.3: an address is no DNS name, whichever form it is written in
            return NameMatch.ALTERNATIVE if address in self.addresses else None
        if any(is_for(name, server_name) for name in self.dns):
            return NameMatch.ALTERNATIVE
        # RFC 6125 6.4.4: the common name is the last resort, where no DNS name is given at all.
        if not self.dns and any(is_for(name, server_name) for name in self.common):
            return NameMatch.COMMON
        return None


def names_of(certificate: x509.Certificate) -> CertificateNames:
    """The names it is for; none where it has none that can be read."""
    common = tuple(
        value
        for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if isinstance(value := attribute.value, str)
    )
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # there is none, or the library has no common base for what can be wrong with bytes
        return CertificateNames(common=common)
    try:
        return CertificateNames(
            tuple(extension.get_values_for_type(x509.DNSName)),
            tuple(
                address
                for address in extension.get_values_for_type(x509.IPAddress)
                if isinstance(address, IPv4Address | IPv6Address)
            ),
            common,
        )
    except Exception:  # as above, for malformed extensions
        return CertificateNames()


def is_for(presented: str, wanted: str) -> bool:
    """Whether the name `presented` in a certificate is the host `wanted`, whose final dot does not count.

    RFC 6125 6.4.3: `*` alone as the left-most label stands for one label; not for all of a top-level domain. A name in
    a certificate has no final dot (RFC 5280 4.2.1.6), and neither side has an empty label. International names are
    compared by their A-labels (RFC 6125 6.4.2), and other letters are nobody's: case is that of ASCII alone, for
    Unicode has a K that becomes an ASCII one.
    """
    if not (presented.isascii() and wanted.isascii()):
        return False
    presented, wanted = presented.lower(), wanted.lower().removesuffix(".")
    if "" in wanted.split("."):
        return False
    if presented == wanted:
        return True
    star, _, rest = presented.partition(".")
    return star == "*" and "." in rest and wanted.partition(".")[2] == rest
