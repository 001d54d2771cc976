"""The output on a terminal, from the outside: colours, widths, the bar, and nothing that a server steers."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

import exporter.commands.terminal as screen_of_text
from exporter.commands.terminal import Ink, Screen, cut, fitted, line, wants_colours, width_of, wrapped
from exporter.demo.world import DemoWorld
from exporter.lab.host import listening_in_thread
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import SmtpScript, reply
from tests.support.exporter_process import command
from tests.support.terminal import Shown, interrupted, interruptible, on_terminal, terminal, widths, wishing

pytestmark = pytest.mark.long

MANY = ("healthy.example", "blocklisted.example", "refused.example", "nullmx.example", "servfail.example")


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running


def _probing(world: DemoWorld, *arguments: str) -> list[str]:
    address, port = world.nameserver
    where = (f"--resolver={address}:{port}", f"--port={world.smtp_port}", "--allow-address=127.0.0.0/8")
    return [*command("probe", *where, "--helo=probe.example", "--timeout=2s", *arguments)]


def _piped(argv: list[str], environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env=wishing(environ))
    assert done.stderr == ""
    return done.stdout


def _untimed(text: str) -> str:
    """The text without what times decide: a refused connect is certain only where another host answers after it."""
    return re.sub(r" *[0-9]+\.[0-9] m?s", " T", text.replace("dead?", "dead "))


@pytest.mark.parametrize("names", [("blocklisted.example",), MANY], ids=["dialogue", "table"])
def test_a_terminal_has_colours_and_otherwise_the_words_of_a_pipe(world: DemoWorld, names: tuple[str, ...]) -> None:
    shown = on_terminal(_probing(world, *names), columns=1000)
    assert "\x1b[1;35mblocked\x1b[0m" in shown.terminal
    words = shown.plain.rpartition("\r\x1b[K")[2]  # after the bar, where there was one
    piped = _piped(_probing(world, *names))
    assert _untimed(words) == _untimed(piped)
    assert "\x1b" not in piped


def test_a_dialogue_tells_who_speaks_by_more_than_its_colour(world: DemoWorld) -> None:
    shown = on_terminal(_probing(world, "healthy.example")).terminal
    assert "\x1b[36m> EHLO probe.example\x1b[0m\n" in shown
    assert re.search(r"\x1b\[2m +[0-9.]+ ms\x1b\[0m < 220 mx1\.healthy\.example ESMTP\n", shown)
    assert shown.endswith("\x1b[1mhealthy.example\x1b[0m is \x1b[32mup\x1b[0m: 2 of 2 addresses take mail.\n")


@pytest.mark.parametrize(("columns", "environ"), [(60, {}), (120, {"NO_COLOR": "1"})])
def test_a_terminal_shows_what_is_waited_for_and_takes_it_back(
    world: DemoWorld, columns: int, environ: dict[str, str]
) -> None:
    shown = on_terminal(_probing(world, "mute.example"), columns=columns, environ=environ)
    before, _, after = shown.terminal.partition("\r\x1b[Kwaiting for the greeting of 127.")
    hint, _, after = after.partition("\r")
    assert re.fullmatch(r"[0-9.]+ … [12] s", hint)
    assert "mx.mute.example" in before, "each line as it happens"
    assert "banner_timeout" not in before
    assert "\r\x1b[K" in after
    assert "banner_timeout at banner" in after.rpartition("\r\x1b[K")[2]
    assert ("\x1b[1m" in shown.terminal) is (not environ)


def test_a_pipe_shows_each_line_as_it_happens_and_no_hint(world: DemoWorld) -> None:
    with subprocess.Popen(_probing(world, "mute.example"), stdout=subprocess.PIPE, text=True, env=wishing()) as running:
        assert running.stdout is not None
        first = [running.stdout.readline() for _ in range(2)]
        assert running.poll() is None, "it waits for the greeting still"
        rest = running.stdout.read()
    assert first[0].startswith("mute.example: 1 MX")
    assert "waiting for" not in rest
    assert "\r" not in rest


def test_names_come_in_the_order_typed_and_each_has_its_verdict_below_it(world: DemoWorld) -> None:
    names = ("mute.example", "healthy.example", "blocklisted.example")
    out = _piped(_probing(world, *names))
    places = [out.index(text) for text in (
        "mute.example: 1 MX", "banner_timeout at banner", "healthy.example: 2 MX", "healthy.example is up",
        "blocklisted.example: 1 MX", "reputation_blocked at banner",
    )]  # fmt: skip
    assert places == sorted(places)
    lines = [json.loads(line) for line in _piped(_probing(world, *names, "--json")).splitlines()]
    assert [line["name"] for line in lines] == list(names)


def test_an_interrupted_dialogue_shows_what_is_known(world: DemoWorld) -> None:
    with terminal(120) as (ours, theirs):
        argv = [*_probing(world, "mute.example", "healthy.example"), "--timeout=60s"]
        with subprocess.Popen(argv, stdout=theirs, stderr=theirs, env=wishing(), preexec_fn=interruptible) as running:
            text = interrupted(running, ours, theirs)
    assert re.search(r"  interrupted: waiting for the greeting of 127\.[0-9.]+, for [0-9.]+ s\r\n", text)
    assert "mute.example\x1b[0m: interrupted, no verdict: 0 of 1 addresses seen, 0 up" in text
    assert "220 mx1.healthy.example ESMTP" in text
    assert "Traceback" not in text


def test_each_verdict_has_a_colour_of_its_own() -> None:
    inks = [ink.value for ink in Ink]
    assert len(set(inks)) == len(inks)


@pytest.mark.parametrize(
    ("environ", "on_a_terminal", "elsewhere"),
    [
        ({"TERM": "xterm"}, True, False),
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": "0"}, False, False),  # no-color.org: whatever its value
        ({"NO_COLOR": ""}, True, False),  # but when it is empty
        ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "0"}, True, False),
        ({"FORCE_COLOR": ""}, True, False),
    ],
)
def test_the_environment_says_whether_there_are_colours(
    environ: dict[str, str], on_a_terminal: bool, elsewhere: bool
) -> None:
    assert (wants_colours(True, environ), wants_colours(False, environ)) == (on_a_terminal, elsewhere)


@pytest.mark.parametrize("wish", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "dumb"])
def test_who_wants_no_colours_gets_none(world: DemoWorld, wish: dict[str, str]) -> None:
    shown = on_terminal(_probing(world, "blocklisted.example"), environ=wish)
    assert "\x1b" not in shown.terminal
    assert "blocked: reputation_blocked at banner" in shown.terminal


def test_who_wants_colours_in_a_pipe_gets_them_and_nothing_cut(world: DemoWorld) -> None:
    out = _piped(_probing(world, "blocklisted.example"), {"FORCE_COLOR": "1", "COLUMNS": "20"})
    assert "\x1b[1;35mblocked\x1b[0m: reputation_blocked at banner" in out
    assert max(widths(out)) > 80


@pytest.mark.parametrize("columns", [12, 30, 47, 80])
@pytest.mark.parametrize("names", [("blocklisted.example", "expired.example"), MANY], ids=["dialogue", "table"])
def test_no_line_is_wider_than_the_terminal(world: DemoWorld, names: tuple[str, ...], columns: int) -> None:
    shown = on_terminal(_probing(world, *names), columns=columns)
    lines = shown.plain.rpartition("\r\x1b[K")[2]
    assert max(widths(lines)) <= columns
    # A dialogue is wrapped, so nothing of it is lost.
    if names != MANY:
        assert "blockedusingzen.spamhaus.org;wearekeptout" in re.sub(r"\s", "", lines)


def test_a_narrow_table_keeps_its_columns(world: DemoWorld) -> None:
    shown = on_terminal(_probing(world, *MANY), columns=36).plain.rpartition("\r\x1b[K")[2]
    rows = shown.splitlines()[: len(MANY) + 1]
    assert rows[0].split() == ["NAME", "STATE", "CLASS", "UP"]
    assert {row[rows[0].index("STATE") - 1] for row in rows} == {" "}
    assert [row.split()[1].rstrip("?") for row in rows[1:]] == ["blocked", "dead", "dead", "declined", "up"]
    assert all(row.split()[0].endswith("…") for row in rows[1:])


def test_continued_lines_stand_below_what_they_continue(world: DemoWorld) -> None:
    lines = on_terminal(_probing(world, "blocklisted.example"), columns=60).plain.splitlines()
    place = next(number for number, text in enumerate(lines) if "< 554" in text)
    assert lines[place + 1].index(lines[place + 1].strip()) == lines[place].index("554 ")


def test_json_is_the_same_on_a_terminal(world: DemoWorld) -> None:
    argv = _probing(world, "nullmx.example", "--json")
    times = r'("[a-z_]+_seconds": )[0-9.]+'
    shown = on_terminal(argv, columns=20, environ={"FORCE_COLOR": "1"}).terminal
    assert re.sub(times, r"\1T", shown) == re.sub(times, r"\1T", _piped(argv))


# Colour, title, cursor, bell, CSI as one character of Latin-1 and of UTF-8, an override, an isolate, zero width.
HOSTILE = b"\x1b[31;5mred\x1b]0;title\x07\x1b[2J\x08\x9b2J\xc2\x9b2J \xe2\x80\xaegnp.exe \xe2\x81\xa6x\xe2\x80\x8b\r!"


@pytest.mark.parametrize("columns", [40, 300])
def test_a_server_steers_no_terminal(columns: int) -> None:
    host = SmtpHost(SmtpScript(reply(554, "")[:-2] + HOSTILE + b"\r\n"))
    with listening_in_thread(host) as port:
        argv = command("probe", f"127.0.0.1:{port}", "--allow-address=127.0.0.0/8", "--timeout=5s", "--helo=a.example")
        shown = on_terminal(argv, columns=columns)
    assert_harmless(shown)
    assert r"\x1b[31;5mred\x1b]0;title\x07" in re.sub(r"\n *", "", shown.plain)
    assert r"\u202egnp.exe" in shown.plain


def assert_harmless(shown: Shown) -> None:
    """Only colours of ours, and no character that moves anything."""
    ours = {"\x1b[0m", *(f"\x1b[{ink.value}m" for ink in Ink)}
    assert set(re.findall(r"\x1b[^m]*m?", shown.terminal)) <= ours
    assert not set(shown.plain.replace("\n", "")) - {"…", "\ufffd"} - set(map(chr, range(0x20, 0x7F)))


@pytest.mark.parametrize("columns", [14, 40, 200])
def test_the_bar_has_rate_and_time_left_fits_and_is_taken_back(world: DemoWorld, columns: int) -> None:
    shown = on_terminal(_probing(world, *MANY, "mute.example"), columns=columns, piped=True)
    assert "mute.example" in shown.piped
    drawn = [drawing.removesuffix("\r") for drawing in shown.terminal.split("\r\x1b[K")]
    assert drawn[0] == ""  # nothing before the first, nothing after the last
    assert drawn[-1] == ""
    assert len(drawn) > 3
    assert max(widths("\n".join(drawn))) < columns
    assert any("5/6" in drawing for drawing in drawn)
    if columns >= 40:
        assert any(re.search(r"5/6  [0-9.]+/s  [0-9]+ s left  4 down$", drawing) for drawing in drawn)
        assert any(re.search(r"█+░+ 5/6 ", drawing) for drawing in drawn)


def test_there_is_no_bar_where_a_line_cannot_be_taken_back(world: DemoWorld) -> None:
    assert on_terminal(_probing(world, *MANY), environ={"TERM": "dumb"}, piped=True).terminal == ""


@pytest.mark.parametrize(
    ("columns", "width"), [(None, 80), ("33", 33), ("4", 10), ("0", 80), ("", 80), ("-5", 80), ("٣٣", 80)]
)
def test_the_width_is_that_of_the_terminal_or_what_somebody_would_rather_have(columns: str | None, width: int) -> None:
    with terminal(80) as (_, theirs), os.fdopen(theirs, "w", closefd=False) as out:
        assert Screen(out, {} if columns is None else {"COLUMNS": columns}).width == width


def test_a_narrower_wish_is_kept_to_and_in_a_pipe_there_is_none(world: DemoWorld) -> None:
    argv = _probing(world, "blocklisted.example")
    assert max(widths(on_terminal(argv, columns=100, environ={"COLUMNS": "40"}).plain)) <= 40
    assert max(widths(_piped(argv, {"COLUMNS": "40"}))) > 100


def test_what_the_encoding_lacks_is_counted_as_it_is_shown() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    screen = Screen(out, {})
    screen.show(line("straße"))
    assert raw.getvalue() == b"stra\\xdfe\n"
    assert screen.ellipsis == "~"


words = st.text(st.sampled_from("ab -\u0301世界"), max_size=200)


@given(words, st.integers(10, 60), st.integers(0, 8))
def test_a_wrapped_line_fits_and_loses_nothing_but_spaces(text: str, width: int, hang: int) -> None:
    places = list(wrapped(text, width, hang))
    rows = [text[start:end] for start, end in places]
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")
    assert all(width_of(row) <= (width if place == 0 else width - hang) for place, row in enumerate(rows))
    # No letter is parted from its accent.
    assert all(text[start] != "\u0301" or text[start - 1] == " " for start, _ in places[1:])


@given(words, st.integers(1, 60))
def test_a_cut_text_fits(text: str, width: int) -> None:
    shown = cut(text, width, "…")
    assert width_of(shown) <= width
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=5), st.integers(1, 200))
def test_columns_give_way_the_widest_first(columns: list[int], room: int) -> None:
    fitting = fitted(columns, room, 7)
    assert sum(fitting) <= max(room, sum(min(7, column) for column in columns))
    assert all(now == before or now >= 7 for now, before in zip(fitting, columns, strict=True))
    assert sum(columns) > room or fitting == columns


def test_a_line_is_wrapped_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of it was measured anew for each row: a stranger's line of 12,000 odd characters took a second."""
    measured: list[str] = []
    width = screen_of_text._width
    monkeypatch.setattr(screen_of_text, "_width", lambda char: measured.append(char) or width(char))  # type: ignore[func-returns-value]
    text = "é" * 8000
    assert len(list(wrapped(text, 80, 4))) == 106
    assert len(measured) <= 2 * len(text)
