"""The client's side of TLS without a socket: records in, records out, and what is wrong as a value.

The handshake is done without verification, so that a certificate nobody trusts can be looked at; what it is worth is
judged in :mod:`exporter.tls.verification`. Plaintext and records never share a buffer: what the server said before the
handshake cannot come out as if it had been said inside (CVE-2011-0411 and its like).
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from exporter.config.values import is_address

# Ciphertext received without a byte of plaintext coming out. OpenSSL takes a certificate chain of 100 KiB at most; a
# server that sends twice that in a handshake, or as tickets and the like after it, has no end in mind.
MAX_SILENT_BYTES: Final = 262_144
# One read of the engine; a record holds at most so much plaintext (RFC 8446 5.1).
_RECORD_BYTES: Final = 16_384
# RFC 8446 5.1, RFC 5246 6.2.1: content type, then the major version, 3 ever since SSL 3.0.
_RECORD: Final = re.compile(rb"[\x14-\x18](?:\x03|$)|$")
# RFC 7435: encryption that is weak is better than none, and senders act so. What cannot authenticate or encrypt at all
# is no TLS to report. Level 0, for the strength of a certificate is judged after the handshake, not by its failure.
_CIPHERS: Final = "HIGH:MEDIUM:!aNULL:!eNULL:@SECLEVEL=0"

# OpenSSL's reason -> what it means, to a person. All are one class: the handshake failed.
_MEANINGS: Final = MappingProxyType(
    {
        "UNSUPPORTED_PROTOCOL": "offers no version of TLS from 1.2 on",
        "TLSV1_ALERT_PROTOCOL_VERSION": "accepts no version of TLS from 1.2 on (alert protocol_version)",
        "NO_PROTOCOLS_AVAILABLE": "has no version of TLS in common with us",
        "WRONG_VERSION_NUMBER": "answered the handshake with something else than TLS",
        "HTTP_REQUEST": "answered the handshake with something else than TLS",
        "PACKET_LENGTH_TOO_LONG": "answered the handshake with something else than TLS",
        "RECORD_LAYER_FAILURE": "answered the handshake with something else than TLS",
        "BAD_RECORD_TYPE": "answered the handshake with something else than TLS",
        "SSLV3_ALERT_HANDSHAKE_FAILURE": "accepts none of our ciphers and parameters (alert handshake_failure)",
        "WRONG_CIPHER_RETURNED": "chose a cipher that was not offered",
        "NO_SHARED_CIPHER": "has no cipher in common with us",
        "UNKNOWN_CIPHER_RETURNED": "chose a cipher that was not offered",
        "TLSV1_ALERT_INTERNAL_ERROR": "broke off the handshake (alert internal_error)",
        "TLSV1_UNRECOGNIZED_NAME": "has no certificate for the name (alert unrecognized_name)",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": "demands a certificate of ours",
        "EXCESSIVE_MESSAGE_SIZE": "sent a certificate chain beyond all measure",
        "UNEXPECTED_EOF_WHILE_READING": "closed the connection during the handshake",
        "DH_KEY_TOO_SMALL": "chose Diffie-Hellman parameters that are too weak",
    }
)


@dataclass(frozen=True, slots=True)
class TlsFault:
    """Why there is no TLS, as the predicate of a sentence about the server."""

    detail: str


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake settled. `chain` is as the server sent it: DER, its own certificate first."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]


def is_record(data: bytes) -> bool:
    """Whether `data` begins as TLS does; anything else where a handshake belongs is plaintext or garbage."""
    return _RECORD.match(data) is not None


class TlsClient:
    """One connection's TLS. After every call send what :meth:`outgoing` holds, an alert after a fault too."""

    __slots__ = ("_engine", "_from_server", "_silent", "_to_server", "begun", "closed", "handshake")

    def __init__(self, server_name: str) -> None:
        """Begin the handshake, asking for `server_name`; an address is not asked for (RFC 6066 3)."""
        self.handshake: Handshake | None = None
        self.begun = False  # the server has sent records
        self.closed = False  # the server said that it will say nothing more
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._silent = 0
        self._engine = self._begin(server_name)
        self._shake()

    def _begin(self, server_name: str) -> ssl.SSLObject:
        name = None if is_address(server_name) else server_name
        try:
            return _context().wrap_bio(self._from_server, self._to_server, server_hostname=name)
        except (ValueError, TypeError):  # a name that cannot stand in a handshake; no certificate will match it either
            return _context().wrap_bio(self._from_server, self._to_server)

    def outgoing(self) -> bytes:
        """Records to send."""
        return self._to_server.read()

    def receive(self, data: bytes) -> bytes | TlsFault:
        """Records from the server -> the plaintext in them; `handshake` is set as soon as it is done."""
        self.begun = True
        self._silent += len(data)
        self._from_server.write(data)
        if self.handshake is None:
            fault = self._shake()
            if fault is not None:
                return fault
        plaintext = b"" if self.handshake is None else self._read()
        if isinstance(plaintext, bytes):
            if plaintext:
                self._silent = 0
            elif self._silent > MAX_SILENT_BYTES:
                return TlsFault(f"sent more than {MAX_SILENT_BYTES} bytes of TLS without saying anything")
        return plaintext

    def encrypt(self, data: bytes) -> None:
        """Put `data` into records, after the handshake. A connection that is broken takes it and says nothing."""
        try:
            self._engine.write(data)
        except ssl.SSLError:
            pass  # the reader sees it next

    def _shake(self) -> TlsFault | None:
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLError, OSError) as error:
            return TlsFault(_meaning(error))
        cipher = self._engine.cipher()
        self.handshake = Handshake(self._engine.version() or "", cipher[0] if cipher else "", _sent_chain(self._engine))
        return None

    def _read(self) -> bytes | TlsFault:
        found = b""
        try:
            while piece := self._engine.read(_RECORD_BYTES):
                found += piece
            self.closed = True  # close_notify
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.closed = True
        except (ssl.SSLError, OSError) as error:
            # What was said before the broken record was said.
            return found or TlsFault(f"broke TLS ({_reason(error)})")
        return found


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """One for all connections: making one takes longer than a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 8996: earlier ones are no TLS any more
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.set_ciphers(_CIPHERS)
    return context


def _sent_chain(engine: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates as sent, DER, the server's own first.

    `get_unverified_chain` is public from Python 3.13 on. In 3.11 and 3.12, which take no changes any more, the function
    is there beneath the object and gives certificates in place of bytes. Where neither is, the server's own is all.
    """
    public: Any = getattr(engine, "get_unverified_chain", None)
    if public is not None:
        return tuple(public() or ())
    beneath: Any = getattr(getattr(engine, "_sslobj", None), "get_unverified_chain", None)
    if beneath is not None:
        return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in beneath() or ())
    own = engine.getpeercert(binary_form=True)
    return (own,) if own else ()


def _meaning(error: OSError) -> str:
    reason = _reason(error)
    return _MEANINGS.get(reason, f"broke the handshake ({reason})")


def _reason(error: OSError) -> str:
    """OpenSSL's name for what happened; its words are its own, not the server's."""
    return (error.reason if isinstance(error, ssl.SSLError) else None) or type(error).__name__
