"""Warnings about the name in EHLO, on the standard error."""

from __future__ import annotations

import pytest

from exporter.commands.helo_warnings import warn_of, warn_of_configured
from exporter.config.load import parse
from exporter.net.helo_name import faults
from tests.probe.probing import Names


async def test_each_fault_is_a_line_that_names_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    warn_of(await faults(["localhost", "mailer", "[192.0.2.1]"], Names()), " probe")
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(", ")[0] for line in lines] == [
        "mx-exporter probe: warning: EHLO says localhost",
        "mx-exporter probe: warning: EHLO says mailer",
    ]


async def test_a_configuration_without_a_name_is_not_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    await warn_of_configured(parse("domains: [a.example]"))
    assert capsys.readouterr().err == ""
