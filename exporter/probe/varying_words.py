"""Replies that vary from session to session where no fact is drawn from them: a date, an id, an address.

Two replies to one command are compared word by word. Where they differ alone, and what differs is of a closed kind, all
replies that differ there alone, and by that kind, say the same. The kinds, and the places where they may stand, are
such that no reader of texts can see a difference:

- the codes, the line ends and the number of lines are fixed, and the reply refuses nothing: a text is read for its
  meaning, or for an enhanced status, where it refuses (RFC 3463, exporter.smtp.reply);
- the first word of every line is fixed, which names the host or an extension (exporter.probe.greeting_name,
  exporter.diagnosis.fingerprints, exporter.smtp.ehlo), and of the answer to EHLO all lines but the first, so that they
  announce the same;
- a greeting has fixed words that no other protocol says (exporter.smtp.other_protocols), or it has none of those that
  another protocol may say, and no letters vary but in names of days, months and time zones;
- a line with the asterisks of an inspection is fixed, for the digits beside them are read, too
  (exporter.diagnosis.fingerprints);
- the reply is no longer than one line may be (exporter.smtp.reply).

A reply of which a part has come, and whose next byte may still fit, is one for which an ordinary session would wait,
too: no kind has a line end or a NUL in it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from exporter.smtp.other_protocols import names_other, names_smtp
from exporter.smtp.reply import MAX_LINE_BYTES
from exporter.smtp.software import NAMED

_MONTHS: Final = (
    rb"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?"
    rb"|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAYS: Final = rb"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
_ZONES: Final = (
    rb"(?:Z|UTC?|GMT|[ECMP][SD]T|CES?T|WES?T|EES?T|MES?[TZ]|MSK|BST|IST|JST|KST|HKT|SGT|A[EC][SD]T|AWST|NZ[SD]T|SAST"
    rb"|BRS?T)"
)
_TIME: Final = rb"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?: ?[AP]M)?"
_ZONE: Final = rb"(?: ?[+-][0-9]{2}:?[0-9]{2})?(?: ?" + _ZONES + rb"| ?\(" + _ZONES + rb"\))?"
_DATE: Final = (
    rb"(?<![0-9A-Za-z])(?:"
    # RFC 5322 3.3, with hyphens as well; ctime(3); with the month first; in digits alone.
    rb"(?:" + _DAYS + rb",? {1,2})?[0-9]{1,2}[ -]" + _MONTHS + rb"[ -][0-9]{2,4}(?:,? " + _TIME + _ZONE + rb")?"
    rb"|" + _DAYS + rb" " + _MONTHS + rb" {1,2}[0-9]{1,2} " + _TIME + rb"(?: " + _ZONES + rb")? [0-9]{4}" + _ZONE +
    rb"|(?:" + _DAYS + rb",? )?" + _MONTHS + rb" {1,2}[0-9]{1,2}, [0-9]{4}(?:,? " + _TIME + _ZONE + rb")?"
    rb"|[0-9]{1,4}[/.-][0-9]{1,2}[/.-][0-9]{2,4}[T ]" + _TIME + _ZONE +
    rb"|" + _TIME + _ZONE + rb")(?![0-9A-Za-z])"
)  # fmt: skip
_WORD: Final = rb"[^ \t\r\n\x00()<>\[\]{},;\"']+"
_PARTS: Final = re.compile(rb"(" + _DATE + rb"|" + _WORD + rb")")
# Code, separator and first word; those of the banner of a name that comes twice are two words.
_HEAD: Final = re.compile(rb"[23][0-9][0-9](?:[ \t-][^ \t\r\n\x00]*)?")
_LINE: Final = re.compile(rb"[^\n]*\n")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_MASK: Final = b"*" * 8
_GREETS: Final = (b"EHLO", b"HELO")
_EHLO_CODE: Final = b"250"


class Kind(NamedTuple):
    """A kind of varying text."""

    pattern: re.Pattern[bytes]
    has_letters: bool = False  # any


DATE: Final = Kind(re.compile(_DATE))
NUMBER: Final = Kind(re.compile(rb"[0-9]{1,20}(?![0-9A-Za-z._=+/@:~$-])"))
NUMBERS: Final = Kind(re.compile(rb"[0-9](?:[.:/+-]?[0-9]){0,63}(?![0-9A-Za-z._=+/@:~$-])"))
# The name of a product is a fact (exporter.smtp.software), and no id.
ID: Final = Kind(
    re.compile(
        rb"(?![0-9A-Za-z._=+/@:~$-]{0,128}?" + NAMED + rb")[0-9A-Za-z._=+/@:~$-]{1,128}(?=[ \t\r\n()<>\[\]{},;\"'])"
    ),
    has_letters=True,
)
_KINDS: Final = (NUMBER, NUMBERS, ID)
# A piece of a text of any kind.
_PIECE: Final = re.compile(rb"[0-9A-Za-z._=+/@:~$,() -]{0,128}")


class VaryingReply(NamedTuple):
    """A reply in parts: fixed bytes, each with the kind of what stands behind it, and the fixed end."""

    parts: tuple[tuple[bytes, Kind], ...]
    end: bytes

    def fits(self, reply: bytes) -> bool:
        """A whole reply differs in the varying parts alone."""
        if len(reply) > MAX_LINE_BYTES:
            return False
        place = 0
        for fixed, kind in self.parts:
            if not reply.startswith(fixed, place):
                return False
            found = kind.pattern.match(reply, place + len(fixed))
            if found is None:
                return False
            place = found.end()
        return reply.endswith(self.end) and len(reply) == place + len(self.end)

    def may_begin_with(self, piece: bytes) -> bool:
        """More bytes behind this piece may make it a reply that fits, and it is none yet."""
        if len(piece) > MAX_LINE_BYTES:
            return False
        place = 0
        for fixed, kind in self.parts:
            if len(piece) - place <= len(fixed):
                return fixed.startswith(piece[place:])
            if not piece.startswith(fixed, place):
                return False
            place += len(fixed)
            found = kind.pattern.match(piece, place)
            if found is None or found.end() == len(piece):
                return _PIECE.fullmatch(piece, place) is not None
            place = found.end()
        return self.end.startswith(piece[place:]) and len(piece) - place < len(self.end)


def varying(command: bytes, replies: Sequence[bytes]) -> VaryingReply | None:
    """The replies that differ as these do, which answered `command` (empty: the greetings); None: that is not known."""
    columns = [_LINE.findall(reply) for reply in replies]
    if len({len(lines) for lines in columns}) != 1:
        return None
    greets = command[:4].upper() in _GREETS
    parts: list[tuple[bytes, Kind]] = []
    fixed = b""
    for number, lines in enumerate(zip(*columns, strict=True)):
        if len({*lines}) == 1 and (greets and number):
            fixed += lines[0]
            continue
        pieces = _line_parts(lines)
        if pieces is None or (greets and (number or lines[0][:3] != _EHLO_CODE)):
            return None
        for before, kind in pieces:
            fixed += before
            if kind is not None:
                parts.append((fixed, kind))
                fixed = b""
    found = VaryingReply(tuple(parts), fixed)
    return found if command or _is_surely_smtp(found, replies) else None


def _line_parts(lines: Sequence[bytes]) -> list[tuple[bytes, Kind | None]] | None:
    """The parts of one line of all replies; None where they differ by more than words of a kind."""
    heads = {found[0] if (found := _HEAD.match(line)) else b"" for line in lines}
    head = heads.pop()
    if heads or not head or (_MASK in lines[0] and len({*lines}) > 1):
        return None
    rows = [_PARTS.split(line[len(head) :]) for line in lines]
    if len({len(row) for row in rows}) != 1:
        return None
    parts: list[tuple[bytes, Kind | None]] = [(head, None)]
    for place, words in enumerate(zip(*rows, strict=True)):
        is_date = place % 2 and all(DATE.pattern.fullmatch(word) for word in words)
        if len({*words}) == 1 and not is_date:
            parts.append((words[0], None))
            continue
        kind = _kind(words) if place % 2 else None
        if kind is None:
            return None
        parts.append((b"", kind))
    return parts


def _kind(words: Sequence[bytes]) -> Kind | None:
    """The narrowest kind of all of these words."""
    if all(DATE.pattern.fullmatch(word) for word in words):
        return DATE
    ended = [word + b" " for word in words]
    for kind in _KINDS:
        if all((found := kind.pattern.match(word)) and found.end() == len(word) - 1 for word in ended):
            return kind
    return None


def _is_surely_smtp(greeting: VaryingReply, samples: Sequence[bytes]) -> bool:
    """The greeting is one of SMTP, as far as a greeting shows that, in whatever it varies."""
    fixed = (*[before for before, _ in greeting.parts], greeting.end)
    if any(map(names_smtp, fixed)):
        return True
    if any(kind.has_letters for _, kind in greeting.parts) or any(map(names_other, samples)):
        return False
    return any(map(_LETTER.search, fixed))
