"""The log of a command comes behind its text."""

from __future__ import annotations

import logging

import pytest

from exporter.commands import held_log
from exporter.commands.held_log import log_behind_text


@pytest.fixture(autouse=True)
def _handlers() -> object:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def test_lines_come_behind_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    with log_behind_text("warn"):
        logging.getLogger("exporter.probe").warning("first")
        logging.getLogger("exporter.probe").info("not at this level")
        print("text")
        assert capsys.readouterr().err == ""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("level=warn caller=probe msg=first")


def _fail() -> None:
    logging.getLogger("exporter.probe").error("first")
    raise OSError("bug")


def test_they_come_when_it_fails_too_and_later_ones_are_written_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="bug"), log_behind_text("warn"):
        _fail()
    assert "msg=first" in capsys.readouterr().err


def test_too_many_are_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_log, "MAX_HELD", 300)
    with log_behind_text("warn"):
        for _ in range(10):
            logging.getLogger("exporter.probe").warning("a line")
    *lines, last = capsys.readouterr().err.splitlines()
    assert last == f"… {10 - len(lines)} more lines of the log"
    assert 0 < len(lines) < 10
