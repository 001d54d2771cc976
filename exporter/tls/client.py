"""The client's side of TLS without a socket: records in, records out, and faults as values.

The handshake is done without verification, so that an untrusted certificate can be examined;
:mod:`exporter.tls.verification` judges it. Plaintext and records never share a buffer: bytes from before the handshake
cannot come out as if the server had sent them under TLS (CVE-2011-0411 and its like).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, Final

from exporter.model.address import is_address
from exporter.tls import handshake_failures
from exporter.tls.client_contexts import (
    OLD_VERSIONS,
    finite_field_context,
    finite_field_suites,
    usual_context,
    version_context,
)
from exporter.tls.record_counter import RecordCounter, RecordLimits
from exporter.tls.records import Records, is_record
from exporter.tls.server_handshake import ServerHandshakeReader

__all__ = ["TlsClient", "TlsFault", "TlsHandshake", "is_record"]

# Bytes before the server's end of the handshake is done. OpenSSL takes 100 KiB of certificates.
MAX_HANDSHAKE_BYTES: Final = 163_840
# Records without a byte of plaintext, in a whole session: those of the handshake (fragments of 512 bytes, RFC 6066 4,
# make 200 of the largest), tickets, requested updates of keys, which cost us an answer each, and empty records.
MAX_EMPTY_RECORDS: Final = 256
# Bytes in such records after the handshake. Only tickets are of use there, a few of them, of one to two KiB; the
# smallest ones make 900 of these bytes.
MAX_EMPTY_BYTES: Final = 16_384
# Records with text: a hundred long replies in records of a line each. No honest server sends a record for each byte.
MAX_RECORDS: Final = 4096
# All of a session together. A reply is cut at 64 KiB, and real sessions have ten.
MAX_TLS_BYTES: Final = 1_048_576
_LIMITS: Final = RecordLimits(
    MAX_HANDSHAKE_BYTES,
    all_bytes=MAX_TLS_BYTES,
    text_records=MAX_RECORDS,
    empty_records=MAX_EMPTY_RECORDS,
    empty_bytes=MAX_EMPTY_BYTES,
)
# One read of the engine; a record holds at most so much plaintext (RFC 8446 5.1).
_RECORD_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True)
class TlsFault:
    """The reason why there is no TLS, as the predicate of a sentence about the server."""

    detail: str
    of_handshake: bool = True  # else of the session after it
    refused_hello: bool = False  # the server chose nothing of our offer: perhaps it takes none of it


@dataclass(frozen=True, slots=True)
class TlsHandshake:
    """The result of a handshake. `chain` is as the server sent it: DER, its own certificate first."""

    version: str
    cipher: str
    chain: tuple[bytes, ...]


class TlsClient:
    """The TLS of one connection. After every call send :meth:`outgoing`; after a fault it holds an alert."""

    __slots__ = (
        "_counter",
        "_engine",
        "_fault",
        "_finite_field",
        "_from_server",
        "_handshake_reader",
        "_key_log",
        "_old",
        "_records",
        "_spoken",
        "_to_server",
        "begun",
        "closed",
        "handshake",
    )

    def __init__(self, server_name: str, *, finite_field: bool = False, version: str = "") -> None:
        """Begin the handshake, asking for `server_name`; an address is not asked for (RFC 6066 3).

        `finite_field`: offer finite-field Diffie-Hellman alone, for a fault that tells whether the server takes it.
        `version`: offer this old version alone.
        """
        self.handshake: TlsHandshake | None = None
        self.begun = False  # the server has sent records
        self.closed = False  # the server sent close_notify
        self._from_server = ssl.MemoryBIO()
        self._to_server = ssl.MemoryBIO()
        self._records = Records()
        self._counter = RecordCounter(_LIMITS)
        self._fault: TlsFault | None = None  # reported after the text before it
        self._spoken = False  # the server has sent text under TLS
        self._finite_field = finite_field
        self._old = OLD_VERSIONS[version].value if version else 0
        if version:
            context, self._key_log = version_context(version)
        else:
            context, self._key_log = finite_field_context() if finite_field else usual_context()
        self._engine = self._begin(context, server_name)
        self._do_handshake()
        self._handshake_reader = ServerHandshakeReader(self._key_log.secret_of(self._to_server))

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
        self._counter.add_bytes(len(data))
        records = [*self._records.split(data)]
        text = b"" if self._fault is not None or self.handshake is not None else self._continue_handshake(records)
        while records and self._fault is None and self.handshake is not None:
            text += self._decrypt(records.pop(0))
        self._key_log.empty()
        if self._fault is None:
            self._fault = self._fault_of(self._counter.excess_of_bytes())
        if self._fault is None and self._records.broken:  # and OpenSSL has not reported it
            in_handshake = self.handshake is None
            self._fault = self._fault_of(handshake_failures.NOT_TLS if in_handshake else "sent something else than TLS")
        # The text before a broken record counts.
        return text if text or self._fault is None else self._fault

    def _fault_of(self, detail: str | None) -> TlsFault | None:
        return None if detail is None else TlsFault(detail, of_handshake=self.handshake is None)

    def _continue_handshake(self, records: list[bytes]) -> bytes:
        """Read the records of the handshake, then hand them to OpenSSL; they leave `records` up to its end.

        OpenSSL gets them together, except for the hello: it makes the secret that the records behind it are read with.
        """
        reader = self._handshake_reader
        read: list[bytes] = []
        while records and self._fault is None and self.handshake is None:
            record = records.pop(0)
            if not self._records.broken or records:
                reader.read_record(record)
            self._counter.begin_record(len(record))
            self._fault = self._refused_record() or self._fault_of(self._counter.excess_of_records())
            read.append(record)
            if self._fault is None and (not records or reader.expects_secret):
                self._from_server.write(b"".join(read))
                read.clear()
                self._fault = self._do_handshake()
        # OpenSSL has the text behind the end of the handshake already, if both came in one piece.
        text = self._available_text() if self._fault is None and self.handshake is not None else b""
        self._spoken |= bool(text)
        return text

    def _refused_record(self) -> TlsFault | None:
        """The fault of a record that must not reach OpenSSL."""
        reader = self._handshake_reader
        if reader.finite_field or (self._finite_field and reader.version):
            return TlsFault(handshake_failures.FINITE_FIELD_ALONE)
        if self._old and reader.version == self._old and reader.suite in finite_field_suites():
            return TlsFault(handshake_failures.FINITE_FIELD_CHOSEN)
        return None if reader.excess is None else TlsFault(reader.excess)

    def _decrypt(self, record: bytes) -> bytes:
        self._counter.begin_record(len(record))
        self._from_server.write(record)
        text = self._available_text()
        self._counter.add_text(len(text))
        self._spoken |= bool(text)
        self._fault = self._fault or self._fault_of(self._counter.excess_of_records())
        demanded = self._counter.excess_of_answers(self._to_server.pending)
        if demanded is not None:
            self._to_server.read()  # the answers are not sent
            self._fault = self._fault_of(demanded)
        return text

    def _available_text(self) -> bytes:
        """The text that can be read now; a fault is kept."""
        found = self._read()
        if isinstance(found, bytes):
            return found
        self._fault = found
        return b""

    def ended(self) -> TlsFault:
        """The connection was closed before the handshake was done."""
        return TlsFault(
            handshake_failures.WANTS_CERTIFICATE
            if self._handshake_reader.asks_for_certificate
            else handshake_failures.CLOSED
        )

    @property
    def unheard(self) -> bool:
        """Our end of a TLS 1.3 handshake is done; the server may still refuse us after it (RFC 8446 4.4.2.4)."""
        done = self.handshake is not None and self.handshake.version == "TLSv1.3"
        return done and not self._spoken and not self.closed

    def encrypt(self, data: bytes) -> None:
        """Put `data` into records, after the handshake. A broken connection takes it without an error."""
        try:
            self._engine.write(data)
        except ssl.SSLError:
            pass  # the reader sees it next

    def _do_handshake(self) -> TlsFault | None:
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLError, OSError) as error:
            refused = (
                not self._handshake_reader.version
                and handshake_failures.reason_of(error) in handshake_failures.REFUSALS
            )
            return TlsFault(handshake_failures.meaning(error, self._handshake_reader), refused_hello=refused)
        self._counter.in_handshake = False
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
        """The fault of a broken record. A server of TLS 1.3 refuses a client after its Finished (RFC 8446 4.4.2.4)."""
        reason = handshake_failures.reason_of(error)
        if not self._spoken and "_ALERT_" in reason:
            return TlsFault(handshake_failures.meaning(error, self._handshake_reader), of_handshake=True)
        return TlsFault(f"broke TLS ({reason})", of_handshake=False)


def _sent_chain(engine: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates as sent, DER, the server's own first.

    `get_unverified_chain` is public from Python 3.13 on. In 3.11 and 3.12, which take no changes any more, the function
    belongs to the inner object and gives certificates in place of bytes. Without it only the server's own is known.
    """
    public: Any = getattr(engine, "get_unverified_chain", None)
    if public is not None:
        return tuple(public() or ())
    inner: Any = getattr(getattr(engine, "_sslobj", None), "get_unverified_chain", None)
    if inner is not None:
        return tuple(ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in inner() or ())
    own = engine.getpeercert(binary_form=True)
    return (own,) if own else ()
