"""One rule about refusing replies: a class, conditions that must all hold, and phrases of which one must match.

A phrase is written in the plain form of :mod:`.words` (no articles, no auxiliaries, no names):

    "mailbox|inbox full"       either word, then the next: "mailbox is full", "Inbox full!"
    "no_such user"             an underscore holds an alternative of several words together
    "quota ... exceed*"        within one sentence, at most GAP_CHARS apart; `*`: however the word ends
    "black-list*"              a hyphen: in one word or in two
    "no valid? mx"             a word that may be missing
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from exporter.diagnosis.replies.words import FILLERS, KEY_CHARS, UNSPACED_FROM, Words, without_accents
from exporter.model.failure import FailureClass, Stage

REFUSED: Final = range(400, 600)
TEMPORARY: Final = range(400, 500)
PERMANENT: Final = range(500, 600)

# VRFY and EXPN are questions: a server that does not answer them refuses no mail. STARTTLS has its own refusal.
QUESTIONS: Final = frozenset({Stage.VRFY, Stage.EXPN})
DIALOGUE: Final = frozenset(Stage) - QUESTIONS - {Stage.STARTTLS}
EHLO: Final = frozenset({Stage.EHLO, Stage.EHLO_TLS})
# Stages at which a mailbox in the text is the recipient's: after MAIL FROM it is the sender's.
ABOUT_RECIPIENT: Final = frozenset({Stage.RCPT, Stage.DATA}) | QUESTIONS
TRANSACTION: Final = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA})

# Distance of two parts of a statement in one sentence: about eight words.
GAP_CHARS: Final = 48
_ENDING: Final = "[^ .]{0,20}"
# Prefixes of words that stand in most refusals: a phrase is looked up by another of its words.
_COMMON: Final = frozenset(
    re.findall(
        "[a-z]+",
        "not no mail mess addr host user reci reje your you ip from for by or in on of serv send sent acce deni refu"
        " clie conn doma unkn unav",
    )
)


@dataclass(frozen=True)
class Phrase:
    """`written` as in the table; `keys`: prefixes of words, one of which is in every text that the pattern matches."""

    written: str
    keys: frozenset[str]
    expression: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The pattern, compiled when a text has one of the keys: all take longer than the rest of a start together."""
        return re.compile(self.expression)


@dataclass(frozen=True, slots=True)
class Rule:
    """`failure_class` None: no failure. `status` is the whole RFC 3463 code; `names` is searched in hosts and URLs."""

    failure_class: FailureClass | None
    says: tuple[Phrase, ...] = ()
    names: re.Pattern[str] | None = None
    codes: Container[int] = REFUSED
    status: re.Pattern[str] | None = None
    stages: frozenset[Stage] | None = None

    def applies(self, stage: Stage, code: int, status: str, words: Words) -> bool:
        """True where every condition but the phrases holds."""
        return (
            code in self.codes
            and (self.stages is None or stage in self.stages)
            and (self.status is None or self.status.fullmatch(status) is not None)
            and (self.names is None or self.names.search(words.names) is not None)
        )


def says(*phrases: str) -> tuple[Phrase, ...]:
    """The phrases."""
    return tuple(map(_phrase, phrases))


def _phrase(written: str) -> Phrase:
    pattern, spaced, found_by = "", True, []
    for part in written.split(" "):
        if part == "...":
            pattern += f"(?:[^.]{{0,{GAP_CHARS}}} )?" if spaced else f"[^.]{{0,{GAP_CHARS}}}"
            continue
        place, keys = _place(part.removesuffix("?"))
        spaced = not _unspaced(part)
        if spaced:
            place = f"{place} "
            pattern = pattern or " "
        if part.endswith("?"):
            place = f"(?:{place})?"
        else:
            found_by.append(keys)
        pattern += place
    return Phrase(written, min(found_by, key=_commonness), pattern)


def _place(part: str) -> tuple[str, frozenset[str]]:
    """The pattern for one place of a phrase, and the prefixes of words that it can begin with."""
    patterns: list[str] = []
    keys: set[str] = set()
    if len({_unspaced(alternative) for alternative in part.split("|")}) > 1:
        raise ValueError(f"scripts with and without spaces in one place: {part!r}")
    for alternative in part.split("|"):
        literal = without_accents(alternative.removesuffix("*"))
        open_end = alternative.endswith("*")
        first = literal.split("_")[0]
        if FILLERS.intersection(literal.split("_")) or (open_end and first == literal and len(first) < KEY_CHARS):
            raise ValueError(f"never found: {alternative!r}")
        # CJK is found by its first character: it has no spaces between words.
        keys |= (
            {first[0]} if _unspaced(first) else {first.split("-")[0][:KEY_CHARS], first.replace("-", "")[:KEY_CHARS]}
        )
        patterns.append(re.escape(literal).replace("_", " ").replace(r"\-", " ?") + (_ENDING if open_end else ""))
    return f"(?:{'|'.join(patterns)})" if len(patterns) > 1 else patterns[0], frozenset(keys)


def _unspaced(part: str) -> bool:
    return part[0] >= UNSPACED_FROM


def _commonness(keys: frozenset[str]) -> tuple[int, int]:
    return len(keys & _COMMON), len(keys)
