"""A first word that is no command: the one that was meant."""

from __future__ import annotations

import pytest

from exporter.commands.unknown_command import overview, unknown_command


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("example.org", "probe example.org"),
        ("alice@example.org", "probe alice@example.org"),
        ("[2001:db8::1]:25", "probe [2001:db8::1]:25"),
        ("https://example.org/", "probe https://example.org/"),
        ("192.0.2.1 --json", "probe 192.0.2.1 --json"),
        ("a.example b.example c.example d.example", "probe a.example b.example c.example …"),
        ("prob a.example", "probe a.example"),
        ("Trace a.example", "trace a.example"),
        ("dmeo", "demo"),
        ("help", "--help"),
        ("versoin", "--version"),
        ("serve", "--config.file=FILE"),
        ("check", "--config.check --config.file=FILE"),
        ("config.yaml", "--config.file=config.yaml"),
    ],
)
def test_the_command_that_was_meant_is_suggested(words: str, meant: str) -> None:
    word, *names = words.split()
    assert unknown_command(word, names) == f"mx-exporter: unknown command '{word}'; did you mean `mx-exporter {meant}`?"


def test_a_word_like_no_command_gets_them_all_and_steers_no_terminal() -> None:
    told = unknown_command("\x1b[31mxyz", [])
    assert (
        told
        == r"mx-exporter: unknown command '\x1b[31mxyz': there are probe, trace, demo; to serve, --config.file=FILE"
    )


def test_the_overview_has_an_example_of_each_command() -> None:
    for use in ("--config.file=config.yaml", "probe example.org", "trace example.org", "demo"):
        assert f"  mx-exporter {use} " in overview()
    assert max(map(len, overview().splitlines())) <= 80
