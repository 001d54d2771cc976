"""The parsers of all commands."""

from __future__ import annotations

import shlex

import pytest

from exporter.commands.parsers import EXAMPLES, PARSERS, parse


@pytest.mark.parametrize("command", PARSERS)
def test_the_examples_of_a_command_are_taken_by_it(command: str) -> None:
    help_text = PARSERS[command]().format_help()
    examples = [line.strip() for line in help_text.rpartition("examples:")[2].splitlines() if line.strip()]
    assert examples
    for example in (*examples, f"mx-exporter {EXAMPLES[command][0]}"):
        program, *words = shlex.split(example)
        other = words.pop(0) if not words[0].startswith("-") else ""
        assert program == "mx-exporter"
        assert parse(other, words)


def test_a_flag_of_another_command_is_named_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, use in (("--shard=1", "--config.file=config.yaml"), ("--starttls", "probe example.org")):
        with pytest.raises(SystemExit):
            parse("trace", [flag, "a.example"])
        name = flag.partition("=")[0]
        assert f"unknown flag {name}, which belongs to `mx-exporter {use}`" in capsys.readouterr().err


@pytest.mark.parametrize("forms", [("--json", "--nagios"), ("--report", "--json"), ("--nagios", "--report")])
def test_a_result_has_one_form(forms: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("probe", [*forms, "a.example"])
    assert f"argument {forms[1]}: not allowed with argument {forms[0]}" in capsys.readouterr().err
