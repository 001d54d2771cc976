"""The names of the command line and of files -> targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.commands.mistakes import ManualError
from exporter.commands.names import arguments_of, lines_of
from exporter.config.target_names import parse_host
from exporter.model.target import Settings, TargetKind


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("a.example", "a.example", ""),
        (" a.example ", "a.example", ""),
        ("https://www.a.example/path?q#f", "www.a.example", "a URL"),
        ("HTTP://A.example:8080", "a.example", "a URL"),
        ("//a.example/", "a.example", "a URL"),
        ("a.example/inbox", "a.example", "a URL"),
        ("https://user:word@a.example/", "a.example", "a URL"),
        ("smtp://mx.a.example", "mx.a.example:25", "a URL"),
        ("smtps://[2001:db8::1]", "[2001:db8::1]:465", "a URL"),
        ("submission://mx.a.example:26", "mx.a.example:26", "a URL"),
        ("alice@a.example", "a.example", "a mail address"),
        ("mailto:alice@a.example?subject=x", "a.example", "a mail address"),
        ("<alice@a.example>", "a.example", "a mail address"),
        ("Alice <alice@a.example>", "a.example", "a mail address"),
        ("alice@straße.example", "xn--strae-oqa.example", "a mail address"),
        ("mx.a.example:25", "mx.a.example:25", ""),
        ("2001:db8::1", "2001:db8::1", ""),
    ],
)
def test_a_url_and_a_mail_address_are_understood_and_that_is_told(text: str, name: str, kind: str) -> None:
    found = arguments_of([text], Settings())
    assert [target.name for target in found.targets] == [name]
    told = [f"argument 1: '{text}' is {kind}; taken is {name}"] if kind else []
    assert found.taken == told


def test_all_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(ManualError) as refused:
        arguments_of(["a_b.example", "a.example", "https://", "x@y_z.example", "https://[::1"], Settings())
    first, second, third, fourth = str(refused.value).splitlines()
    assert first.startswith("argument 1: 'a_b.example' is not a host name: ")
    assert second.startswith("argument 3: 'https://' is a URL, and its '' is not a host name: ")
    assert third.startswith("argument 4: 'x@y_z.example' is a mail address, and its 'y_z.example' is not a host name: ")
    assert fourth.startswith("argument 5: ")


def test_all_wrong_lines_of_a_file_are_told_and_the_others_are_targets(tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_bytes(
        b"\xef\xbb\xbf# all\r\na.example  # the first\r\n\r\n192.0.2.1:26\nb_d.example\n\xff.example\nc.example"
    )
    found = lines_of(str(names), Settings())
    assert [(target.kind, target.name) for target in found.targets] == [
        (TargetKind.DOMAIN, "a.example"),
        (TargetKind.HOST, "192.0.2.1:26"),
        (TargetKind.DOMAIN, "c.example"),
    ]
    assert [mistake.partition(": ")[0] for mistake in found.mistakes] == [f"{names}:5", f"{names}:6"]
    assert found.mistakes[1] == rf"{names}:6: '\xff.example' is not UTF-8"


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ManualError, match=re.escape(f"--input: {tmp_path}/absent: No such file or directory")):
        lines_of(f"{tmp_path}/absent", Settings())


def test_where_a_host_is_wanted_it_needs_no_port() -> None:
    names = arguments_of(["mx.example:26", "mx.example"], Settings(), parse_host)
    assert [(target.kind, target.settings.port) for target in names.targets] == [
        (TargetKind.HOST, 26),
        (TargetKind.HOST, 25),
    ]
