"""The evidence about a host, and the part of it that a text mentions already."""

from __future__ import annotations

import pytest

from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import FailureClass
from exporter.model.path_trace import HopKind
from exporter.report.host_evidence import further_path, host_evidence, is_mentioned
from tests.paths import path
from tests.results import changed, down_host, up_host

C = FailureClass
CONNECT = ConnectEvidence("192.0.2.1", None, elapsed=30.0)


def test_a_host_that_is_up_needs_no_evidence() -> None:
    assert list(host_evidence(up_host())) == []


def test_other_ports_of_the_address_are_evidence() -> None:
    evidence = Evidence(25, CONNECT, (Witness(443, ConnectOutcome.ANSWERED), Witness(587, ConnectOutcome.RESET)))
    host = changed(down_host(C.PORT_FILTERED), evidence=evidence)
    assert [text for text, _ in host_evidence(host)][-2:] == [
        "port 443 of the same address answers",
        "port 587 of the same address refuses, so the host is there",
    ]


@pytest.mark.parametrize(
    ("mark", "text", "mentioned"),
    [
        ("443", "while ports 443 and 587 answer", True),
        ("443", "port 4430 answers", False),
        ("five minutes", "RFC 5321 grants five minutes", True),
        ("SYN", "nothing", False),
    ],
)
def test_a_mark_tells_whether_a_text_has_the_evidence(mark: str, text: str, mentioned: bool) -> None:
    assert is_mentioned(mark, text) is mentioned


def test_a_path_is_told_unless_the_text_names_its_last_router() -> None:
    traced = path(HopKind.TIME_EXCEEDED, HopKind.SILENT)
    host = changed(down_host(C.CONNECT_TIMEOUT), evidence=Evidence(25, CONNECT, path=traced), last_hop="203.0.113.9")
    assert further_path(host, "nothing").endswith(".")
    assert further_path(host, "the last router is 203.0.113.9") == ""
    assert further_path(up_host(), "nothing") == ""
