"""A refusing reply -> failure class: the first rule of the table that matches, else what its stage calls a refusal.

The words come from strangers: they are cut and brought into a plain form once, and a phrase is tried only where one of
its words was said, so that the time is linear in what is kept.
"""

from __future__ import annotations

import re
from collections import defaultdict
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.reply_rules import RULES
from exporter.diagnosis.reply_table import Phrase, Rule
from exporter.diagnosis.reply_words import MAX_EXAMINED_CHARS, Words, words_of
from exporter.result import FailureClass, Stage

# RFC 3463 2, wherever it stands: "(#5.7.1)" of qmail, "#5.1.0" of Cisco, behind a host name with Cloudmark. Not a part
# of an IP address or of a longer version number.
_STATUS: Final = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)")

# RFC 5321 4.2.2: "closing transmission channel", the answer to QUIT alone. Postfix says it to HTTP.
_GOODBYE: Final = 221

_C = FailureClass
# Where no word is recognised: the class of a temporary and of a permanent refusal.
_BARE: Final = MappingProxyType(
    {
        Stage.BANNER: (_C.BANNER_TEMPFAIL, _C.BANNER_REJECTED),
        Stage.EHLO: (_C.EHLO_TEMPFAIL, _C.EHLO_REJECTED),
        Stage.EHLO_TLS: (_C.EHLO_TEMPFAIL, _C.EHLO_REJECTED),
        Stage.STARTTLS: (_C.STARTTLS_REJECTED, _C.STARTTLS_REJECTED),
    }
)
_BARE_ELSEWHERE: Final = (_C.TEMPFAIL, _C.REJECTED)

_Candidate = tuple[int, Phrase | None]  # the rule's place in the table, and what must be said


def _index() -> tuple[dict[str, tuple[_Candidate, ...]], tuple[_Candidate, ...]]:
    """Beginning of a word -> the phrases it may begin; and the rules that need no words."""
    keyed: defaultdict[str, list[_Candidate]] = defaultdict(list)
    for place, rule in enumerate(RULES):
        for phrase in rule.says:
            for key in phrase.keys:
                keyed[key].append((place, phrase))
    wordless: tuple[_Candidate, ...] = tuple((place, None) for place, rule in enumerate(RULES) if not rule.says)
    return {key: tuple(found) for key, found in keyed.items()}, wordless


_BY_KEY, _WORDLESS = _index()


def classify(stage: Stage, code: int, text: str, enhanced: str | None = None) -> FailureClass | None:
    """The class of a reply, None for one that neither refuses nor contradicts the stage.

    `text` is the reply's lines without their codes, joined by one space; `enhanced` its RFC 3463 code, where known.
    """
    if code == _GOODBYE and stage is not Stage.QUIT:
        return _C.PROTOCOL_ERROR
    if code < 400:  # RFC 5321 4.2.1: 2xx and 3xx are positive
        return None
    rule = matching_rule(stage, code, text, enhanced)
    if rule is not None:
        return rule.failure_class
    temporary, permanent = _BARE.get(stage, _BARE_ELSEWHERE)
    return temporary if code < 500 else permanent


def matching_rule(stage: Stage, code: int, text: str, enhanced: str | None = None) -> Rule | None:
    """The first rule that recognises a refusal."""
    words = words_of(text)
    status = enhanced or _status(code, text[:MAX_EXAMINED_CHARS])
    place, applies = -1, False
    for candidate, phrase in sorted(_candidates(words), key=lambda found: found[0]):
        if candidate != place:
            place, applies = candidate, RULES[candidate].applies(stage, code, status, words)
        if applies and (phrase is None or phrase.pattern.search(words.said) is not None):
            return RULES[candidate]
    return None


def _candidates(words: Words) -> list[_Candidate]:
    found = list(_WORDLESS)
    for key in words.keys & _BY_KEY.keys():
        found += _BY_KEY[key]
    return found


def _status(code: int, text: str) -> str:
    """The enhanced code in the text whose class agrees with the reply's (RFC 2034 4), or ""."""
    return next((found for found in _STATUS.findall(text) if int(found[0]) == code // 100), "")
