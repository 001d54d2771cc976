"""Log lines: a short phrase each, its details as fields, and all of them on the page for users."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import exporter

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "log-lines.md"
METHODS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
# What of a line may differ from one event to the next stands in its fields.
PHRASE = re.compile(r"[A-Za-z][A-Za-z ,-]*")
MAX_CHARS = 60


def _messages() -> Iterator[tuple[str, ast.expr]]:
    """(place, message) of each call of a logger, and of each logger with a limit."""
    for path in sorted(Path(exporter.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(part in text for part in ("log.", "getLogger(", "LogLimit(", "_line(")):
            continue  # most have no line, and parsing them all takes a second of every process that collects tests
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            place = f"{path.name}:{node.lineno}"
            called = node.func
            if isinstance(called, ast.Name) and called.id == "LogLimit" and isinstance(node.args[1], ast.Constant):
                yield place, node.args[1]
            if not isinstance(called, ast.Attribute):
                continue
            if called.attr in METHODS and _is_logger(called.value):
                yield place, node.args[called.attr == "log"]
            if called.attr == "_line" and len(node.args) == 3:
                yield place, node.args[1]


def _is_logger(value: ast.expr) -> bool:
    return (isinstance(value, ast.Name) and value.id == "log") or (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "getLogger"
    )


MESSAGES = list(_messages())


def test_the_calls_are_found() -> None:
    assert len(MESSAGES) > 30


@pytest.mark.parametrize(("place", "message"), MESSAGES, ids=[place for place, _ in MESSAGES])
def test_a_message_is_a_short_phrase(place: str, message: ast.expr) -> None:
    assert isinstance(message, ast.Constant), f"{place}: a message is a constant, details are fields"
    text = str(message.value)
    assert PHRASE.fullmatch(text), text
    assert len(text) <= MAX_CHARS


def test_the_page_has_every_message_and_no_other() -> None:
    logged = {str(message.value) for _, message in MESSAGES if isinstance(message, ast.Constant)}
    shown = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)) - {"msg"}
    assert shown == {message for message in logged if not message.startswith("internal error")}
