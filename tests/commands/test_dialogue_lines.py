"""The lines of dialogues and verdicts."""

from __future__ import annotations

from dataclasses import replace

from exporter.commands.dialogue_lines import (
    evidence,
    heading_line,
    live_line,
    lookup_lines,
    outcome,
    remarks,
    session_lines,
    verdict_lines,
    warnings,
)
from exporter.commands.live import LiveLine
from exporter.commands.terminal import Ink
from exporter.model.evidence import ConnectOutcome, Evidence, Witness
from exporter.model.failure import FailureClass
from exporter.model.result import MxHost, MxLookup
from tests.commands.watching import texts
from tests.results import changed, domain, down_host, lookup_failed, result, tls_host, up_host


def test_a_lookup_lists_its_hosts_and_repeats_nothing() -> None:
    failed = lookup_failed(FailureClass.DNS_NXDOMAIN)
    assert failed.lookup is not None
    assert texts(lookup_lines("a.example", failed.lookup, failed.failure)) == ["a.example: 0 MX (2.0 ms)"]
    assert texts(lookup_lines("a.example", failed.lookup, None))[1].startswith("  misconfigured: dns_nxdomain")
    implicit = MxLookup("a.example", (MxHost("a.example", 0, ("192.0.2.1",)),))
    assert texts(lookup_lines("a.example", implicit, None)) == [
        "a.example: implicit MX",
        "      0 a.example: 192.0.2.1",
    ]


def test_a_line_of_a_dialogue_has_its_time_and_its_direction() -> None:
    assert live_line(LiveLine(0.0123, "220 mx", "< ")).text == "      12.3 ms < 220 mx"
    assert live_line(LiveLine(0.0123, "QUIT", "> ")).spans[-1] == ("> QUIT", Ink.OURS)
    assert live_line(LiveLine(1.5, "connected", "")).text == "    1500.0 ms   connected"


def test_a_session_begins_with_its_connect() -> None:
    first, *_ = texts(session_lines(up_host()))
    assert first == "      10.5 ms   connected (kernel round-trip time 10.1 ms)"
    assert heading_line("mx.example", "", 10).text == "10 mx.example [no address]"
    assert heading_line("mx.example", "192.0.2.1", None).text == "mx.example [192.0.2.1]"


def test_outcome_warnings_remarks_and_evidence() -> None:
    host = down_host()
    assert outcome("up", None).spans[1] == ("up", Ink.UP)
    assert outcome("blocked: why", host.failure).spans[1] == ("blocked", Ink.BLOCKED)
    assert texts(warnings(up_host())) == [
        "  warning: starttls_not_offered: it offers no STARTTLS: mail travels in the clear"
    ]
    assert texts(warnings(host)) == []
    assert "  recipient a@mx.secure.example: 250" in texts(remarks(tls_host()))
    seen = changed(host, evidence=Evidence(25, witnesses=(Witness(443, ConnectOutcome.ANSWERED),)))
    (witness,) = texts(evidence(seen))
    assert witness.strip().startswith("port 443: ")
    assert texts(evidence(replace(host, evidence=None))) == []


def test_a_verdict_is_coloured_by_its_word() -> None:
    first, *_ = verdict_lines(domain(), result(down_host()), "")
    assert first.spans[0] == ("blocked", Ink.BLOCKED)
    first, *_ = verdict_lines(domain(), result(up_host()), "")
    assert ("up", Ink.UP) in first.spans
