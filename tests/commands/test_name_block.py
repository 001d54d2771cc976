"""One name among the transcripts: each line as it comes, and once."""

from __future__ import annotations

from exporter.commands.name_block import NameBlock
from exporter.model.evidence import ConnectEvidence, Evidence
from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult
from tests.commands.watching import Watched, texts
from tests.results import changed, down_host, lookup_failed, result, up_host

BOTH = result(up_host(), down_host())
LOOKUP = ["healthy.example: 2 MX (4.0 ms)", "     10 mx1.healthy.example: 192.0.2.1"]


def block(watched: Watched) -> NameBlock:
    return NameBlock(watched.target, watched.live)


def test_lines_come_with_what_happens() -> None:
    watched = Watched(BOTH)
    shown = block(watched)
    assert texts(shown.new_lines()) == []
    assert shown.wait.text == "looking up healthy.example"
    watched.turn()
    assert texts(shown.new_lines())[:2] == LOOKUP
    assert texts(shown.new_lines()) == []
    assert shown.wait.text == "waiting for a turn with 192.0.2.1"
    watched.greet(0)
    assert texts(shown.new_lines()) == [
        "",
        "10 mx1.healthy.example [192.0.2.1]",
        "      10.0 ms   connected (kernel round-trip time 9.0 ms)",
        "      20.0 ms < 220 mx ESMTP",
    ]
    assert shown.wait.text == "waiting for the greeting of 192.0.2.1"
    watched.end(0)
    assert texts(shown.new_lines()) == [
        "  up",
        "  warning: starttls_not_offered: it offers no STARTTLS: mail travels in the clear",
    ]


def test_a_later_host_waits_until_the_one_before_it_is_done() -> None:
    watched = Watched(BOTH)
    shown = block(watched)
    watched.turn()
    watched.greet(0)
    watched.greet(1, b"554 no\r\n")
    watched.end(1)
    assert "554" not in " ".join(texts(shown.new_lines()))
    watched.end(0)
    lines = texts(shown.new_lines())
    assert lines[-3:] == [
        "      10.0 ms   connected (kernel round-trip time 9.0 ms)",
        "      20.0 ms < 554 no",
        '  blocked: reputation_blocked at banner: the server said: 554 5.7.1 "go\\naway"',
    ]
    watched.live.waits("waiting for the other names")
    assert shown.wait.text == "waiting for the other names"
    watched.live.traces_begin(watched.target, [("192.0.2.1", 25), ("192.0.2.2", 25)])
    assert shown.wait.text == "tracing the path to 192.0.2.1 port 25 and 1 more"
    assert shown.wait.since > 0, "from its begin on, however late it is shown"
    watched.live.traces_end(watched.target)
    assert shown.wait.text == "waiting for the other names"
    assert texts(shown.end(BOTH, ""))[0] == ""
    assert not [text for text in texts(shown.end(BOTH, "")) if "< 554" in text]


def test_what_was_never_shown_comes_whole_with_the_verdict() -> None:
    watched = Watched(BOTH)
    lines = texts(block(watched).end(BOTH, ""))
    assert lines[:2] == LOOKUP
    assert "  up" in lines
    assert "      10.5 ms   connected (kernel round-trip time 10.1 ms)" in lines
    assert "healthy.example is up: 1 of 2 addresses takes mail" in " ".join(lines)


def test_a_dialogue_under_way_is_finished_before_the_verdict_and_its_outcome_stands_behind_it() -> None:
    watched = Watched(BOTH)
    shown = block(watched)
    watched.turn()
    watched.greet(0)
    list(shown.new_lines())
    watched.end(0)
    lines = texts(shown.end(BOTH, ""))
    assert lines[:2] == ["  up", "  warning: starttls_not_offered: it offers no STARTTLS: mail travels in the clear"]
    assert lines[2:4] == ["", "20 mx2.healthy.example [2001:db8::2]"]


def _silent(probed: DomainResult) -> DomainResult:
    """The second host is silent, which a path or other hosts may still explain."""
    evidence = Evidence(25, ConnectEvidence("2001:db8::2", None, elapsed=1.0))
    hosts = (probed.hosts[0], changed(down_host(FailureClass.CONNECT_TIMEOUT), evidence=evidence))
    return probed._replace(hosts=hosts)


def test_an_outcome_that_may_change_is_told_with_the_verdict() -> None:
    watched = Watched(_silent(BOTH))
    shown = block(watched)
    watched.turn()
    for place in (0, 1):
        watched.greet(place)
        watched.end(place)
    assert "connect_timeout" not in " ".join(texts(shown.new_lines()))
    lines = texts(shown.end(watched.result, ""))
    assert lines[0].startswith("  undetermined?: connect_timeout")


def test_the_failure_of_the_only_host_is_told_once() -> None:
    only = result(down_host())
    watched = Watched(only)
    shown = block(watched)
    watched.turn()
    watched.greet(0)
    watched.end(0)
    lines = [*texts(shown.new_lines()), *texts(shown.end(only, ""))]
    assert sum("reputation_blocked at banner" in text for text in lines) == 1


def test_a_lookup_that_failed_is_told_with_the_verdict() -> None:
    failed = lookup_failed(FailureClass.DNS_NXDOMAIN)
    watched = Watched(failed)
    shown = block(watched)
    watched.turn()
    assert texts(shown.new_lines()) == []
    assert texts(shown.end(failed, ""))[:2] == ["healthy.example: 0 MX (2.0 ms)", ""]


def test_interrupted_it_tells_all_that_is_known_and_no_verdict() -> None:
    watched = Watched(BOTH)
    assert texts(block(watched).interrupted()) == ["healthy.example: interrupted during its lookup, nothing is known"]
    watched.turn()
    watched.greet(0)
    watched.end(1)
    lines = texts(block(watched).interrupted())
    assert [text for text in lines if text.startswith("  interrupted: waiting for the greeting of 192.0.2.1, for ")]
    assert '  blocked: reputation_blocked at banner: the server said: 554 5.7.1 "go\\naway"' in lines
    assert lines[-1] == "healthy.example: interrupted, no verdict: 1 of 2 addresses seen, 0 up"
