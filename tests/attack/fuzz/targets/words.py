"""The words of a refusal, and how anything a stranger wrote is shown."""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.replies.block_lists import named_list
from exporter.diagnosis.replies.classify import classify
from exporter.model.failure import Stage
from exporter.model.printable import printable
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, options

_STAGES: Final = tuple(Stage)
_CODES: Final = (220, 221, 250, 354, 421, 450, 451, 452, 500, 502, 503, 521, 530, 535, 550, 552, 554, 571, 599)


def classify_refusal(data: bytes) -> None:
    """Some class for any refusal, none for what refuses nothing."""
    (stage, code), said = options(data, 2)
    text = said.decode("utf-8", "replace")
    number = _CODES[code % len(_CODES)]
    found = classify(_STAGES[stage % len(_STAGES)], number, text)
    agree(found is None or found.failure_class.verdict, f"{found}")
    agree(found is None or number >= 400 or number == 221, f"{number} is no refusal: {found}")
    harmless(named_list(text), "a block list", limit=300)


def show(data: bytes) -> None:
    """Text that can be looked at, once or twice."""
    for raw in (data, data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        shown = printable(raw, 1000)
        harmless(shown, "a shown text", limit=12 * 1000)
        agree(printable(shown, len(shown)) == shown, f"{shown!r} is shown otherwise")


_WORDS: Final = (
    b"user unknown", b"mailbox full", b"blocked using ", b"zen.spamhaus.org", b"greylisted", b"too many connections",
    b"no such ", b"relay access denied", b"5.7.1 ", b"4.2.2 ", b"reverse DNS", b"HELO", b"SPF fail", b"not ", b"n't ",
    b"recipient address rejected: ", b"http://", b"@example.net", b"192.0.2.1", b"2001:db8::1", b"...", b". ",
    "отклонено".encode(), "受信拒否".encode(), "boîte pleine".encode(), "łøđı".encode(), "\u0130\u0345\u1e9e".encode(),
)  # fmt: skip
TARGETS: Final = (
    Target("refusal", classify_refusal, tokens=_WORDS),
    Target(
        "printable", show, tokens=(b"\x1b]0;", "\u202e\u2066\u200b\ufeff\u2028".encode(), b"\xed\xa0\x80", b"\\u202e")
    ),
)
