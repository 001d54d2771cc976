"""The page of the command line has every flag, and every command in any page is one that the program takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from exporter import cli
from tests.docs.pages import COMMAND_LINE, all_pages

# The command -> the section of its flags.
SECTIONS = {
    "": "Flags of the server",
    "probe": "Flags of probe",
    "trace": "Flags of trace",
    "demo": "Flags of demo",
}
_FLAG = re.compile(r"--[a-z][a-z.-]*")


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, set[str]]:
    """The flags of each command, from its own --help."""
    monkeypatch.setenv("COLUMNS", "200")
    found = {}
    for command in SECTIONS:
        with pytest.raises(SystemExit) as end:
            cli.main([*command.split(), "--help"])
        assert end.value.code == 0
        options = re.findall(r"^  (-.*?)(?:  |$)", capsys.readouterr().out, re.MULTILINE)
        found[command] = {flag for option in options for flag in _FLAG.findall(option)} - {"--help"}
    return found


def test_every_flag_has_a_row_and_there_is_no_other(flags: dict[str, set[str]]) -> None:
    for command, section in SECTIONS.items():
        told = {flag for cells in COMMAND_LINE.rows(section) for flag in _FLAG.findall(cells[0])}
        assert told == flags[command], command


def _commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line of ours in a block of code or between backticks, and the page that shows it."""
    for page in all_pages():
        lines = list(page.code_spans())
        for block in page.blocks():
            if block.language in ("sh", "console"):
                joined = block.text.replace("\\\n", " ")
                lines += [part for line in joined.splitlines() for part in re.split(r"&&|;", line.removeprefix("$ "))]
        for line in lines:
            if re.match(r"\s*(\.venv/bin/|/opt/mx-exporter/bin/)?mx-exporter( |$)", line):
                yield page.name, shlex.split(line, comments=True)


COMMANDS = list(_commands())


def test_every_command_that_a_page_tells_is_one(flags: dict[str, set[str]]) -> None:
    assert len(COMMANDS) > 20
    for page, (_, *arguments) in COMMANDS:
        command = arguments[0] if arguments and not arguments[0].startswith("-") else ""
        if arguments[:1] == ["…"]:
            continue
        assert command in flags, f"{page}: {arguments}"
        told = {each.partition("=")[0] for each in arguments if each.startswith("--")}
        assert told <= flags[command] | {"--help"}, f"{page}: {arguments}"
