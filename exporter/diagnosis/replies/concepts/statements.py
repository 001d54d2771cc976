"""The sentences of a refusal as sets of concepts: subjects, statements and topics, with "not" resolved. Pure.

"No connections from your host allowed": a refusal of our host. Each "not" negates the one statement nearest to it, one
that follows before one that precedes, for languages differ in the order; "only" negates a permission; "this host" is
the server. The time is linear in the words, for each is looked up by a bounded number of its prefixes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies.concepts.lexicon import LEXICON
from exporter.diagnosis.replies.words import UNSPACED_FROM, Words, without_accents

# A reply has a few sentences; strangers may send any number of dots.
MAX_SENTENCES: Final = 24
# Reach of "not", in words: "no connections from your host are allowed", "wird von hier nicht angenommen".
_NOT_AHEAD: Final = 7
_NOT_BACK: Final = 3
# Reach of "no" before a noun: "no such user", "kein solcher Benutzer"; "not" negates a noun only right before it.
_NOUN_AHEAD: Final = 3
_VERBAL: Final = frozenset(("not", "nicht", "ne", "pas", "non", "nao", "nie", "niet", "не", "never"))
# Texts of the standard itself (RFC 5321 4.2.3), without a reason.
_BOILERPLATE: Final = re.compile(r"requested (?:mail )?action (?:not taken|aborted|okay)")
# "Mail from this network": ours.
_FROM: Final = frozenset(
    ("from", "aus", "von", "depuis", "desde", "da", "dal", "dalla", "od", "z", "van", "из", "от", "with", "of")
)
# The same in one row of characters.
_THIS_HOST: Final = re.compile("(?:この|当|本|此|该|該)(?:ホスト|主机|主機)|이 ?호스트")
# Lengths of entries, in words, and of prefixes, in characters, that are looked up.
_LONGEST_ENTRY: Final = 4
_LONGEST_STEM: Final = 12
_LONGEST_UNSPACED: Final = 6

# Concepts without words: an IP address, a number, a mailbox in the text.
_FOUND: Final = ("IP", "NUMBER", "MAILBOX")
BITS: Final = MappingProxyType({name: 1 << place for place, name in enumerate((*LEXICON, *_FOUND))})
_NEGATED: Final = (
    (BITS["ALLOW"], BITS["REFUSED"] | BITS["NOTALLOW"]),
    (BITS["EXIST"], BITS["UNKNOWN"]),
    (BITS["AVAILABLE"], BITS["OUTAGE"]),
)
_NEGATABLE: Final = BITS["ALLOW"] | BITS["EXIST"] | BITS["AVAILABLE"]
_UNITS_OF_TIME: Final = frozenset(("second", "minute", "hour", "day", "week"))
_ANYBODY: Final = BITS["LAX"] | BITS["NOBODY"]
_DENIABLE: Final = BITS["RCPT"] | BITS["PERSON"] | BITS["ADDRESS"]


@dataclass(frozen=True, slots=True)
class Entries:
    """The lexicon by the kind of look-up: whole words or rows of words, stems, parts of unspaced scripts."""

    whole: dict[str, int]
    stems: dict[str, int]
    unspaced: dict[str, int]


_UNITS: Final = MappingProxyType({"s": "seconds", "m": "minutes", "h": "hours"})
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _spelling(word: str) -> str:
    """The spelling by which a word is looked up; "300s" is a number of seconds."""
    if word[0].isdigit():
        unit = word.lstrip("0123456789")
        word = _UNITS.get(unit, unit) or word
    return word if word.isascii() else without_accents(word).replace("ß", "ss")


def _entries() -> Entries:
    whole, stems, unspaced = defaultdict[str, int](int), defaultdict[str, int](int), defaultdict[str, int](int)
    for name, words in LEXICON.items():
        for word in words.split():
            for spelling in {_spelling(word.rstrip("*")), word.rstrip("*").translate(_UMLAUTS)}:
                if spelling[0] >= UNSPACED_FROM:
                    unspaced[spelling[:_LONGEST_UNSPACED]] |= BITS[name]
                elif word.endswith("*"):
                    stems[spelling[:_LONGEST_STEM]] |= BITS[name]
                else:
                    whole[spelling.replace("_", " ")] |= BITS[name]
    return Entries(dict(whole), dict(stems), dict(unspaced))


_ENTRIES: Final = _entries()
_STEM_LENGTHS: Final = tuple(sorted({len(stem) for stem in _ENTRIES.stems}))


def statements_of(words: Words) -> tuple[int, ...]:
    """One set of concepts (bits) for each sentence, then that of all of them together."""
    sentences = [spoken.split() for spoken in _BOILERPLATE.sub(".", words.spoken).split(" . ")[:MAX_SENTENCES]]
    everywhere = (BITS["IP"] if words.ip_address else 0) | (BITS["NUMBER"] if words.number else 0)
    everywhere |= BITS["MAILBOX"] if words.mailbox else 0
    found = [_statement(tokens) | everywhere for tokens in sentences if tokens]
    together = everywhere
    for statement in found:
        together |= statement
    return (*found, together)


def _statement(tokens: list[str]) -> int:
    """The concepts of one sentence, with "this host" and "not" resolved."""
    places = _places(tokens)
    for place, concepts in enumerate(places[:-1]):
        if (
            concepts & BITS["THIS"]
            and places[place + 1] & BITS["HOST"]
            and (not place or tokens[place - 1] not in _FROM)
        ):
            places[place + 1] = places[place + 1] & ~BITS["HOST"] | BITS["SERVER"]
        if concepts & BITS["FROM"] and places[place + 1] & _ANYBODY:  # mail of all clients, not ours in particular
            places[place] &= ~BITS["FROM"]
        if concepts & BITS["COUNTED"] and tokens[place + 1] in _UNITS_OF_TIME:  # "50 letters an hour"
            places[place] |= BITS["PERIOD"]
    for place, concepts in enumerate(places):
        if concepts & BITS["NOT"]:
            _negate(tokens, places, place)
    sentence = 0
    for concepts in places:
        sentence |= concepts
    if sentence & BITS["ONLY"] and sentence & BITS["ALLOW"]:
        sentence |= BITS["REFUSED"]
    return sentence


def _places(tokens: list[str]) -> list[int]:
    """The concepts of each word; those of a row of words stand at its first word."""
    places = [0] * len(tokens)
    spellings = [_spelling(token) for token in tokens]
    for place, spelling in enumerate(spellings):
        if spelling[0] >= UNSPACED_FROM:
            places[place] |= _unspaced(spelling)
            continue
        found = _ENTRIES.whole.get(spelling, 0)
        for length in _STEM_LENGTHS:
            if length > len(spelling):
                break
            found |= _ENTRIES.stems.get(spelling[:length], 0)
        row = spelling
        for following in spellings[place + 1 : place + _LONGEST_ENTRY]:
            row = f"{row} {following}"
            found |= _ENTRIES.whole.get(row, 0)
        places[place] = found
    return places


def _unspaced(row: str) -> int:
    """The concepts of a row of characters without spaces, in which negations are entries of their own."""
    found = 0
    row = _THIS_HOST.sub("本站", row)
    for start in range(len(row)):
        for length in range(1, _LONGEST_UNSPACED + 1):
            found |= _ENTRIES.unspaced.get(row[start : start + length], 0)
    return found


def _negate(tokens: list[str], places: list[int], place: int) -> None:
    """Negate the statement that the "not" at `place` belongs to."""
    reach = 1 if tokens[place] in _VERBAL else _NOUN_AHEAD
    for noun in range(place + 1, min(place + 1 + reach, len(places))):
        if places[noun] & _DENIABLE:
            places[place] |= BITS["UNKNOWN"]
            break
    ahead = range(place, min(place + _NOT_AHEAD, len(places)))
    back = range(place - 1, max(place - 1 - _NOT_BACK, -1), -1)
    for other in (*ahead, *back):
        if places[other] & _NEGATABLE:
            for positive, negative in _NEGATED:
                if places[other] & positive:
                    places[other] = places[other] & ~positive | negative
            return
