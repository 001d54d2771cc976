"""The secrets of our own handshakes, as OpenSSL logs them: with these the server's flight is read before OpenSSL does.

The log is a file in memory that no other process can open, emptied after every step of a handshake. It is no pipe: a
full one would stop OpenSSL and the loop with it, and a server may demand many new keys in one piece. Only the secret of
the server's handshake is kept, until it has been asked for.
"""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.tls.records import HEADER_BYTES

_LABEL: Final = b"SERVER_HANDSHAKE_TRAFFIC_SECRET"
# RFC 5246 7.4.1.2: where in the record of a hello its random stands, behind header, type, length and version.
_RANDOM: Final = slice(HEADER_BYTES + 6, HEADER_BYTES + 38)
# Secrets of handshakes under way that nobody has asked for yet; a connection that is given up leaves its own behind.
_MAX_KEPT: Final = 1024


class KeyLog:
    """The log of one context; None of its methods raises where there can be none."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._kept: BoundedDict[bytes, bytes] = BoundedDict(_MAX_KEPT)
        self._lock = threading.Lock()
        self._file = -1
        if not hasattr(os, "memfd_create"):  # only Linux has such files; elsewhere there is no look ahead
            return
        file = os.memfd_create("tls-key-log")
        try:
            # A descriptor of its own is opened for it, which appends. Without /proc there is no log, and no look ahead.
            context.keylog_filename = f"/proc/self/fd/{file}"
        except OSError:
            os.close(file)
        else:
            self._file = file
            weakref.finalize(self, os.close, file)

    def secret(self, random: bytes) -> bytes | None:
        """The secret of the server's handshake in which we said `random`; None where it is not there (yet)."""
        self.empty()
        return self._kept.pop(random)

    def secret_of(self, outgoing: ssl.MemoryBIO) -> Callable[[], bytes | None]:
        """A way to ask for the secret of the handshake whose hello waits in `outgoing`."""
        hello = outgoing.read()
        outgoing.write(hello)
        return partial(self.secret, hello[_RANDOM])

    def empty(self) -> None:
        """Read what was logged, and leave nothing of it behind."""
        if self._file < 0:
            return
        with self._lock:
            logged = os.fstat(self._file).st_size
            if not logged:
                return
            lines = os.pread(self._file, logged, 0).splitlines()
            os.ftruncate(self._file, 0)
            for line in lines:
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        """NSS key log format: label, random of the client, secret; both in hexadecimal digits."""
        label, _, rest = line.partition(b" ")
        if label != _LABEL:
            return
        random, _, secret = rest.partition(b" ")
        with suppress(ValueError):
            self._kept[bytes.fromhex(random.decode("ascii"))] = bytes.fromhex(secret.decode("ascii"))
