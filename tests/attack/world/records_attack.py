"""A mail host that speaks TLS 1.3 well until the handshake is over, and then sends what no library would.

The records are made here, from the secret that OpenSSL writes for those who debug (SSLKEYLOGFILE): key updates without
end that each ask for one in return (RFC 8446 4.6.3), and records that hold nothing but padding (5.4). Libraries give
up after some dozens in a row, so a byte of an answer stands in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import ssl
import struct
from collections.abc import Iterator
from hashlib import sha256, sha384
from itertools import cycle
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from exporter.lab.smtp_script import reply
from tests.support.certificates import issue

_NAME: Final = "mx.hostile.example"
_HANDSHAKE, _DATA = b"\x16", b"\x17"
_SESSION_SECONDS: Final = 30.0
_AT_ONCE: Final = 30  # OpenSSL takes 32 key updates in a row
_PADDED: Final = 16384 - 1
_MOST_LOGGED: Final = 1_000_000
# The client's random stands behind the heads of record and handshake, and the version.
_RANDOM: Final = slice(11, 43)
_ANSWER: Final = b"250-x"


class RecordsHost:
    """`connections` counts sessions. What it sends after the handshake depends on its `number`."""

    def __init__(self, number: int, folder: Path) -> None:
        self.connections = 0
        self._number = number
        self._secrets = folder / f"secrets-{number}"
        self._context = issue(_NAME).context()
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.num_tickets = 0  # so that nothing is sent before our first record
        self._context.keylog_filename = str(self._secrets)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        self.connections += 1
        with contextlib.suppress(OSError, EOFError, TimeoutError, ssl.SSLError):
            async with asyncio.timeout(_SESSION_SECONDS):
                await self._converse(reader, writer)
        writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(220, _NAME))
        await reader.readuntil(b"\r\n")
        writer.write(reply(250, _NAME, "STARTTLS"))
        if (await reader.readuntil(b"\r\n")).upper() != b"STARTTLS\r\n":
            return
        writer.write(reply(220, "go ahead"))
        sealer = await self._handshake(reader, writer)
        for records in self._floods(sealer):
            if writer.is_closing():
                return
            writer.write(records)
            await writer.drain()
            await asyncio.sleep(0)

    async def _handshake(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> _Sealer:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        engine = self._context.wrap_bio(incoming, outgoing, server_side=True)
        first = b""
        while True:
            try:
                engine.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                data = await reader.read(65536)
                first = first or data
                incoming.write(data) if data else incoming.write_eof()
        writer.write(outgoing.read())
        cipher = engine.cipher()
        assert cipher is not None
        return _Sealer(cipher[0], self._secret(first[_RANDOM].hex()))

    def _secret(self, client_random: str) -> bytes:
        lines = self._secrets.read_text().splitlines()
        if len(lines) * 100 > _MOST_LOGGED:
            self._secrets.write_text("")
        found = next(line for line in lines if line.startswith(f"SERVER_TRAFFIC_SECRET_0 {client_random} "))
        return bytes.fromhex(found.split()[2])

    def _floods(self, sealer: _Sealer) -> Iterator[bytes]:
        for byte in cycle(_ANSWER):
            match self._number:
                case 0:
                    silent = (sealer.key_update(answer=True) for _ in range(_AT_ONCE))
                case 1:
                    silent = (sealer.seal(b"", _DATA, _PADDED) for _ in range(_AT_ONCE))
                case _:
                    silent = (sealer.key_update(answer=False) for _ in range(_AT_ONCE))
            yield b"".join((*silent, sealer.seal(bytes([byte]), _DATA)))


class _Sealer:
    """Seals records as a server does from its first one on (RFC 8446 5.2, 7.2, 7.3)."""

    def __init__(self, cipher: str, secret: bytes) -> None:
        self._hash = sha384 if cipher.endswith("SHA384") else sha256
        self._key_bytes = 16 if "AES_128" in cipher else 32
        self._cipher = ChaCha20Poly1305 if "CHACHA20" in cipher else AESGCM
        self._take(secret)

    def seal(self, content: bytes, kind: bytes, padding: int = 0) -> bytes:
        """A record of this inner type."""
        inner = content + kind + bytes(padding)
        head = b"\x17\x03\x03" + struct.pack("!H", len(inner) + 16)
        nonce = (self._iv ^ self._sent).to_bytes(12, "big")
        self._sent += 1
        return head + self._aead.encrypt(nonce, inner, head)

    def key_update(self, *, answer: bool) -> bytes:
        """One record; what follows is sealed with the next key."""
        record = self.seal(b"\x18\0\0\x01" + bytes([answer]), _HANDSHAKE)
        self._take(self._expand(b"traffic upd", self._hash().digest_size))
        return record

    def _take(self, secret: bytes) -> None:
        self._secret = secret
        self._aead = self._cipher(self._expand(b"key", self._key_bytes))
        self._iv = int.from_bytes(self._expand(b"iv", 12), "big")
        self._sent = 0

    def _expand(self, what: bytes, length: int) -> bytes:
        """HKDF-Expand-Label; none of ours is longer than the hash (RFC 5869 2.3)."""
        label = b"tls13 " + what
        info = struct.pack("!HB", length, len(label)) + label + b"\0"
        return hmac.digest(self._secret, info + b"\x01", self._hash)[:length]
