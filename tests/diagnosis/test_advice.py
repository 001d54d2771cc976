"""The next step: a line for every class, with the names at hand, and nothing in a command that a stranger chose."""

from __future__ import annotations

import re

import pytest

from exporter.diagnosis.advice import ADVICE, AdviceNames, next_step, plain_step, section_of, verdicts_of
from exporter.diagnosis.catalogue import CATALOGUE
from exporter.diagnosis.replies.classify import classify
from exporter.model.failure import (
    UNDETERMINED_CLASSES,
    Confidence,
    Failure,
    FailureClass,
    Stage,
    Verdict,
    own_confidence,
)
from tests.diagnosis.replies.real_replies import FILES, read
from tests.namespaces.scenario import IPV4, IPV6
from tests.namespaces.scenarios import SCENARIOS

C = FailureClass
NAMES = AdviceNames(
    "example.org", "mx.example.org", "192.0.2.9", "2525", "203.0.113.7", "zen.spamhaus.org", "probe.example"
)


def step(failure_class: FailureClass, confidence: Confidence, names: AdviceNames = NAMES) -> str:
    return next_step(Failure(Stage.CONNECT, failure_class, "", confidence), names)


@pytest.mark.parametrize("failure_class", FailureClass)
def test_every_class_has_one_line_that_begins_with_something_to_do(failure_class: FailureClass) -> None:
    for confidence in Confidence:
        for line in (step(failure_class, confidence), step(failure_class, confidence, AdviceNames())):
            assert line.isprintable()
            assert "{" not in line
            assert line[0].islower()
            assert not line.endswith(".")
            assert line.count("`") % 2 == 0
            assert len(line) < 220


@pytest.mark.parametrize(
    ("failure_class", "confidence", "named"),
    [
        (C.CONNECT_PROHIBITED, Confidence.CERTAIN, ("203.0.113.7", "mx-exporter trace 192.0.2.9 --port 2525")),
        (C.PORT_FILTERED, Confidence.LIKELY, ("203.0.113.7", "mx-exporter trace 192.0.2.9 --port 2525")),
        (C.REPUTATION_BLOCKED, Confidence.CERTAIN, ("zen.spamhaus.org",)),
        (C.HELO_REJECTED, Confidence.CERTAIN, ("probe.example",)),
        (C.RDNS_REQUIRED, Confidence.CERTAIN, ("probe.example",)),
        (C.DNS_BOGUS, Confidence.CERTAIN, ("dig +cd MX example.org",)),
        (C.CONNECT_REFUSED, Confidence.CERTAIN, ("mx.example.org", "192.0.2.9", "2525")),
        (C.TLS_HANDSHAKE, Confidence.LIKELY, ("-connect 192.0.2.9:2525",)),
    ],
)
def test_the_names_at_hand_are_in_it(failure_class: C, confidence: Confidence, named: tuple[str, ...]) -> None:
    line = step(failure_class, confidence)
    assert [name for name in named if name not in line] == []


@pytest.mark.parametrize("failure_class", sorted(UNDETERMINED_CLASSES))
def test_where_it_cannot_be_told_the_line_says_what_would_settle_it(failure_class: FailureClass) -> None:
    unsure = step(failure_class, Confidence.UNCERTAIN)
    assert unsure.startswith("settle it before you call")
    assert "from another network" in unsure
    assert step(failure_class, Confidence.LIKELY).startswith("call the postmaster of mx.example.org")


def test_silence_is_settled_by_references_witness_ports_and_a_trace() -> None:
    line = step(C.CONNECT_TIMEOUT, Confidence.UNCERTAIN)
    assert all(each in line for each in ("egress.references", "egress.witness_ports", "mx-exporter trace 192.0.2.9"))


def test_an_ipv6_address_is_bracketed_before_its_port() -> None:
    names = AdviceNames(address="2001:db8::9", port="25")
    assert "-connect [2001:db8::9]:25`" in step(C.TLS_HANDSHAKE, Confidence.LIKELY, names)


