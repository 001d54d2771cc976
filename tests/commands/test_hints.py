"""Hints of the awaited answer, on the last line of a terminal."""

from __future__ import annotations

import asyncio
import io

import pytest

from exporter.commands.hints import Hint, watched
from exporter.commands.terminal import ERASE, Screen, line


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_wait_is_shown_with_its_seconds_when_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("exporter.commands.hints.time.monotonic", lambda: now[0])
    out = Terminal()
    hint = Hint(Screen(out, {}))
    for at, text in ((0.0, "connecting"), (0.9, "connecting"), (12.2, "connecting"), (13.0, "greeting"), (14.0, "")):
        now[0] = at
        hint.show(text)
    assert out.getvalue() == f"{ERASE}connecting … 12 s\r{ERASE}"


@pytest.mark.parametrize(("environ", "out"), [({}, io.StringIO()), ({"TERM": "dumb"}, Terminal())])
def test_a_pipe_and_a_terminal_that_takes_nothing_back_get_none(environ: dict[str, str], out: io.StringIO) -> None:
    Screen(out, environ).hint("connecting")
    assert out.getvalue() == ""


def test_a_line_takes_the_place_of_a_hint_and_a_long_one_is_cut() -> None:
    out = Terminal()
    screen = Screen(out, {})
    screen.hint("x" * 200)
    screen.show(line("text"))
    assert out.getvalue() == f"{ERASE}{'x' * 78}…\r{ERASE}text\n"


async def test_the_result_of_a_task_is_handed_on_and_it_is_looked_at_meanwhile() -> None:
    looks: list[str] = []

    task: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def look() -> str:
        looks.append("")
        if len(looks) == 3:
            task.set_result(7)
        return ""

    assert await watched(Screen(io.StringIO(), {}), task, look) == 7
    assert len(looks) == 3
