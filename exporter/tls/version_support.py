"""The old versions of TLS that the OpenSSL of this process speaks: builds and policies leave some out.

A policy may let a handshake begin and fail in its middle, by a signature with SHA-1 say. So one is done to its end,
with a server in this process.
"""

from __future__ import annotations

import ssl
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from exporter.tls.client_contexts import OLD_VERSIONS, version_context

_BEGIN, _END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
# Flights of a handshake: two of each side.
_ROUNDS: Final = 4
_FLIGHT_BYTES: Final = 65_536


@lru_cache(maxsize=len(OLD_VERSIONS))
def speaks(version: str) -> bool:
    """The OpenSSL of this process can do a handshake in this version alone."""
    try:
        context, _ = version_context(version)
        server = SSL.Connection(_server_context(version))
        server.set_accept_state()
        return _handshake(context, server)
    except (ssl.SSLError, SSL.Error, ValueError):
        return False


def _handshake(context: ssl.SSLContext, server: SSL.Connection) -> bool:
    from_server, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(from_server, to_server)
    for _ in range(_ROUNDS):
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            server.bio_write(to_server.read())
        else:
            return True
        with suppress(SSL.WantReadError):
            server.do_handshake()
        from_server.write(server.bio_read(_FLIGHT_BYTES))
    return False


def _server_context(version: str) -> SSL.Context:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, _BEGIN, _END)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    number = OLD_VERSIONS[version].value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_min_proto_version(number)
        context.set_max_proto_version(number)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.use_certificate(builder.sign(key, hashes.SHA256()))
    context.use_privatekey(key)
    return context
