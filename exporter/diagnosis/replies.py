"""A refusing reply -> failure class: the first rule of the table that matches, else what its stage calls a refusal.

The words come from strangers: they are cut, lower-cased and stripped of mailbox addresses before a pattern sees them (a
recipient called spam@ is no verdict), and every pattern has bounded gaps, so that the time is linear in what is kept.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.reply_rules import RULES
from exporter.diagnosis.reply_table import Rule
from exporter.result import FailureClass, Stage

# What is examined. Servers give the reason first; block-list texts with all their URLs stay under 1 KiB.
MAX_EXAMINED_CHARS: Final = 2048
# RFC 5321 4.5.3.1: 64 octets of local part, 255 of domain. Bounded, so that a row of letters is not scanned for each.
_MAILBOX: Final = re.compile(r"(?<![^\s<>()\[\]'\":;,=])[^\s<>@:;,=]{1,64}@[^\s<>@,;:()\]'\"]{1,255}")
# RFC 3463 2, wherever it stands: "(#5.7.1)" of qmail, "#5.1.0" of Cisco, behind a host name with Cloudmark. Not a part
# of an IP address or of a longer version number.
_STATUS: Final = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d]|\.\d)")

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


def classify(stage: Stage, code: int, text: str, enhanced: str | None = None) -> FailureClass | None:
    """The class of a reply, None for one that refuses nothing.

    `text` is the reply's lines without their codes, joined by one space; `enhanced` its RFC 3463 code, where known.
    """
    if code < 400:  # RFC 5321 4.2.1: 2xx and 3xx are positive
        return None
    rule = matching_rule(stage, code, text, enhanced)
    if rule is not None:
        return rule.failure_class
    temporary, permanent = _BARE.get(stage, _BARE_ELSEWHERE)
    return temporary if code < 500 else permanent


def matching_rule(stage: Stage, code: int, text: str, enhanced: str | None = None) -> Rule | None:
    """The first rule that recognises a refusal."""
    said = _MAILBOX.sub("@", " ".join(text[:MAX_EXAMINED_CHARS].lower().split()))
    status = enhanced or _status(code, said)
    return next((rule for rule in RULES if rule.matches(stage, code, status, said)), None)


def _status(code: int, said: str) -> str:
    """The enhanced code in the text whose class agrees with the reply's (RFC 2034 4), or ""."""
    return next((found for found in _STATUS.findall(said) if int(found[0]) == code // 100), "")
