"""SMTP replies from bytes (RFC 5321 4.2), with the tolerance of a receiver and bounds, for servers are strangers.

`receive_data` only buffers, `next_reply` gives a :class:`Reply`, a :class:`ReadError`, or None for "need more".
Unreadable or cut off bytes are not thrown away: `refusal` finds the words of refusal in them, `error_detail` the fault.
Lines are kept as bytes; nothing is decoded before it is matched or shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from exporter.model.printable import printable

# RFC 5321 4.5.3.1.5 allows 512 octets for a reply line; real servers exceed it, none needs more than this.
MAX_LINE_BYTES: Final = 4096
# A whole multi-line reply. The longest EHLO answers seen in the wild stay under 4 KiB.
MAX_REPLY_BYTES: Final = 65536
# The part of a reply's text that is matched or shown; block-list texts with URLs stay under 1 KiB.
MAX_TEXT_CHARS: Final = 2048
# Bytes looked at behind an unreadable line.
MAX_BEHIND_BYTES: Final = 4096
# Bytes of a wrong line that a report quotes.
_QUOTED_BYTES: Final = 60

# RFC 5321 4.2: Reply-code, here with any second and third digit (571 exists); then end, space, hyphen, or the TAB
# that some servers send.
_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ \t-])([^\x00]*))?")
# A whole reply as nearly every server sends it, of lines whose length needs no thought. Read at once, for reading each
# line anew takes five times as long.
_ORDINARY: Final = re.compile(rb"([2-5][0-9][0-9])(?:-[^\x00\r\n]{0,2048}\r\n\1)*(?:[ \t][^\x00\r\n]{0,2048})?\r\n")
# An unfinished line that can still become one of those.
_POSSIBLE: Final = re.compile(rb"(?:[2-5](?:[0-9](?:[0-9](?:\r|[ \t-][^\x00]*)?)?)?)?")
# A refusing line, wherever it stands: behind white space, without a text, or with a colon behind its code.
_REFUSING: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*([45][0-7][0-9])[:,;.]*(?:([ \t-])([\s\S]*))?")
_DIGITS: Final = re.compile(rb"[0-9]+")
# RFC 3463 2; RFC 2034 4: class, subject and detail at the start of the text.
_ENHANCED: Final = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![.0-9])")


class ReadError(Enum):
    """The reasons why no reply can be read any more."""

    LINE = "line"  # one that belongs to no reply
    LIMIT = "limit"  # too much for one


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply; `lines` are the texts without code and separator.

    RFC 5321 4.2.1 wants one code in all lines of a reply. Where there are two the last line's counts; of a refusal only
    the lines that refuse are kept.
    """

    code: int
    lines: tuple[bytes, ...]
    bare_lf: bool = False  # a line ended with LF alone (RFC 5321 2.3.8)
    contradictory: bool = False  # its lines have several codes
    cut: bool = False  # its end never came
    refusal: Reply | None = None  # the lines that refuse, where the last one does not

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


@dataclass(frozen=True, slots=True)
class _ReplyLine:
    code: int
    text: bytes
    raw: bytes


