"""Replies on one line, `R 550 5.1.1 No such user`: the initial of the stage, the code, the text."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies.classify import ReplyClass, classify
from exporter.model.failure import FailureClass, Stage

STAGES: Final = MappingProxyType(
    {
        "B": Stage.BANNER,
        "E": Stage.EHLO,
        "S": Stage.STARTTLS,
        "M": Stage.MAIL,
        "R": Stage.RCPT,
        "D": Stage.DATA,
        "V": Stage.VRFY,
    }
)
# Class -> replies; several lines of one are joined as they are for the classification.
Table = Mapping[FailureClass, tuple[str, ...]]


def each_of(table: Table) -> list[tuple[FailureClass, str]]:
    """The replies of a table, each with its class."""
    return [(failure_class, reply) for failure_class, replies in table.items() for reply in replies]


def finding(reply: str) -> ReplyClass | None:
    """The class of a reply and its confidence; None for one that refuses nothing."""
    stage, code, text = reply[0], reply[2:5], reply[6:]
    return classify(STAGES[stage], int(code), text)
