"""The secrets of our own handshakes, as OpenSSL logs them: with these the server's flight is read before OpenSSL does.

The log is a pipe of this process to itself, emptied after every step of a handshake. Only the secret of the server's
handshake is kept, until it has been asked for.
"""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from contextlib import suppress
from typing import Final

_LABEL: Final = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"
_READ_BYTES: Final = 65536
# Secrets of handshakes under way that nobody has asked for yet; a connection that is given up leaves its own behind.
_MAX_KEPT: Final = 1024


class KeyLog:
    """The log of one context; None of its methods raises where there can be none."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._lock = threading.Lock()
        self._reader = -1
        reader, writer = os.pipe()
        try:
            # A descriptor of its own is opened for it. Without /dev/fd there is no log, and no look ahead.
            context.keylog_filename = f"/dev/fd/{writer}"
        except OSError:
            os.close(reader)
        else:
            os.set_blocking(reader, False)
            self._reader = reader
            weakref.finalize(self, os.close, reader)
        finally:
            os.close(writer)

    def secret(self, random: bytes) -> bytes | None:
        """The secret of the server's handshake in which we said `random`; None where it is not there (yet)."""
        self.empty()
        return self._kept.pop(random, None)

    def empty(self) -> None:
        """Read what was logged: a full pipe would stop OpenSSL."""
        if self._reader < 0:
            return
        with self._lock, suppress(BlockingIOError):
            for line in os.read(self._reader, _READ_BYTES).splitlines():
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        """NSS key log format: label, random of the client, secret; both in hexadecimal digits."""
        label, _, rest = line.partition(b" ")
        if label != _LABEL:
            return
        random, _, secret = rest.partition(b" ")
        with suppress(ValueError):
            self._kept[bytes.fromhex(random.decode("ascii"))] = bytes.fromhex(secret.decode("ascii"))
        if len(self._kept) > _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
