"""The report of a probe of many names: the worst first, and the counts."""

from __future__ import annotations

import io
import re

from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.model.failure import FailureClass
from tests.results import domain, down_host, result, up_host


def test_in_a_file_a_table_is_plain_text() -> None:
    out = io.StringIO()
    report = TableReport(Screen(out, {}), io.StringIO(), 2)
    for probed, target in (
        (result(up_host()), domain("very-long-name.that-no-terminal.has-room-for.example")),
        (result(down_host()), domain()),
    ):
        report.progress(probed)
        report.add(target, probed)
    assert report.finish() == 1
    assert re.sub(r"in [0-9.]+ s", "in T", out.getvalue()) == TABLE


def test_the_outage_of_a_provider_is_told_once() -> None:
    out = io.StringIO()
    report = TableReport(Screen(out, {}), io.StringIO(), 6)
    for number in range(4):
        probed = result(up_host() if number == 3 else down_host())._replace(providers=("big.example",))
        report.add(domain(f"d{number}.example"), probed)
    report.add(domain("alone.example"), result(down_host())._replace(providers=("alone.example",)))
    report.add(domain("none.example"), result(down_host(FailureClass.DNS_NULL_MX))._replace(providers=()))
    assert report.finish() == 1
    assert out.getvalue().endswith("down by provider: big.example 3 of 4\n")


def test_an_interrupted_table_says_how_many_names_are_missing() -> None:
    out = io.StringIO()
    report = TableReport(Screen(out, {}), io.StringIO(), 3)
    report.add(domain(), result(up_host()))
    assert report.finish() == 1
    assert "1 of 3 names, then interrupted, in " in out.getvalue()


TABLE = """\
NAME                                                  STATE    CLASS               ADDRESSES UP
healthy.example                                       blocked  reputation_blocked  0/1
very-long-name.that-no-terminal.has-room-for.example  up                           1/1
2 names in T: 1 blocked, 1 up
"""
