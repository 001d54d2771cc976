"""The secrets of the exporter's own handshakes, as OpenSSL logs them: they decrypt certificates before OpenSSL does.

The log is a file in memory that no other process can open, emptied after every step of a handshake. A pipe would not
do: a full one would block OpenSSL and the event loop, and a server may demand many new keys at once. Only the secret of
the server's handshake is kept, until the reader has fetched it.
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
# RFC 5246 7.4.1.2: the place of the random in the record of a hello, behind header, type, length and version.
_RANDOM: Final = slice(HEADER_BYTES + 6, HEADER_BYTES + 38)
# Secrets of handshakes under way that no reader has fetched yet; a connection that was closed leaves its own behind.
_MAX_KEPT: Final = 1024


class KeyLog:
    """The log of one context. On systems that allow no log there are no secrets, and no method raises."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._kept: BoundedDict[bytes, bytes] = BoundedDict(_MAX_KEPT)
        self._lock = threading.Lock()
        self._file = -1
        if not hasattr(os, "memfd_create"):  # only Linux has such files; elsewhere certificates are not read ahead
            return
        file = os.memfd_create("tls-key-log")
        try:
            # OpenSSL opens a descriptor of its own, which appends. Without /proc there is no log.
            context.keylog_filename = f"/proc/self/fd/{file}"
        except OSError:
            os.close(file)
        else:
            self._file = file
            weakref.finalize(self, os.close, file)

    def secret(self, random: bytes) -> bytes | None:
        """The secret of the handshake whose client hello has this random; None where there is none (yet)."""
        self.empty()
        return self._kept.pop(random)

    def secret_of(self, outgoing: ssl.MemoryBIO) -> Callable[[], bytes | None]:
        """A function that gives the secret of the handshake whose hello waits in `outgoing`."""
        hello = outgoing.read()
        outgoing.write(hello)
        return partial(self.secret, hello[_RANDOM])

    def empty(self) -> None:
        """Read the log, and remove everything from it."""
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
