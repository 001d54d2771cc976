"""The client's side of TLS without a socket: records in, records out, and what is wrong as a value.

The handshake is done without verification, so that a certificate nobody trusts can be looked at; what it is worth is
judged in :mod:`exporter.tls.verification`. Plaintext and records never share a buffer: what the server said before the
handshake cannot come out as if it had been said inside (CVE-2011-0411 and its like).
"""

from __future__ import annotations

import ssl
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from exporter.model.address import is_address
from exporter.tls import handshake_failures
from exporter.tls.client_offer import NO_COMPRESSED_CERTIFICATES, OPPORTUNISTIC
from exporter.tls.keylog import KeyLog
from exporter.tls.records import Records, is_record
from exporter.tls.server_handshake import ServerHandshakeReader

__all__ = ["TlsClient", "TlsFault", "TlsHandshake", "is_record"]

# What a server may send before its end of the handshake is done. OpenSSL takes 100 KiB of certificates.
MAX_HANDSHAKE_BYTES: Final = 163_840
# Records without a byte of plaintext, in a whole session: those of the handshake (fragments of 512 bytes, RFC 6066 4,
# make 200 of the largest), tickets, requested updates of keys, which cost us an answer each, and what is empty.
MAX_IDLE_RECORDS: Final = 256
# Bytes in such records after the handshake. Tickets are all that is of use there, a few of them, of one to two KiB;
# the smallest ones make 900 of these bytes.
MAX_IDLE_BYTES: Final = 16_384
# What TLS itself has to answer to one read: a Finished, an alert, a key update or two. 4,000 demands of TLS 1.2 for a
# new handshake fit in one record, and each draws a refusal.
MAX_ANSWER_BYTES: Final = 8192
# Records that do say something: a hundred long replies in records of a line each. A record a byte is no way to speak.
MAX_RECORDS: Final = 4096
# All of a session together. A reply is cut at 64 KiB, and real sessions have ten.
MAX_TLS_BYTES: Final = 1_048_576
# One read of the engine; a record holds at most so much plaintext (RFC 8446 5.1).
_RECORD_BYTES: Final = 16_384
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
class TlsHandshake:
    """What a handshake settled. `chain` is as the server sent it: DER, its own certificate first."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]


class TlsClient:
    """One connection's TLS. After every call send what :meth:`outgoing` holds, an alert after a fault too."""

    __slots__ = (
        "_engine",
        "_fault",
        "_finite_field",
        "_from_server",
        "_idle",
        "_idle_bytes",
        "_key_log",
        "_overheard",
        "_received",
        "_records",
        "_records_left",
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
        self.handshake: TlsHandshake | None = None
        self.begun = False  # the server has sent records
        self.closed = False  # the server said that it will say nothing more
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._records = Records()
        self._received = 0
        self._idle = 0
        self._idle_bytes = 0
        self._records_left = MAX_RECORDS
        self._fault: TlsFault | None = None  # after what was said before it
        self._spoken = False  # the server has said something under TLS
        self._finite_field = finite_field
        context, self._key_log = _finite_field_context() if finite_field else _context()
        self._engine = self._begin(context, server_name)
        self._shake()
        self._overheard = ServerHandshakeReader(self._key_log.secret_of(self._to_server))

    def _begin(self, context: ssl.SSLContext, server_name: str) -> ssl.SSLObject:
        name = None if is_address(server_name) else server_name
        try:
            return context.wrap_bio(self._from_server, self._to_server, server_hostname=name)
        except (ValueError, TypeError):  # a name that cannot stand in a handshake; no certificate will match it either
            return context.wrap_bio(self._from_server, self._to_server)

    def outgoing(self) -> bytes:
        """Records to send."""
        return self._to_server.read()

    def receive(self, data: bytes) -> bytes | TlsFault:
        """Records from the server -> the plaintext in them; `handshake` is set as soon as it is done."""
        self.begun = True
        self._received += len(data)
        records = [*self._records.split(data)]
        said = b"" if self._fault is not None or self.handshake is not None else self._shake_on(records)
        while records and self._fault is None and self.handshake is not None:
            said += self._take(records.pop(0))
        self._key_log.empty()
        if self._fault is None:
            self._fault = self._beyond()
        # What was said before the broken record was said.
        return said if said or self._fault is None else self._fault

    def _beyond(self) -> TlsFault | None:
        """What of it is too much, though each part is right."""
        shaking = self.handshake is None
        most = MAX_HANDSHAKE_BYTES if shaking else MAX_TLS_BYTES
        if self._received > most:
            return TlsFault(f"sent more than {most} bytes of TLS", of_handshake=shaking)
        if self._records.broken:  # and OpenSSL has not said so
            return TlsFault(
                handshake_failures.NOT_TLS if shaking else "sent something else than TLS", of_handshake=shaking
            )
        return None

    def _shake_on(self, records: list[bytes]) -> bytes:
        """Records of the handshake, looked at before OpenSSL gets them; taken out of `records` up to its end.

        OpenSSL gets them together, but for the hello: with it the secret comes that what follows is read with.
        """
        overheard = self._overheard
        looked_at: list[bytes] = []
        while records and self._fault is None and self.handshake is None:
            record = records.pop(0)
            if not self._records.broken or records:
                overheard.hear(record)
            self._fault = self._unwanted() or self._said(b"", 0)
            looked_at.append(record)
            if self._fault is None and (not records or overheard.expects_secret):
                self._from_server.write(b"".join(looked_at))
                looked_at.clear()
                self._fault = self._shake()
        # What stands behind the end of the handshake in the same piece, OpenSSL has already.
        found = self._plaintext() if self._fault is None and self.handshake is not None else b""
        self._spoken |= bool(found)
        return found

    def _unwanted(self) -> TlsFault | None:
        """What has been overheard, and must not come to OpenSSL."""
        overheard = self._overheard
        if overheard.finite_field or (self._finite_field and overheard.version):
            return TlsFault(handshake_failures.FINITE_FIELD_ALONE)
        return None if overheard.excess is None else TlsFault(overheard.excess)

    def _take(self, record: bytes) -> bytes:
        self._from_server.write(record)
        found = self._plaintext()
        self._fault = self._fault or self._said(found, len(record))
        if self._to_server.pending > MAX_ANSWER_BYTES:
            self._to_server.read()  # nobody is told all that
            self._fault = TlsFault(
                f"demanded more than {MAX_ANSWER_BYTES} bytes of answers at once", of_handshake=False
            )
        return found

    def _plaintext(self) -> bytes:
        """What can be read now; a fault is kept."""
        found = self._read()
        if isinstance(found, bytes):
            return found
        self._fault = found
        return b""

    def _said(self, plaintext: bytes, size: int) -> TlsFault | None:
        """Count a record; a fault where there have been too many of its kind."""
        shaking = self.handshake is None
        if plaintext:
            self._spoken = True
            self._records_left -= 1
            if self._records_left < 0:
                return TlsFault(f"spoke in more than {MAX_RECORDS} records of TLS", of_handshake=False)
            return None
        self._idle += 1
        self._idle_bytes += size
        if self._idle > MAX_IDLE_RECORDS:
            return TlsFault(f"sent more than {MAX_IDLE_RECORDS} records of TLS that say nothing", of_handshake=shaking)
        if self._idle_bytes > MAX_IDLE_BYTES:
            detail = f"sent more than {MAX_IDLE_BYTES} bytes of TLS without saying anything"
            return TlsFault(detail, of_handshake=False)
        return None

    def ended(self) -> TlsFault:
        """The connection was closed before the handshake was done."""
        return TlsFault(
            handshake_failures.WANTS_CERTIFICATE if self._overheard.asks_for_certificate else handshake_failures.CLOSED
        )

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
            refused = not self._overheard.version and handshake_failures.reason_of(error) in handshake_failures.REFUSALS
            return TlsFault(handshake_failures.meaning(error, self._overheard), refused_hello=refused)
        cipher = self._engine.cipher()
        self.handshake = TlsHandshake(
            self._engine.version() or "", cipher[0] if cipher else "", _sent_chain(self._engine)
        )
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
            return self._broken(error)
        return found

    def _broken(self, error: OSError) -> TlsFault:
        """RFC 8446 4.4.2.4: what a server of TLS 1.3 minds about us it says after our end of the handshake."""
        reason = handshake_failures.reason_of(error)
        if not self._spoken and "_ALERT_" in reason:
            return TlsFault(handshake_failures.meaning(error, self._overheard), of_handshake=True)
        return TlsFault(f"broke TLS ({reason})", of_handshake=False)


@lru_cache(maxsize=1)
def _context() -> tuple[ssl.SSLContext, KeyLog]:
    """One for all connections: making one takes longer than a handshake."""
    context = _unverifying()
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | _LEGACY_SERVER_CONNECT | NO_COMPRESSED_CERTIFICATES
    context.set_ciphers(OPPORTUNISTIC)
    return context, KeyLog(context)


@lru_cache(maxsize=1)
def _finite_field_context() -> tuple[ssl.SSLContext, KeyLog]:
    """Offers what the other does not; no handshake with it is ever done."""
    context = _unverifying()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("kDHE:!aNULL:!eNULL:@SECLEVEL=0")
    return context, KeyLog(context)


def _unverifying() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        # RFC 8996 gave them up; senders take them where there is nothing better, and so they are told.
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
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
