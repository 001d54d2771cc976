"""A refusing reply -> failure class and confidence. Pure.

The first rule whose words the reply has decides; else the concepts that stand in one sentence
(:mod:`exporter.diagnosis.replies.concepts`); else vague phrases, codes, and the refusal class of the stage.

The text comes from strangers: it is cut and normalised once, and a phrase is tried only where one of its words stands
in the text, so that the time is linear in the text that is kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies.concepts import ConceptRow, statements_of, strong_row, weak_row
from exporter.diagnosis.replies.rule import DIALOGUE, Phrase
from exporter.diagnosis.replies.rules import CODES_FROM, RULES, VAGUE_FROM
from exporter.diagnosis.replies.words import MAX_EXAMINED_CHARS, Words, words_of
from exporter.model.failure import Confidence, FailureClass, Stage

# RFC 3463 2, at any place of the text: "(#5.7.1)" of qmail, "#5.1.0" of Cisco, behind a host name with Cloudmark. Not
# a part of an IP address or of a longer version number, nor of a URL.
_STATUS: Final = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)")
_URL: Final = re.compile(r"https?://[^\s<>\"\])]{1,300}", re.IGNORECASE)

# RFC 5321 4.2.2: "closing transmission channel", the reply to QUIT alone. Postfix sends it to an HTTP client.
_GOODBYE: Final = 221

_C = FailureClass
# The class of a temporary and of a permanent refusal of which no word is recognised.
_BARE: Final = MappingProxyType(
    {
        Stage.BANNER: (_C.BANNER_TEMPFAIL, _C.BANNER_REJECTED),
        Stage.EHLO: (_C.EHLO_TEMPFAIL, _C.EHLO_REJECTED),
        Stage.EHLO_TLS: (_C.EHLO_TEMPFAIL, _C.EHLO_REJECTED),
        Stage.STARTTLS: (_C.STARTTLS_REJECTED, _C.STARTTLS_REJECTED),
    }
)
_BARE_ELSEWHERE: Final = (_C.TEMPFAIL, _C.REJECTED)

# Postfix puts these words before the text of an access table or policy server: the words behind them decide.
_PREFIX: Final = re.compile(
    r"(?P<subject>recipient|sender|client host|unverified client host|helo command|data command|end-of-data)"
    r"(?: address)? rejected: (?P<reason>[^\s].*)",
    re.IGNORECASE | re.DOTALL,
)
# Exchange Online, of mailboxes that its directory does not have; Postfix, of those in its own table.
_ACCESS_DENIED: Final = re.compile(r"access denied\b", re.IGNORECASE)
# Classes that can be the reason of a refusal of a sender, a client or a HELO name.
_REASONS: Final = frozenset(
    (
        *(_C.REPUTATION_BLOCKED, _C.RDNS_REQUIRED, _C.SENDER_AUTH_FAILED, _C.TLS_REQUIRED, _C.AUTH_REQUIRED),
        *(_C.RATE_LIMITED, _C.GREYLISTED, _C.TEMPFAIL, _C.BANNER_TEMPFAIL, _C.EHLO_TEMPFAIL, _C.PROTOCOL_ERROR),
    )
)


@dataclass(frozen=True, slots=True)
class ReplyClass:
    """The class of a refusing reply, and the confidence that its words and codes give."""

    failure_class: FailureClass
    confidence: Confidence


_Candidate = tuple[int, Phrase | None]  # the rule's place in the table, and the phrase that the text must have


def _index() -> tuple[dict[str, tuple[_Candidate, ...]], tuple[_Candidate, ...]]:
    """Prefix of a word -> the phrases that may begin with it; and the rules without phrases."""
    keyed: defaultdict[str, list[_Candidate]] = defaultdict(list)
    for place, rule in enumerate(RULES):
        for phrase in rule.says:
            for key in phrase.keys:
                keyed[key].append((place, phrase))
    wordless: tuple[_Candidate, ...] = tuple((place, None) for place, rule in enumerate(RULES) if not rule.says)
    return {key: tuple(found) for key, found in keyed.items()}, wordless


_BY_KEY, _WORDLESS = _index()


def classify(stage: Stage, code: int, text: str, enhanced: str | None = None) -> ReplyClass | None:
    """The class of a reply; None for one that neither refuses nor contradicts the stage.

    `text` is the reply's lines without their codes, joined by one space; `enhanced` its RFC 3463 code, where known.
    """
    if code == _GOODBYE and stage is not Stage.QUIT:
        return ReplyClass(_C.PROTOCOL_ERROR, Confidence.CERTAIN)
    if code < 400:  # RFC 5321 4.2.1: 2xx and 3xx are positive
        return None
    text = text[:MAX_EXAMINED_CHARS]
    status = enhanced or _status(code, text)
    found = _after_prefix(stage, code, text, status) or _recognise(stage, code, status, words_of(text))
    if found == _NO_FAILURE:
        return None
    return found or _bare(stage, code)


# A refusing code without a failure: VRFY that found several users.
_NO_FAILURE: Final = ReplyClass(_C.INTERNAL, Confidence.UNCERTAIN)


def _bare(stage: Stage, code: int) -> ReplyClass:
    """The class of the stage for a bare code: a guess."""
    temporary, permanent = _BARE.get(stage, _BARE_ELSEWHERE)
    failure_class = temporary if code < 500 else permanent
    uncertain = (
        failure_class is _C.BANNER_REJECTED
    )  # fits a host that is no mail server, and one that refuses our address
    return ReplyClass(failure_class, Confidence.UNCERTAIN if uncertain else Confidence.LIKELY)


def _after_prefix(stage: Stage, code: int, text: str, status: str) -> ReplyClass | None:
    """The class of the words behind the prefix of Postfix, where they can be the reason of its refusal."""
    prefix = _PREFIX.search(text)
    if prefix is None:
        return None
    reason = prefix["reason"]
    recipient = prefix["subject"].lower() == "recipient"
    if recipient and _ACCESS_DENIED.match(reason):
        return None
    found = _recognise(stage, code, status, words_of(reason), by_codes=False)
    if found is None and recipient and code < 500:
        return _bare(stage, code)
    if found is None or recipient or found.failure_class in _REASONS:
        return found
    client = prefix["subject"].lower().endswith("client host")
    return ReplyClass(_C.POLICY_REJECTED, Confidence.CERTAIN) if client else None


def _recognise(stage: Stage, code: int, status: str, words: Words, *, by_codes: bool = True) -> ReplyClass | None:
    """The class by the first that recognises the reply: words, concepts of a sentence, vague phrases, codes."""
    place = _first_match(stage, code, status, words)
    if place is not None and place < VAGUE_FROM:
        return _by_rule(place, stage, code, Confidence.CERTAIN)
    statements = statements_of(words) if stage in DIALOGUE else None
    if statements is not None:
        row = strong_row(stage, code, statements)
        if row is not None:
            return _by_concepts(row, stage, code)
    if place is not None and place < CODES_FROM:
        return _by_rule(place, stage, code, Confidence.LIKELY)
    if statements is not None:
        row = weak_row(stage, code, statements)
        if row is not None:
            return _by_concepts(row, stage, code)
    return _by_rule(place, stage, code, Confidence.LIKELY) if place is not None and by_codes else None


def _by_rule(place: int, stage: Stage, code: int, confidence: Confidence) -> ReplyClass:
    failure_class = RULES[place].failure_class
    return ReplyClass(failure_class, confidence) if failure_class is not None else _NO_FAILURE


def _by_concepts(row: ConceptRow, stage: Stage, code: int) -> ReplyClass:
    if row.failure_class is None:
        return replace(_bare(stage, code), confidence=row.confidence)
    return ReplyClass(row.failure_class, row.confidence)


def _first_match(stage: Stage, code: int, status: str, words: Words) -> int | None:
    """The place of the first rule that holds."""
    place, applies = -1, False
    for candidate, phrase in sorted(_candidates(words), key=lambda found: found[0]):
        if candidate != place:
            place, applies = candidate, RULES[candidate].applies(stage, code, status, words)
        if applies and (phrase is None or phrase.pattern.search(words.said) is not None):
            return candidate
    return None


def _candidates(words: Words) -> list[_Candidate]:
    found = list(_WORDLESS)
    for key in words.keys & _BY_KEY.keys():
        found += _BY_KEY[key]
    return found


def _status(code: int, text: str) -> str:
    """The enhanced code in the text whose class agrees with the reply's (RFC 2034 4), or ""."""
    without_urls = _URL.sub(" ", text)
    return next((found for found in _STATUS.findall(without_urls) if int(found[0]) == code // 100), "")
