"""`probe --report`: the text of the button on the page, for each name."""

from __future__ import annotations

import io

from exporter.commands.incident_reports import IncidentReports
from exporter.model.result import TranscriptLine
from exporter.report.local_state import LocalState
from tests.results import changed, domain, down_host, result, up_host


def test_each_name_has_a_report_and_one_that_is_down_is_in_the_exit_code() -> None:
    out = io.StringIO()
    reports = IncidentReports(out, "me.example")
    reports.know(LocalState())
    reports.add(domain("a.example"), result(up_host()))
    assert reports.finish() == 0
    said = changed(down_host(), transcript=(TranscriptLine(0.1, False, b"554 go away\r\n"),))
    reports.add(domain("b.example"), result(said))
    assert reports.finish() == 1
    first, second = out.getvalue().split("\n\nReport on ")
    assert first.startswith("Report on a.example, made at ")
    assert second.startswith("b.example, made at ")
    assert "< 554 go away" in second
    assert "Our name in EHLO: me.example" in second
