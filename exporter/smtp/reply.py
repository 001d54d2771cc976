"""SMTP replies from bytes (RFC 5321 4.2), with the tolerance of a receiver and the bounds of a guest of strangers.

`receive_data` only buffers, `next_reply` gives a :class:`Reply`, a :class:`Violation`, or None for "need more".
Lines are kept as bytes; nothing is decoded before somebody wants to match or show it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

# RFC 5321 4.5.3.1.5 allows 512 octets for a reply line; real servers exceed it, none needs more than this.
MAX_LINE_BYTES: Final = 4096
# A whole multi-line reply. The longest EHLO answers seen in the wild stay under 4 KiB.
MAX_REPLY_BYTES: Final = 65536
# What is matched or shown of a reply's text; block-list texts with URLs stay under 1 KiB.
MAX_TEXT_CHARS: Final = 2048

# RFC 5321 4.2: Reply-code, here with any second and third digit (571 exists); then end, space, hyphen, or the TAB
# that some servers send.
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ \t-])([^\x00]*))?")
# A whole reply as nearly every server sends it, of lines whose length needs no thought. Read at once, for reading each
# line anew takes five times as long.
_ORDINARY: Final = re.compile(rb"([2-5][0-9][0-9])(?:-[^\x00\r\n]{0,2048}\r\n\1)*(?:[ \t][^\x00\r\n]{0,2048})?\r\n")
# RFC 3463 2; RFC 2034 4: class, subject and detail at the start of the text.
_ENHANCED: Final = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![.0-9])")


@dataclass(frozen=True, slots=True)
class Violation:
    """What broke the protocol, as a sentence for a person."""

    detail: str


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply; `lines` are the texts without code and separator."""

    code: int
    lines: tuple[bytes, ...]
    bare_lf: bool = False  # a line ended with LF alone (RFC 5321 2.3.8)

    @property
    def positive(self) -> bool:
        """Completed as asked (RFC 5321 4.2.1: first digit 2)."""
        return 200 <= self.code < 300

    @property
    def text(self) -> str:
        """The lines joined by a space, decoded with replacement, bounded."""
        return b" ".join(self.lines)[:MAX_TEXT_CHARS].decode("utf-8", "replace")

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463) where its class agrees with the reply's (RFC 2034 4)."""
        for line in self.lines:
            found = _ENHANCED.match(line)
            if found and found[1][0] - 48 == self.code // 100:
                return ".".join(str(int(part)) for part in found[1].split(b"."))
        return None


class ReplyReader:
    """Collects bytes until a reply is whole. After a Violation it is of no further use."""

    __slots__ = ("_bare_lf", "_buffer", "_code", "_lines", "_reply_bytes")

    def __init__(self) -> None:
        self._buffer = b""
        self._clear()

    def _clear(self) -> None:
        # The lines that are here of a reply that is not yet whole.
        self._lines: list[bytes] = []
        self._code = 0
        self._reply_bytes = 0
        self._bare_lf = False

    def receive_data(self, data: bytes) -> None:
        """Buffer `data`."""
        self._buffer += data

    @property
    def pending(self) -> bool:
        """Bytes wait that belong to no reply handed out."""
        return bool(self._buffer or self._lines)

    @property
    def peek(self) -> bytes:
        """The first bytes not yet handed out."""
        return self._buffer[:MAX_LINE_BYTES]

    def next_reply(self) -> Reply | Violation | None:
        """The next whole reply; a violation; or None while more bytes are needed."""
        if not self._buffer:
            return None
        if not self._lines and (ordinary := _ORDINARY.match(self._buffer)) and ordinary.end() <= MAX_REPLY_BYTES:
            self._buffer = self._buffer[ordinary.end() :]
            return Reply(int(ordinary[1]), tuple([line[4:] for line in ordinary[0][:-2].split(b"\r\n")]))
        return self._by_line()

    def _by_line(self) -> Reply | Violation | None:
        """All that is not ordinary: what comes in pieces, is too long, or is wrong."""
        buffer, begin = self._buffer, 0
        try:
            while True:
                end = buffer.find(b"\n", begin)
                length = (end if end >= 0 else len(buffer)) - begin
                if length > MAX_LINE_BYTES:
                    return Violation(f"a reply line of more than {MAX_LINE_BYTES} bytes")
                if self._reply_bytes + length > MAX_REPLY_BYTES:
                    return Violation(f"a reply of more than {MAX_REPLY_BYTES} bytes")
                if end < 0:
                    return None
                bare_lf = end == begin or buffer[end - 1] != 0x0D
                line = buffer[begin : end if bare_lf else end - 1]
                begin = end + 1
                self._reply_bytes += length + 1
                parsed = _LINE.fullmatch(line)
                if parsed is None:
                    return Violation("a NUL byte in a reply" if b"\0" in line else "a line that is no SMTP reply")
                code = int(parsed[1])
                if self._lines and code != self._code:  # RFC 5321 4.2.1: every line carries the same code
                    return Violation(f"a multi-line reply with two codes, {self._code} and {code}")
                self._code = code
                self._bare_lf |= bare_lf
                self._lines.append(parsed[3] or b"")
                if parsed[2] != b"-":
                    reply = Reply(code, tuple(self._lines), self._bare_lf)
                    self._clear()
                    return reply
        finally:
            self._buffer = buffer[begin:]
