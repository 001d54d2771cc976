"""The ciphers that the exporter offers as a TLS client: none with which a server could use up its processor.

Finite-field Diffie-Hellman is computed with parameters of the server: 10,000 bits take most of a second. Below TLS 1.3
it is offered for a question alone, of which the hello of the server is the answer: no handshake goes on with it.
:mod:`exporter.tls.server_handshake` finds a server that wants a group of TLS 1.3.
"""

from __future__ import annotations

from typing import Final

# No DHE of TLS 1.2 and below, with a certificate or a shared key.
NO_FINITE_FIELD: Final = "!kDHE:!kDHEPSK"
# RFC 7435: weak encryption is better than none, and senders act so. Without authentication or encryption it would be no
# TLS to report. Level 0, for the strength of a certificate is judged after the handshake, not by a failure of it.
WITH_FINITE_FIELD: Final = "HIGH:MEDIUM:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"
OPPORTUNISTIC: Final = f"{WITH_FINITE_FIELD}:{NO_FINITE_FIELD}"
# The ciphers of ssl.create_default_context() but for DHE: for connections to verified servers of today.
MODERN: Final = f"@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM:{NO_FINITE_FIELD}"
# ssl.h of OpenSSL 3.2 and later: SSL_OP_NO_RX_CERTIFICATE_COMPRESSION; before it the bit means nothing. A small
# compressed certificate may be large (RFC 8879 5), and cannot be examined before OpenSSL gets it.
NO_COMPRESSED_CERTIFICATES: Final = 1 << 33