@pytest.mark.parametrize(
    ("failure_class", "line"),
    [
        (C.DNS_NXDOMAIN, "look for a misspelt name; else tell the DNS administrator of relay.example"),
        (C.DNS_NO_ADDRESS, "tell the DNS administrator of relay.example: it needs an A or AAAA record"),
        (C.DNS_SERVFAIL, "ask its name servers themselves with `dig +trace A relay.example`"),
        (C.DNS_BOGUS, "call the DNS administrator of relay.example, with `dig A relay.example` (fails)"),
    ],
)
def test_the_dns_of_a_host_is_asked_for_its_address_by_its_name_alone(failure_class: C, line: str) -> None:
    names = AdviceNames("relay.example:2525", "relay.example", is_host=True)
    assert step(failure_class, Confidence.CERTAIN, names).startswith(line)


def test_a_target_that_is_an_address_has_no_dns_administrator() -> None:
    names = AdviceNames("192.168.0.9:25", "192.168.0.9", "192.168.0.9", is_host=True)
    line = step(C.MX_ADDRESS_FORBIDDEN, Confidence.CERTAIN, names)
    assert line == "if 192.168.0.9 is meant, set `allow_addresses`, by hand `--allow-address`"
    named = step(
        C.MX_ADDRESS_FORBIDDEN, Confidence.CERTAIN, AdviceNames("r.example:25", "r.example", "::1", is_host=True)
    )
    assert "DNS administrator of r.example" in named


@pytest.mark.parametrize("failure_class", FailureClass)
@pytest.mark.parametrize("confidence", Confidence)
def test_no_name_that_a_stranger_chose_is_in_a_command(failure_class: FailureClass, confidence: Confidence) -> None:
    evil = "$(reboot).example;\n\x1b[31m"
    line = step(failure_class, confidence, AdviceNames("example.org", evil, "192.0.2.9", "25", evil, evil, evil))
    assert line.isprintable()
    assert not [command for command in re.findall(r"`([^`]*)`", line) if "reboot" in command]


def test_the_plain_line_goes_by_the_verdict_alone() -> None:
    assert verdicts_of(C.BANNER_CLOSED) == (Verdict.DEAD, Verdict.UNDETERMINED)
    assert verdicts_of(C.PORT_FILTERED) == (Verdict.BLOCKED,)
    assert plain_step(C.CONNECT_TIMEOUT, Verdict.DEAD).startswith("call the postmaster of the mail host")
    assert plain_step(C.CONNECT_TIMEOUT, Verdict.UNDETERMINED).startswith("settle it")
    assert section_of(C.CONNECT_TIMEOUT) == "docs/reference/classes.md#connect_timeout"


def test_every_class_is_in_both_tables() -> None:
    assert set(ADVICE) == set(CATALOGUE) == set(FailureClass)


@pytest.mark.parametrize("failure_class", FailureClass)
def test_what_makes_a_class_as_sure_as_it_is_by_itself_is_told(failure_class: FailureClass) -> None:
    entry = CATALOGUE[failure_class]
    assert entry.ground(own_confidence(failure_class))
    assert len(entry.seen.split()) <= 15


def test_what_makes_a_class_as_sure_as_the_lab_finds_it_is_told() -> None:
    outcomes = [scenario.of(family) for scenario in SCENARIOS for family in (IPV4, IPV6)]
    found = {(each.failure_class, each.confidence) for each in outcomes if each.failure_class and each.confidence}
    assert len(found) > 8
    assert [each for each in found if not CATALOGUE[each[0]].ground(each[1])] == []


def test_what_makes_a_reply_as_sure_as_it_is_is_told() -> None:
    found = set()
    for reply in (reply for file in FILES for reply in read(file)):
        code = re.match(r"\d{3}", reply.reply)
        finding = classify(reply.stage, int(code[0]), reply.reply[4:]) if code else None
        found |= {(finding.failure_class, finding.confidence)} if finding else set()
    assert len(found) > 25
    assert [each for each in found if not CATALOGUE[each[0]].ground(each[1])] == []


def test_where_a_class_may_be_undetermined_the_ground_of_doubt_is_told() -> None:
    for failure_class in UNDETERMINED_CLASSES:
        assert CATALOGUE[failure_class].uncertain
        assert not CATALOGUE[failure_class].certain


def test_a_source_address_that_is_lost_is_named_among_what_to_mend() -> None:
    assert "`source_address`" in step(FailureClass.NO_ROUTE, Confidence.CERTAIN)
