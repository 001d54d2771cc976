"""The report of a probe of many names: the worst first, and the counts."""

from __future__ import annotations

import io
import re
from dataclasses import replace

from exporter.commands.table import TableReport
from exporter.commands.terminal import Screen
from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult, HostOutcome
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
    report = TableReport(Screen(out, {}), io.StringIO(), 13)
    report.add(domain(), result(up_host()))
    assert report.finish([f"d{number}.example" for number in range(12)]) == 1
    assert "1 of 13 names, then interrupted, in " in out.getvalue()
    assert out.getvalue().endswith(
        "\nwithout a result: " + ", ".join(f"d{n}.example" for n in range(10)) + " and 2 more\n"
    )


def _shown(*results: DomainResult, columns: int | None = None) -> list[str]:
    """The lines of a table of d0.example, d1.example … on a terminal, or in a pipe."""
    out = Terminal() if columns else io.StringIO()
    report = TableReport(Screen(out, {"NO_COLOR": "1", "COLUMNS": str(columns or "")}), io.StringIO(), len(results))
    for number, probed in enumerate(results):
        report.add(domain(f"d{number}.example"), probed)
    report.finish()
    return out.getvalue().splitlines()


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_rows_stand_in_the_order_of_the_status_page() -> None:
    partly = result(up_host(), down_host())
    well = replace(up_host(), outcome=HostOutcome())
    lines = _shown(
        result(well),
        result(up_host()),
        partly,
        result(down_host(FailureClass.DNS_NULL_MX)),
        result(down_host(FailureClass.TEMPFAIL)),
        result(down_host(FailureClass.CONNECT_REFUSED)),
        result(down_host()),
        result(down_host()),
        result(down_host(FailureClass.NO_ROUTE)),
    )
    states = [line.replace("?", "").split()[:2] for line in lines[1:-1]]
    assert states == [
        ["d8.example", "local"],
        ["d6.example", "blocked"],
        ["d7.example", "blocked"],
        ["d5.example", "dead"],
        ["d4.example", "degraded"],
        ["d3.example", "declined"],
        ["d2.example", "up"],
        ["d1.example", "up"],
        ["d0.example", "up"],
    ]
    assert lines[-1].endswith(": 1 local, 2 blocked, 1 dead, 1 degraded, 1 declined, 3 up (2 with warnings)")


def test_the_words_of_a_refusal_stand_behind_its_row_or_below_the_table() -> None:
    words = '554 5.7.1 "go\\naway"'
    probed = result(down_host()), result(up_host())
    assert _shown(*probed)[1].endswith(f"  0/1           {words}")
    wide, narrow = _shown(*probed, columns=120), _shown(*probed, columns=60)
    assert wide[1].endswith(f"  0/1           {words}")
    assert words not in narrow[1]
    assert narrow[3] == f"d0.example: {words}"
    assert max(map(len, [*wide, *narrow])) <= 120
    assert max(map(len, narrow)) <= 60


TABLE = """\
NAME                                                  STATE    CLASS                 ADDRESSES UP
healthy.example                                       blocked  reputation_blocked    0/1           554 5.7.1 "go\\naway"
very-long-name.that-no-terminal.has-room-for.example  up       starttls_not_offered  1/1
2 names in T: 1 blocked, 1 up (1 with warnings)
"""
