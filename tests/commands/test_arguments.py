"""Names and flags of the command line -> targets."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from exporter.commands.arguments import ManualError, as_configured, parse_flag, read_host, read_targets, settings_of
from exporter.config.load import parse
from exporter.model.target import Settings, TargetKind

CONFIG = parse("modules: {default: {}, full: {stages: [ehlo]}}\ndomains: [{domain: a.example, port: 2525}]")


def flags(**given: object) -> argparse.Namespace:
    known: dict[str, object] = {"module": None, "port": None, "helo": None, "timeout": None, "allow_addresses": []}
    return argparse.Namespace(**(known | given))


def test_flags_outrank_the_configuration() -> None:
    settings = settings_of(CONFIG, flags(port=26, helo="me.example", timeout="5s", allow_addresses=["10.0.0.0/8"]))
    assert (settings.port, settings.helo, settings.timeout) == (26, "me.example", 5.0)
    assert [str(network) for network in settings.allow_addresses] == ["10.0.0.0/8"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"module": "absent"}, "--module: no module 'absent'; there are default, full"),
        ({"port": 0}, "--port: 0 is not between 1 and 65535"),
        ({"timeout": "0s"}, "--timeout: it must be greater than 0"),
        ({"helo": "a b"}, "--helo: "),
    ],
)
def test_a_mistake_names_its_flag(given: dict[str, object], said: str) -> None:
    with pytest.raises(ManualError) as refused:
        settings_of(CONFIG, flags(**given))
    assert str(refused.value).startswith(said)


def test_names_of_a_file_are_read_with_their_lines(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("# all of them\na.example  # the first\n\n192.0.2.1:26\n")
    found = read_targets(str(names), Settings())
    assert [(target.kind, target.name) for target in found] == [
        (TargetKind.DOMAIN, "a.example"),
        (TargetKind.HOST, "192.0.2.1:26"),
    ]
    assert [target.settings.port for target in as_configured(found, CONFIG, flags())] == [2525, 26]
    names.write_text("a.example\nb_d.example\n")
    with pytest.raises(ManualError, match=re.escape(f"{names}:2: ")):
        read_targets(str(names), Settings())


def test_a_host_and_a_flag_are_refused_in_words() -> None:
    assert read_host("mx.example:26", Settings()).settings.port == 26
    with pytest.raises(ManualError, match=r"^--count: "):
        parse_flag(int, "many", "--count")
