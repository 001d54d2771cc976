"""The TLS of a server that is broken, or that somebody on the way changes."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from functools import cache
from typing import Final

from exporter.tls.client import TlsClient, TlsFault
from exporter.tls.server_handshake import ServerHandshakeReader
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, options, pieces
from tests.support.certificates import issue

_NAME: Final = "mx.example"
_OPERATION_BYTES: Final = 4
_MAX_OPERATIONS: Final = 16
_SAID: Final = b"250 secret of the server\r\n" * 20


def receive_records(data: bytes) -> None:
    """Any bytes in place of a handshake: one fault, whole and in pieces, and never plaintext."""
    (choice,), said = options(data, 1)
    whole, cut = _received([said]), _received(pieces(said, choice))
    agree(whole == cut, f"whole {whole}, in pieces {cut}")
    _overhear(said, choice)


def _received(parts: Iterable[bytes]) -> bool | None:
    client = TlsClient(_NAME)
    for part in parts:
        received = client.receive(part)
        agree(client.handshake is None, "a handshake with nobody")
        if isinstance(received, TlsFault):
            harmless(received.detail, "a fault", limit=300)
            return received.of_handshake  # of two faults the first to be seen is told
        agree(received == b"", f"plaintext: {received!r}")
    harmless(client.ended().detail, "an end", limit=300)
    return None


def _overhear(said: bytes, choice: int) -> None:
    """The same is heard in pieces."""
    whole, cut = ServerHandshakeReader(), ServerHandshakeReader()
    whole.receive(said)
    for piece in pieces(said, choice):
        cut.receive(piece)
    heard = [(one.version, one.asks_for_certificate, one.finite_field) for one in (whole, cut)]
    agree(heard[0] == heard[1], f"whole {heard[0]}, in pieces {heard[1]}")


@cache
def _context(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = issue(_NAME).context()
    context.minimum_version = context.maximum_version = version
    return context


def shake_hands(data: bytes) -> None:
    """A real server whose records are changed on the way: what comes out is what it said, or nothing."""
    (version, choice), program = options(data, 2)
    client = TlsClient(_NAME)
    to_server, from_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = _context(ssl.TLSVersion.TLSv1_3 if version % 2 else ssl.TLSVersion.TLSv1_2)
    server = context.wrap_bio(to_server, from_server, server_side=True)
    changes = _Changes(program)
    heard = b""
    done = said = False
    for _ in range(8):
        to_server.write(client.outgoing())
        try:
            if not done:
                server.do_handshake()
                done = True
            if not said:
                server.write(_SAID)
                said = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            done = said = True
        for piece in pieces(changes.through(from_server.read()), choice):
            received = client.receive(piece)
            if isinstance(received, TlsFault):
                harmless(received.detail, "a fault", limit=300)
                return
            heard += received
            agree(_SAID.startswith(heard), f"it never said {heard[:100]!r}")
    agree(changes.made or heard == _SAID, f"nothing was changed, and {len(heard)} bytes were heard")


class _Changes:
    """Four bytes each: two tell the place in the stream, one what is done there, one with what."""

    def __init__(self, program: bytes) -> None:
        steps = range(0, min(len(program), _MAX_OPERATIONS * _OPERATION_BYTES) - _OPERATION_BYTES + 1, _OPERATION_BYTES)
        self._steps = [program[place : place + _OPERATION_BYTES] for place in steps]
        self._begin = 0
        self.made = False

    def through(self, records: bytes) -> bytes:
        """What comes out at the other end."""
        changed = bytearray(records)
        for step in self._steps:
            place = int.from_bytes(step[:2], "big") - self._begin
            if not 0 <= place < len(changed):
                continue
            what, value = step[2] % 5, step[3]
            match what:
                case 0:
                    changed[place] ^= value
                case 1:
                    del changed[place : place + 1 + value]
                case 2:
                    changed[place:place] = bytes([value]) * (1 + value)
                case 3:
                    changed[place:place] = changed[place : place + 256 * (value + 1)]
                case _:
                    del changed[place:]
        self._begin += len(records)
        self.made |= bytes(changed) != records
        return bytes(changed)


_RECORDS: Final = (
    b"\x16\x03\x03", b"\x16\x03\x01", b"\x15\x03\x03\0\2\2\x28", b"\x15\x03\x01\0\2\1\0", b"\x14\x03\x03\0\1\1",
    b"\x17\x03\x03", b"\x02\0\0\x46\x03\x03", b"\x0b\0\0", b"\x0c\0\0", b"\x0d\0\0", b"\x0e\0\0\0", b"\0\x33\0\2\1\0",
    b"\0\x2b\0\2\3\4", b"HTTP/1.1 400 Bad Request\r\n", b"\0\0",
    bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"),
)  # fmt: skip
TARGETS: Final = (
    Target("tls-records", receive_records, tokens=_RECORDS),
    Target("tls-handshake", shake_hands, tokens=(b"\0\0\0\1", b"\0\5\0\1", b"\1\0\3\1"), max_bytes=128),
)
