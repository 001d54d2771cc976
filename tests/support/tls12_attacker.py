"""The same for TLS 1.2: a real handshake, after which records are sealed by hand with the keys that it settled."""

from __future__ import annotations

import hmac
import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_CIPHER = "ECDHE-ECDSA-AES128-GCM-SHA256"


class Tls12Attacker:
    """One connection; first :meth:`shake`, then :meth:`seal` as one likes."""

    def __init__(self, context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(_CIPHER)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._context = context
        self._number = 1  # the first record was Finished

    def shake(self, outgoing: Callable[[], bytes], receive: Callable[[bytes], object]) -> None:
        """Do the handshake with a client."""
        hello, said = b"", b""
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "keys"
            self._context.keylog_filename = str(log)
            while records := outgoing():
                hello = hello or records
                self._incoming.write(records)
                try:
                    self._engine.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                answer = self._outgoing.read()
                said = said or answer
                receive(answer)
            master = bytes.fromhex(log.read_text().split()[-1])
        block = _expanded(master, b"key expansion" + said[11:43] + hello[11:43], 40)
        self._aead, self._salt = AESGCM(block[16:32]), block[36:40]

    def seal(self, kind: int, body: bytes) -> bytes:
        """A record (RFC 5288 3)."""
        number = self._number.to_bytes(8, "big")
        self._number += 1
        head = bytes([kind]) + b"\x03\x03"
        sealed = self._aead.encrypt(self._salt + number, body, number + head + len(body).to_bytes(2, "big"))
        return head + (8 + len(sealed)).to_bytes(2, "big") + number + sealed


def _expanded(secret: bytes, seed: bytes, length: int) -> bytes:
    """RFC 5246 5: P_SHA256."""
    found, chained = b"", seed
    while len(found) < length:
        chained = hmac.digest(secret, chained, "sha256")
        found += hmac.digest(secret, chained + seed, "sha256")
    return found[:length]
