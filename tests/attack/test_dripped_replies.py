"""Replies that come one byte at a time: each byte may cost something, and not all that came before it once more."""

from __future__ import annotations

import re

import pytest

from exporter.smtp import other_protocols, reply
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.events import Listen, ProblemKind
from exporter.smtp.plan import Plan


class _Counting:
    """A pattern that counts how often it is tried."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.tries = 0

    def fullmatch(self, line: bytes) -> re.Match[bytes] | None:
        self.tries += 1
        return self._pattern.fullmatch(line)


@pytest.mark.parametrize("line", [b"\n", b"5\n", b"4x \n", b"450-a\n"])
@pytest.mark.parametrize("before", [b"", b"220-mx.example\r\n" * 3000], ids=["at once", "behind many lines"])
def test_what_follows_a_broken_line_is_read_once_in_whatever_pieces(
    line: bytes, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once 4.7 s of the loop of all probes, for 4 KiB: every line anew at every byte, with all that came before."""
    refusing = _Counting(reply._REFUSING)
    monkeypatch.setattr(reply, "_REFUSING", refusing)
    heard: list[int] = []
    recognise = other_protocols.recognise
    monkeypatch.setattr(other_protocols, "recognise", lambda said: heard.append(len(said)) or recognise(said))  # type: ignore[func-returns-value]
    dialogue = Dialogue(Plan(b"me.example"))
    dialogue.receive_data(before + b"what\n")
    assert isinstance(dialogue.next_event(), Listen)
    said = line * (4000 // len(line))
    for place in range(len(said)):
        dialogue.receive_data(said[place : place + 1])
        assert dialogue.next_event() is None
    lines = said.count(b"\n")
    assert refusing.tries <= 2 * lines
    assert sum(heard) <= 4096 * 4096 + len(before)
    assert sum(size > 8192 for size in heard) <= 1
    dialogue.expire()
    assert dialogue.next_event() is not None
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.kind is (ProblemKind.REFUSED if b"450" in line else ProblemKind.VIOLATION)


def test_a_refusal_that_is_dripped_behind_a_broken_line_is_still_heard() -> None:
    dialogue = Dialogue(Plan(b"me.example"))
    dialogue.receive_data(b"what\n" * 20)
    assert isinstance(dialogue.next_event(), Listen)
    for byte in b"554-5.7.1 no\r\n554 5.7.1 blocked\r\n":
        dialogue.receive_data(bytes([byte]))
        if (event := dialogue.next_event()) is not None:
            break
    assert event is not None
    assert dialogue.result.problem is not None
    assert dialogue.result.problem.reply is not None
    assert dialogue.result.problem.reply.lines == (b"5.7.1 no", b"5.7.1 blocked")
