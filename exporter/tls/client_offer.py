"""What we offer as the client of TLS, so that a server cannot choose what costs us as much as it likes.

Finite-field Diffie-Hellman is computed over parameters of the server's: 10,000 bits of them take the better part of a
second. No context with which we are a client offers it below TLS 1.3; a group of TLS 1.3 is refused where it is
overheard (:mod:`exporter.tls.server_handshake`).
"""

from __future__ import annotations

from typing import Final

# No DHE of TLS 1.2 and below, with a certificate or a shared key.
NO_FINITE_FIELD: Final = "!kDHE:!kDHEPSK"
# RFC 7435: encryption that is weak is better than none, and senders act so. What cannot authenticate or encrypt at all
# is no TLS to report. Level 0, for the strength of a certificate is judged after the handshake, not by its failure.
OPPORTUNISTIC: Final = f"HIGH:MEDIUM:!aNULL:!eNULL:!PSK:!SRP:{NO_FINITE_FIELD}:@SECLEVEL=0"
# The ciphers of ssl.create_default_context() but for DHE: for who wants a verified server of today.
MODERN: Final = f"@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM:{NO_FINITE_FIELD}"
# ssl.h of OpenSSL 3.2 and later: SSL_OP_NO_RX_CERTIFICATE_COMPRESSION; before it the bit means nothing. What is small
# on the way may be large behind it (RFC 8879 5), and could not be looked at before OpenSSL gets it.
NO_COMPRESSED_CERTIFICATES: Final = 1 << 33
