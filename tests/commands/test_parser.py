"""The parser of a command: unknown flags are named with what was meant."""

from __future__ import annotations

import argparse

import pytest

from exporter.commands.parser import CommandParser, one_of, whole_number

LEVELS = ("debug", "info", "warn")


@pytest.fixture
def parser() -> CommandParser:
    made = CommandParser("probe", "Words about it.", ("probe a.example",))
    made.add_argument("names", nargs="*")
    made.add_argument("--module", required=True)
    made.add_argument("--json", action="store_true")
    made.add_argument("--size", type=whole_number)
    made.add_argument("--log.level", type=one_of(LEVELS), choices=LEVELS)
    made.add_argument("--web", action=argparse.BooleanOptionalAction)
    made.add_argument("-4", dest="ipv4", action="store_true")
    return made


def test_a_value_may_begin_with_a_hyphen(parser: CommandParser) -> None:
    found = parser.parse(["--module", "-a@b.example", "a.example", "--size", "-1", "-4"])
    assert (found.module, found.size, found.ipv4, found.names) == ("-a@b.example", -1, True, ["a.example"])


def test_names_and_flags_alternate(parser: CommandParser) -> None:
    found = parser.parse(["a.example", "--module", "x", "b.example", "-4", "c.example"])
    assert (found.names, found.module, found.ipv4) == (["a.example", "b.example", "c.example"], "x", True)
    assert parser.parse(["--module=x", "--", "a.example"]).names == ["a.example"]
    assert parser.parse(["--module=x", "-"]).names == ["-"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--modul=x"], "unknown flag --modul; did you mean --module?"),
        (["--JSON", "--modul=x"], "unknown flag --JSON; unknown flag --modul; did you mean --module?"),
        (["-json", "--module=x"], "unknown flag -json; did you mean --json?"),
        (["--port=1", "--module=x"], "unknown flag --port, which belongs to `mx-exporter trace x`"),
        (["-x", "--module=x"], "unknown flag -x"),
        (["-44x", "--module=x"], "unknown flag -44x; did you mean -4?"),
        (["--json=yes", "--module=x"], "--json takes no value"),
        (["--web=false", "--module=x"], "--web takes no value; --no-web switches it off"),
        (["--size", "-1k", "--module=x"], "argument --size: '-1k' is not a whole number"),
        (["--size", "-4", "--module=x"], "argument --size: expected one argument"),
        (["--log.level", "debg"], "argument --log.level: 'debg' is none of debug, info, warn; did you mean debug?"),
        (["--log.level=WARN"], "argument --log.level: 'WARN' is none of debug, info, warn; did you mean warn?"),
        (["--log.level=\x1b"], r"argument --log.level: '\x1b' is none of debug, info, warn"),
        (["--\x1b[31m", "--module=x"], r"unknown flag --\x1b[31m"),
        ([], "the following arguments are required: --module"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_way_to_the_help(
    parser: CommandParser, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as end:
        parser.parse(arguments, {"--port": "mx-exporter trace x"})
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"mx-exporter probe: {told}\nSee mx-exporter probe --help.\n")


def test_an_argument_too_many_may_be_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        CommandParser("", "Words.").parse(["probe"], {"probe": "mx-exporter probe example.org"})
    assert "unexpected argument 'probe'; did you mean `mx-exporter probe example.org`?" in capsys.readouterr().err


def test_the_help_ends_with_examples(parser: CommandParser) -> None:
    assert parser.format_help().endswith("examples:\n  mx-exporter probe a.example\n")
    assert set(parser.flags) >= {"-h", "--help", "--module", "--json", "-4"}
