"""The results that others may still change."""

from __future__ import annotations

from exporter.commands.final_results import has_timed_out, is_open, may_change
from exporter.model.evidence import ConnectEvidence, Evidence
from exporter.model.failure import FailureClass
from tests.results import changed, down_host, lookup_failed, result, up_host

SILENT = Evidence(25, ConnectEvidence("2001:db8::2", None, elapsed=1.0))
ANSWERED = Evidence(25)


def test_a_silent_host_and_a_failed_lookup_are_open() -> None:
    silent = changed(down_host(FailureClass.CONNECT_TIMEOUT), evidence=SILENT)
    assert is_open(result(up_host(), silent))
    assert has_timed_out(result(up_host(), silent))
    assert is_open(lookup_failed(FailureClass.DNS_NXDOMAIN))


def test_a_host_that_answered_is_not() -> None:
    answered = changed(down_host(), evidence=ANSWERED)
    assert not is_open(result(up_host(), answered))
    assert not has_timed_out(result(up_host(), answered))
    assert not may_change(answered, ANSWERED)
