"""The real replies of tests/data/, what the classification makes of them, and a fifth to keep one's eyes off."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.diagnosis.replies.classify import ReplyClass, classify
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict, verdict_of
from exporter.smtp import other_protocols
from exporter.smtp.reply import Reply

DATA: Final = Path(__file__).parents[2] / "data"
FILES: Final = (
    "replies.jsonl",
    "replies-sisimai.jsonl",
    "replies-public.jsonl",
    "replies-reported.jsonl",
    "replies-blind.jsonl",
    "replies-written.jsonl",
)
# What the data calls a reply that is no failure.
NO_FAILURE: Final = "ok"
# An interception shows when one server answers for unrelated networks: no single reply can tell.
UNDECIDABLE: Final = frozenset({FailureClass.EGRESS_INTERCEPTED.value})

_CODE: Final = re.compile(r"\s*(\d{3})[ -]?")
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def _foreign(greeting: str, code: int | None, texts: list[str]) -> bool:
    """Another protocol greets so, or may: what EHLO draws would tell."""
    said = greeting.encode()
    if code is None:
        return other_protocols.recognise(said + b"\r\n") is not None or other_protocols.guess(said) is not None
    reply = Reply(code, tuple(text.encode() for text in texts))
    return other_protocols.recognise(said + b"\r\n") is not None or any(other_protocols.by_greeting(reply))


def _verdicts(name: str) -> frozenset[Verdict]:
    """The verdicts that a class may have."""
    accepted = FailureClass(name)
    return frozenset(verdict_of(accepted, confidence) for confidence in Confidence)


def class_of(stage: Stage, code: int, text: str, enhanced: str | None = None) -> FailureClass | None:
    """The class of a reply, None for one that refuses nothing."""
    found = classify(stage, code, text, enhanced)
    return found.failure_class if found is not None else None


@dataclass(frozen=True, slots=True)
class RealReply:
    """One line of the data."""

    stage: Stage
    reply: str
    accepted: tuple[str, ...]

    @property
    def decidable(self) -> bool:
        return not UNDECIDABLE.issuperset(self.accepted)

    @property
    def held_back(self) -> bool:
        """A fifth, by a hash of the reply: measured, never looked at while rules are written."""
        return hashlib.sha256(self.reply.encode()).digest()[0] % 5 == 0

    @property
    def found(self) -> str:
        """The class that the classification finds."""
        found = self.finding
        if isinstance(found, FailureClass):
            return found
        return found.failure_class if found is not None else NO_FAILURE

    @property
    def finding(self) -> ReplyClass | FailureClass | None:
        """The class by the classification, or that of data that is no reply to classify."""
        texts = [_CODE.sub("", part, count=1) for part in self.reply.split("\r\n")]
        code, status = _CODE.match(self.reply), _STATUS.match(texts[0])
        if self.stage is Stage.BANNER and _foreign(self.reply, code and int(code[1]), texts):
            return FailureClass.NOT_SMTP
        if code is None:
            return FailureClass.PROTOCOL_ERROR
        return classify(self.stage, int(code[1]), " ".join(texts), status[0] if status else None)

    @property
    def right(self) -> bool:
        return self.found in self.accepted

    @property
    def verdict_right(self) -> bool:
        """The verdict is that of one of the classes that count as right."""
        found = self.finding
        if found is None:
            return NO_FAILURE in self.accepted
        verdict = (
            found.verdict if isinstance(found, FailureClass) else verdict_of(found.failure_class, found.confidence)
        )
        return any(verdict in _verdicts(name) for name in self.accepted if name != NO_FAILURE)


def read(file: str) -> Iterator[RealReply]:
    """The replies of one file."""
    for text in (DATA / file).read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        yield RealReply(Stage(line["stage"]), line["reply"], tuple(line["accept"]))