class ReplyReader:
    """Collects bytes until a reply is whole. After a ReadError it reads no more, and only collects."""

    __slots__ = ("_bare_lf", "_buffer", "_conceal", "_error", "_lines", "_looked", "_reply_bytes")

    def __init__(self, conceal: Callable[[bytes], bytes] | None = None) -> None:
        """`conceal` takes the secrets out of a line; whole replies are handed out as they came."""
        self._buffer = b""
        self._conceal = conceal
        self._error: ReadError | None = None
        self._looked = 0  # bytes outside of replies that have no whole refusal in them
        self._clear()

    def _clear(self) -> None:
        # The lines that are here of a reply that is not yet whole.
        self._lines: list[_ReplyLine] = []
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
    def raw(self) -> bytes:
        """All that came since the last reply handed out, as far as it is looked at."""
        return b"".join([line.raw + b"\n" for line in self._lines]) + self._behind

    @property
    def full(self) -> bool:
        """Nothing that comes now would be looked at."""
        return self._error is ReadError.LIMIT or len(self._buffer) >= MAX_BEHIND_BYTES

    def next_reply(self) -> Reply | ReadError | None:
        """The next whole reply; why there will be none; or None while more bytes are needed."""
        if not self._buffer:
            return None
        if not self._lines and (ordinary := _ORDINARY.match(self._buffer)) and ordinary.end() <= MAX_REPLY_BYTES:
            self._buffer, self._looked = self._buffer[ordinary.end() :], 0
            return Reply(int(ordinary[1]), tuple([line[4:] for line in ordinary[0][:-2].split(b"\r\n")]))
        return self._by_line()

    def _by_line(self) -> Reply | ReadError | None:
        """Read line by line a reply that is not ordinary: in pieces, too long, or wrong."""
        buffer, begin = self._buffer, 0
        try:
            while self._error is None:
                end = buffer.find(b"\n", begin)
                if (end if end >= 0 else len(buffer)) - begin > self._allowed:
                    self._error = ReadError.LIMIT
                    break
                if end < 0:
                    if _POSSIBLE.fullmatch(buffer, begin) is None:
                        self._error = ReadError.LINE
                    break
                bare_lf = end == begin or buffer[end - 1] != 0x0D
                line = buffer[begin : end if bare_lf else end - 1]
                parsed = _LINE.fullmatch(line)
                if parsed is None:
                    self._error = ReadError.LINE
                    break
                self._reply_bytes += end + 1 - begin
                begin = end + 1
                self._bare_lf |= bare_lf
                self._lines.append(_ReplyLine(int(parsed[1]), parsed[3] or b"", line))
                if parsed[2] != b"-":
                    return self._whole()
            return self._error
        finally:
            if begin:
                self._buffer, self._looked = buffer[begin:], 0

    def _whole(self) -> Reply:
        reply = _reply([(line.code, line.text) for line in self._lines], self._bare_lf)
        self._clear()
        return reply

    # Rests that never became a reply

    def refusal(self, *, ended: bool = True) -> Reply | None:
        """The words of refusal in unreadable or cut off bytes. `ended` False: only with their last line, whole."""
        if not ended and not self._refused():
            return None
        said = [(line.code, line.text) for line in self._lines]
        whole = False
        for line, terminated in self._rest():
            found = _REFUSING.fullmatch(line)
            if found is not None:
                said.append((int(found[1]), found[3] or b""))
                whole = terminated and found[2] != b"-"
                if whole:
                    break
        refusing = [(code, text) for code, text in said if code >= 400]
        if not refusing or not (whole or ended):
            return None
        # At once: there may be thousands.
        lines = tuple(self._shown(b"\n".join([text for _, text in refusing])).split(b"\n"))
        several = len({code for code, _ in said}) > 1
        return Reply(refusing[-1][0], lines, self._bare_lf, several, cut=not whole)

    def _refused(self) -> bool:
        """The last line of a refusal has come, whole.

        Looked for in lines that are new alone: asked after every piece, for a server may send one byte at a time.
        """
        behind = self._behind
        begin, self._looked = self._looked, behind.rfind(b"\n") + 1
        for line in behind[begin : self._looked].split(b"\n")[:-1]:
            found = _REFUSING.fullmatch(_bare(line))
            if found is not None and found[2] != b"-":
                self._looked = begin  # for the next call
                return True
        return False

    def _rest(self) -> Iterator[tuple[bytes, bool]]:
        """The lines that are in no reply, without NUL and line end, and whether they have one."""
        *lines, last = self._behind.split(b"\n")
        for line in lines:
            yield _bare(line), True
        yield _bare(last), False

    @property
    def _behind(self) -> bytes:
        """The bytes looked at behind the lines that were right: of too many only as many as were allowed."""
        return self._buffer[: self._allowed if self._error is ReadError.LIMIT else MAX_BEHIND_BYTES]

    @property
    def _allowed(self) -> int:
        """The bytes that the next line may have."""
        return max(0, min(MAX_LINE_BYTES, MAX_REPLY_BYTES - self._reply_bytes))

    def error_detail(self) -> str:
        """The line of a ReadError, and what is wrong with it: the middle of a sentence for a person."""
        number, line = len(self._lines) + 1, self._behind.split(b"\n", 1)[0].removesuffix(b"\r")
        if self._error is not ReadError.LIMIT:
            wrong = _fault(line)
        elif self._allowed == MAX_LINE_BYTES:
            wrong = f"is longer than {MAX_LINE_BYTES} bytes"
        else:
            wrong = f"makes it longer than {MAX_REPLY_BYTES} bytes"
        return f"a malformed reply: line {number} {wrong}{self._quoted(line, ': ')}"

    def unfinished(self) -> str:
        """The line after which the end of a reply never came, in half a sentence; empty where none had begun."""
        if self._buffer:
            return f"line {len(self._lines) + 1} of its reply has no end{self._quoted(self._behind, ': ')}"
        if self._lines:
            raw = self._lines[-1].raw
            return f"line {len(self._lines)} of its reply announces another that never came{self._quoted(raw, ': ')}"
        return ""

    def _shown(self, line: bytes) -> bytes:
        return line if self._conceal is None else self._conceal(line)

    def _quoted(self, line: bytes, before: str) -> str:
        line = self._shown(line)
        return f'{before}"{printable(line, _QUOTED_BYTES)}"' if line.strip() else ""


def _bare(line: bytes) -> bytes:
    return line.replace(b"\0", b"").rstrip(b"\r")


def _reply(said: list[tuple[int, bytes]], bare_lf: bool) -> Reply:
    """The reply of these lines, each with its code."""
    code = said[-1][0]
    if all(each == code for each, _ in said):
        return Reply(code, tuple([text for _, text in said]), bare_lf)
    refusing = [(each, text) for each, text in said if each >= 400]
    lines = tuple([text for _, text in refusing])
    if code >= 400:
        return Reply(code, lines, bare_lf, contradictory=True)
    refusal = Reply(refusing[-1][0], lines, bare_lf, contradictory=True) if refusing else None
    return Reply(code, tuple([text for _, text in said]), bare_lf, contradictory=True, refusal=refusal)


def _fault(line: bytes) -> str:
    """The reason why a line belongs to no reply."""
    if b"\0" in line:
        return "has a NUL byte"
    if not line.strip():
        return "is empty"
    begins = _DIGITS.match(line.lstrip())
    if begins is None:
        return "has no reply code"
    digits = begins[0]
    if len(digits) != 3 or digits[0] not in b"2345":
        return f"begins with {printable(digits, 8)}, which is no reply code"
    if line[:1].isspace():
        return "begins with white space"
    return "has neither space nor hyphen behind its code"
