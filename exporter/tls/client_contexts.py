"""The contexts of the client's side of TLS: each is made once, for to make one takes longer than a handshake."""

from __future__ import annotations

import ssl
import warnings
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from exporter.tls.client_offer import NO_COMPRESSED_CERTIFICATES, OPPORTUNISTIC, WITH_FINITE_FIELD
from exporter.tls.keylog import KeyLog

# ssl.h: SSL_OP_LEGACY_SERVER_CONNECT, of which Python before 3.12 has no name. The client never renegotiates, so the
# weakness of servers without RFC 5746 does not matter here.
_LEGACY_SERVER_CONNECT: Final = 0x4
OLD_VERSIONS: Final = MappingProxyType(
    {"SSLv3": ssl.TLSVersion.SSLv3, "TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1}
)

# Of what Python says of a cipher: OpenSSL's own numbers end in those of the protocol.
_SUITE: Final = 0xFFFF
_FINITE_FIELD: Final = "kx-dhe"

ClientContext = tuple[ssl.SSLContext, KeyLog]


@lru_cache(maxsize=1)
def usual_context() -> ClientContext:
    """All versions and ciphers that are offered to a server."""
    context = _opportunistic()
    return context, KeyLog(context)


@lru_cache(maxsize=1)
def finite_field_context() -> ClientContext:
    """Offers finite-field Diffie-Hellman, which the other does not; no handshake with it is ever done."""
    context = _unverifying()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("kDHE:!aNULL:!eNULL:@SECLEVEL=0")
    return context, KeyLog(context)


@lru_cache(maxsize=len(OLD_VERSIONS))
def version_context(version: str) -> ClientContext:
    """One old version alone, with all that a server of that version may speak.

    The client goes on with no finite-field Diffie-Hellman: that the server chooses it tells enough of the version.
    Raises ValueError where OpenSSL does not have the version.
    """
    context = _opportunistic()
    context.set_ciphers(WITH_FINITE_FIELD)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = OLD_VERSIONS[version]
    return context, KeyLog(context)


@lru_cache(maxsize=1)
def finite_field_suites() -> frozenset[int]:
    """The numbers of the cipher suites with finite-field Diffie-Hellman that are ever offered."""
    ciphers = finite_field_context()[0].get_ciphers()
    return frozenset(cipher["id"] & _SUITE for cipher in ciphers if cipher["kea"] == _FINITE_FIELD)


def _opportunistic() -> ssl.SSLContext:
    context = _unverifying()
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | _LEGACY_SERVER_CONNECT | NO_COMPRESSED_CERTIFICATES
    context.set_ciphers(OPPORTUNISTIC)
    return context


def _unverifying() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        # RFC 8996 gave them up; senders take them where there is nothing better, and the result reports them.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context
