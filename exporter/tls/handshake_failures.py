"""The reason of a failed handshake in plain words: from OpenSSL's name for it, and from the server's messages."""

from __future__ import annotations

import ssl
from types import MappingProxyType
from typing import Final

from exporter.tls.server_handshake import VERSIONS, ServerHandshakeReader

NOT_TLS: Final = "answered the handshake with something else than TLS"
CLOSED: Final = "closed the connection in the handshake"
CLOSED_UNHEARD: Final = (
    "closed the connection at the end of the handshake without a word, as one does that wants a client certificate"
)
FINITE_FIELD_ALONE: Final = (
    "offers finite-field Diffie-Hellman (DHE) alone, which this exporter does not compute: senders of today use curves"
)
FINITE_FIELD_CHOSEN: Final = "chose finite-field Diffie-Hellman (DHE), which this exporter does not compute"
WANTS_CERTIFICATE: Final = "wants a client certificate, and accepts no client without one"
_MALFORMED: Final = "sent a malformed handshake"
_BAD_KEY: Final = "has a certificate with a key of an unsupported kind or size"
NO_CIPHER: Final = "has no cipher in common with us (alert handshake_failure)"
_NO_CIPHER: Final = f"{NO_CIPHER}: it may offer DHE alone, or older ones"

# Alerts of a server that takes nothing of the offer.
REFUSALS: Final = frozenset({"SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"})
# OpenSSL's reason -> the predicate of a sentence about the server. All are one class: the handshake failed.
MEANINGS: Final = MappingProxyType(
    {
        # Versions
        "UNSUPPORTED_PROTOCOL": "offers no version of TLS that we speak",
        "TLSV1_ALERT_PROTOCOL_VERSION": "accepts no version of TLS that we offer (alert protocol_version)",
        "NO_PROTOCOLS_AVAILABLE": "has no version of TLS in common with us",
        "WRONG_SSL_VERSION": "changed the version of TLS within the handshake",
        "TLSV1_ALERT_INAPPROPRIATE_FALLBACK": "takes our offer for a downgrade (alert inappropriate_fallback)",
        # No TLS at all
        "WRONG_VERSION_NUMBER": NOT_TLS,
        "HTTP_REQUEST": NOT_TLS,
        "HTTPS_PROXY_REQUEST": NOT_TLS,
        "PACKET_LENGTH_TOO_LONG": NOT_TLS,
        "RECORD_LAYER_FAILURE": NOT_TLS,
        "BAD_RECORD_TYPE": NOT_TLS,
        "UNEXPECTED_EOF_WHILE_READING": CLOSED,
        "SSLZeroReturnError": CLOSED,  # a close_notify, which is Python's name for it
        # Ciphers and parameters
        "SSLV3_ALERT_HANDSHAKE_FAILURE": _NO_CIPHER,
        "NO_SHARED_CIPHER": "has no cipher in common with us",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY": "wants stronger ciphers than we offer (alert insufficient_security)",
        "TLSV1_ALERT_EXPORT_RESTRICTION": "offers ciphers of the export restrictions alone",
        "WRONG_CIPHER_RETURNED": "chose a cipher that was not offered",
        "UNKNOWN_CIPHER_RETURNED": "chose a cipher that was not offered",
        "DH_KEY_TOO_SMALL": "chose Diffie-Hellman parameters that are too weak",
        "BAD_DH_VALUE": "chose Diffie-Hellman parameters that make no sense",
        "WRONG_CURVE": "chose an elliptic curve that was not offered",
        "UNSUPPORTED_ELLIPTIC_CURVE": "chose an elliptic curve that was not offered",
        "BAD_ECPOINT": "chose elliptic-curve parameters that make no sense",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "knows legacy renegotiation alone (RFC 5746), which is unsafe",
        "NO_RENEGOTIATION": "began the handshake anew in its middle",
        "TLSV1_ALERT_NO_RENEGOTIATION": "began the handshake anew in its middle",
        # Certificates: theirs, and the one they want of us
        "TLSV1_UNRECOGNIZED_NAME": "has no certificate for the name (alert unrecognized_name)",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": WANTS_CERTIFICATE,
        "SSLV3_ALERT_NO_CERTIFICATE": WANTS_CERTIFICATE,
        "SSLV3_ALERT_BAD_CERTIFICATE": WANTS_CERTIFICATE,
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN": WANTS_CERTIFICATE,
        "TLSV1_ALERT_UNKNOWN_CA": WANTS_CERTIFICATE,
        "TLSV1_ALERT_ACCESS_DENIED": "refuses us in the handshake (alert access_denied)",
        "TLSV1_ALERT_UNKNOWN_PSK_IDENTITY": "wants a shared key (alert unknown_psk_identity)",
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": "sent no certificate",
        "EXCESSIVE_MESSAGE_SIZE": "sent certificates beyond all measure (over 100 KiB)",
        "UNKNOWN_CERTIFICATE_TYPE": _BAD_KEY,
        "WRONG_CERTIFICATE_TYPE": _BAD_KEY,
        "UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS": _BAD_KEY,
        "UNSUPPORTED": _BAD_KEY,
        "EE_KEY_TOO_SMALL": _BAD_KEY,
        "MODULUS_TOO_LARGE": _BAD_KEY,
        "BAD_SIGNATURE": "signed the handshake with another key than its certificate's",
        "WRONG_SIGNATURE_TYPE": "signed the handshake in a way that was not offered",
        "NO_SUITABLE_SIGNATURE_ALGORITHM": "has no way to sign the handshake that was offered",
        # Broken off, or broken
        "TLSV1_ALERT_INTERNAL_ERROR": "broke off the handshake (alert internal_error): see its log",
        "SSLV3_ALERT_UNEXPECTED_MESSAGE": "broke off the handshake (alert unexpected_message)",
        "SSLV3_ALERT_ILLEGAL_PARAMETER": "broke off the handshake (alert illegal_parameter)",
        "SSLV3_ALERT_BAD_RECORD_MAC": "broke off the handshake (alert bad_record_mac)",
        "TLSV1_ALERT_DECODE_ERROR": "broke off the handshake (alert decode_error)",
        "TLSV1_ALERT_DECRYPT_ERROR": "broke off the handshake (alert decrypt_error)",
        "TLSV1_ALERT_USER_CANCELLED": "broke off the handshake (alert user_canceled)",
        "TLSV1_UNSUPPORTED_EXTENSION": "broke off the handshake (alert unsupported_extension)",
        "TLSV13_ALERT_MISSING_EXTENSION": "broke off the handshake (alert missing_extension)",
        "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": "sent a record that cannot be decrypted",
        "DIGEST_CHECK_FAILED": "ended the handshake with a digest that is wrong",
        "UNEXPECTED_MESSAGE": _MALFORMED,
        "LENGTH_MISMATCH": _MALFORMED,
        "LENGTH_TOO_SHORT": _MALFORMED,
        "LENGTH_TOO_LONG": _MALFORMED,
        "BAD_LENGTH": _MALFORMED,
        "BAD_PACKET": _MALFORMED,
        "BAD_EXTENSION": _MALFORMED,
        "DECODE_ERROR": _MALFORMED,
        "CERT_LENGTH_MISMATCH": _MALFORMED,
        "BAD_CHANGE_CIPHER_SPEC": _MALFORMED,
        "CCS_RECEIVED_EARLY": _MALFORMED,
        "INVALID_CCS_MESSAGE": _MALFORMED,
        "TOO_MANY_KEY_UPDATES": _MALFORMED,
        "TOO_MANY_WARN_ALERTS": "sent warnings without end in place of a handshake",
        "TOO_MANY_EMPTY_FRAGMENTS": "sent empty records without end in place of a handshake",
        # An alert without a name, or a failure without one in OpenSSL.
        "SSLError": "broke off the handshake without a reason that OpenSSL knows",
    }
)


def meaning(error: OSError, reader: ServerHandshakeReader) -> str:
    """The reason of the failure, as the predicate of a sentence about the server."""
    reason = reason_of(error)
    if reader.asks_for_certificate and "_ALERT_" in reason and reason != "TLSV1_ALERT_INTERNAL_ERROR":
        return WANTS_CERTIFICATE
    if reason == "UNSUPPORTED_PROTOCOL" and reader.version in VERSIONS:
        return f"offers {VERSIONS[reader.version]} alone"
    return MEANINGS.get(reason, f"broke the handshake ({reason})")


def reason_of(error: OSError) -> str:
    """OpenSSL's name for the failure; no words of the server."""
    return (error.reason if isinstance(error, ssl.SSLError) else None) or type(error).__name__
