"""One event is one line, whatever a server put into it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from exporter.app import logs
from exporter.model.printable import printable


@pytest.fixture(autouse=True)
def _root_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def _logged(format_: logs.Format, message: str, **fields: object) -> str:
    out = io.StringIO()
    logs.configure("info", format_, out)
    logging.getLogger("exporter.app.state_log").info(message, extra={"fields": fields})
    assert logs.flush()
    return out.getvalue()


def test_logfmt_quotes_what_needs_it() -> None:
    line = _logged("logfmt", "down", target="a.example", detail='said "no"', nothing="")
    assert line.endswith(
        ' level=info caller=app.state_log msg=down target=a.example detail="said \\"no\\"" nothing=""\n'
    )


@pytest.mark.parametrize(
    "said", ["ends with a backslash \\", 'a\\" level=error b="', "\\x1b", "\x1b[2J", '"', "\\", "a\\\\"]
)
def test_no_value_ends_early_in_logfmt(said: str) -> None:
    line = _logged("logfmt", "down", detail=said, last="x")
    # go-logfmt, which Loki and promtail read with, takes JSON's strings and none of C's further escapes.
    quoted = line.partition(" detail=")[2].removesuffix(" last=x\n")
    assert json.loads(quoted) == printable(said)


def test_json_is_one_object_with_numbers_as_numbers() -> None:
    line = json.loads(_logged("json", "down", target="a.example", targets=3))
    assert (line["msg"], line["level"], line["target"], line["targets"]) == ("down", "info", "a.example", 3)


@pytest.mark.parametrize("format_", ["logfmt", "json"])
def test_a_hostile_value_stays_on_its_line_and_steers_no_terminal(format_: logs.Format) -> None:
    line = _logged(format_, "down", detail="a\nlevel=error\r\x1b[2J\u202e" + "x" * 100_000)
    assert line.count("\n") == 1
    assert line.rstrip("\n").isprintable()
    assert len(line) < 10_000


def test_levels_below_the_chosen_one_are_silent() -> None:
    out = io.StringIO()
    logs.configure("warn", "logfmt", out)
    logging.getLogger("exporter.x").info("quiet")
    logging.getLogger("exporter.x").warning("loud")
    assert logs.flush()
    assert "quiet" not in out.getvalue()
    assert "level=warn" in out.getvalue()


def test_a_traceback_is_part_of_the_line() -> None:
    out = io.StringIO()
    logs.configure("info", "logfmt", out)
    try:
        _ = [][0]
    except IndexError:
        logging.getLogger("exporter.x").exception("internal error")
    assert logs.flush()
    assert out.getvalue().count("\n") == 1
    assert "IndexError: list index out of range" in out.getvalue()
