"""The record layer of TLS: a byte stream split into whole records. Pure.

RFC 8446 5.1, RFC 5246 6.2.1: type, version, length, then that many bytes. OpenSSL cannot use a part of a record, so it
waits here; bytes that are no record go to OpenSSL unchanged, which reports the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

HEADER_BYTES: Final = 5
CHANGE_CIPHER_SPEC: Final = 20
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
# Content type, then the major version, 3 ever since SSL 3.0.
_BEGINNING: Final = re.compile(rb"[\x14-\x18](?:\x03|$)|$")
# RFC 5246 6.2.3: 2^14 bytes of plaintext, and an expansion by the cipher.
_MAX_LENGTH: Final = 16_384 + 2_048


def is_record(data: bytes) -> bool:
    """True where `data` begins like a TLS record; in place of a handshake other bytes are plaintext or garbage."""
    return _BEGINNING.match(data) is not None


class Records:
    """Splits a stream into records; once `broken` the rest is none."""

    __slots__ = ("_buffer", "broken")

    def __init__(self) -> None:
        self._buffer = b""
        self.broken = False

    def split(self, data: bytes) -> Iterator[bytes]:
        """The records that are whole now; of a broken stream, all bytes."""
        buffer = self._buffer + data if self._buffer else data
        begin = 0
        while begin < len(buffer) and not self.broken:
            length = int.from_bytes(buffer[begin + 3 : begin + HEADER_BYTES], "big")
            whole = len(buffer) - begin >= HEADER_BYTES
            self.broken = not is_record(buffer[begin : begin + 2]) or (whole and length > _MAX_LENGTH)
            end = begin + HEADER_BYTES + length
            if self.broken or not whole or end > len(buffer):
                break
            yield buffer[begin:end]
            begin = end
        self._buffer = b"" if self.broken else buffer[begin:]
        if self.broken and begin < len(buffer):
            yield buffer[begin:]
