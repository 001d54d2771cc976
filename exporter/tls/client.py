"""The client's side of TLS without a socket: records in, records out, and what is wrong as a value.

The handshake is done without verification, so that a certificate nobody trusts can be looked at; what it is worth is
judged in :mod:`exporter.tls.verification`. Plaintext and records never share a buffer: what the server said before the
handshake cannot come out as if it had been said inside (CVE-2011-0411 and its like).
"""

from __future__ import annotations

import re
import ssl
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from exporter.config.values import is_address
from exporter.tls import causes
from exporter.tls.overheard import Overheard

# Ciphertext received without a byte of plaintext coming out. OpenSSL takes a certificate chain of 100 KiB at most; a
# server that sends twice that in a handshake, or as tickets and the like after it, has no end in mind.
MAX_SILENT_BYTES: Final = 262_144
# One read of the engine; a record holds at most so much plaintext (RFC 8446 5.1).
_RECORD_BYTES: Final = 16_384
# RFC 8446 5.1, RFC 5246 6.2.1: content type, then the major version, 3 ever since SSL 3.0.
_RECORD: Final = re.compile(rb"[\x14-\x18](?:\x03|$)|$")
# RFC 7435: encryption that is weak is better than none, and senders act so. What cannot authenticate or encrypt at all
# is no TLS to report. Level 0, for the strength of a certificate is judged after the handshake, not by its failure. No
# finite-field Diffie-Hellman: of parameters that the server chooses, it costs us as much as the server likes.
_CIPHERS: Final = "HIGH:MEDIUM:!aNULL:!eNULL:!kDHE:@SECLEVEL=0"
# ssl.h: SSL_OP_LEGACY_SERVER_CONNECT, of which Python before 3.12 has no name. We never renegotiate, so what is unsafe
# about servers without RFC 5746 is not done here.
_LEGACY_SERVER_CONNECT: Final = 0x4


@dataclass(frozen=True, slots=True)
class TlsFault:
    """Why there is no TLS, as the predicate of a sentence about the server."""

    detail: str
    of_handshake: bool = True  # else of what came after it
    refused_hello: bool = False  # the server did not say what it would choose of our offer: it may take none of it


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

    __slots__ = (
        "_engine",
        "_finite_field",
        "_from_server",
        "_overheard",
        "_silent",
        "_spoken",
        "_to_server",
        "begun",
        "closed",
        "handshake",
    )

    def __init__(self, server_name: str, *, finite_field: bool = False) -> None:
        """Begin the handshake, asking for `server_name`; an address is not asked for (RFC 6066 3).

        `finite_field`: offer finite-field Diffie-Hellman alone, for a fault that tells whether the server takes it.
        """
        self.handshake: Handshake | None = None
        self.begun = False  # the server has sent records
        self.closed = False  # the server said that it will say nothing more
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._silent = 0
        self._spoken = False  # the server has said something under TLS
        self._overheard = Overheard()
        self._finite_field = finite_field
        self._engine = self._begin(server_name)
        self._shake()

    def _begin(self, server_name: str) -> ssl.SSLObject:
        name = None if is_address(server_name) else server_name
        try:
            return self._context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        except (ValueError, TypeError):  # a name that cannot stand in a handshake; no certificate will match it either
            return self._context.wrap_bio(self._from_server, self._to_server)

    @property
    def _context(self) -> ssl.SSLContext:
        return _finite_field_context() if self._finite_field else _context()

    def outgoing(self) -> bytes:
        """Records to send."""
        return self._to_server.read()

    def receive(self, data: bytes) -> bytes | TlsFault:
        """Records from the server -> the plaintext in them; `handshake` is set as soon as it is done."""
        self.begun = True
        self._silent += len(data)
        if self.handshake is None:
            self._overheard.receive(data)
            if self._overheard.finite_field or (self._finite_field and self._overheard.version):
                return TlsFault(causes.FINITE_FIELD_ALONE)
        self._from_server.write(data)
        if self.handshake is None:
            fault = self._shake()
            if fault is not None:
                return fault
        plaintext = b"" if self.handshake is None else self._read()
        if isinstance(plaintext, bytes):
            if plaintext:
                self._silent = 0
                self._spoken = True
            elif self._silent > MAX_SILENT_BYTES:
                detail = f"sent more than {MAX_SILENT_BYTES} bytes of TLS without saying anything"
                return TlsFault(detail, of_handshake=self.handshake is None)
        return plaintext

    def ended(self) -> TlsFault:
        """The connection was closed before the handshake was done."""
        return TlsFault(causes.WANTS_CERTIFICATE if self._overheard.asks_for_certificate else causes.CLOSED)

    @property
    def unheard(self) -> bool:
        """Our end of a handshake of TLS 1.3 is done, and whether theirs is nothing has shown yet (RFC 8446 4.4.2.4)."""
        done = self.handshake is not None and self.handshake.version == "TLSv1.3"
        return done and not self._spoken and not self.closed

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
            refused = not self._overheard.version and causes.reason_of(error) in causes.REFUSALS
            return TlsFault(causes.meaning(error, self._overheard), refused_hello=refused)
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
            return found or self._broken(error)
        return found

    def _broken(self, error: OSError) -> TlsFault:
        """RFC 8446 4.4.2.4: what a server of TLS 1.3 minds about us it says after our end of the handshake."""
        reason = causes.reason_of(error)
        if not self._spoken and "_ALERT_" in reason:
            return TlsFault(causes.meaning(error, self._overheard), of_handshake=True)
        return TlsFault(f"broke TLS ({reason})", of_handshake=False)


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """One for all connections: making one takes longer than a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        # RFC 8996 gave them up; senders take them where there is nothing better, and so they are told.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | _LEGACY_SERVER_CONNECT
    context.set_ciphers(_CIPHERS)
    return context


@lru_cache(maxsize=1)
def _finite_field_context() -> ssl.SSLContext:
    """Offers what the other does not; no handshake with it is ever done."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_2
    context.set_ciphers("kDHE:!aNULL:!eNULL:@SECLEVEL=0")
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
