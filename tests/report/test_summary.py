"""The summary of a result: a finding of at most thirty words first, each thing once, and the next step."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.path_trace import HopKind
from exporter.model.printable import printable
from exporter.model.result import DomainResult, HostResult, MxDifferences
from exporter.model.warning import DomainWarning
from exporter.report.summary import MAX_WORDS, MEANING, summarise, summary_lines
from tests.paths import OPEN_443, path
from tests.results import changed, down_host, host_of, lookup_failed, result, up_host

C = FailureClass
LONG_REPLY = "the server said: 550 5.7.1 " + "Our system has detected an unusual rate of unsolicited mail; " * 8
NAME = "a-domain.example"


def host(failure: Failure, **more: object) -> HostResult:
    found = host_of(mx="mx.a-domain.example", address="192.0.2.9", failure=failure)
    return changed(found, **more)


def words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("failure_class", FailureClass)
def test_a_sentence_has_at_most_thirty_words(failure_class: C) -> None:
    details = ("", "the server said: 554 no", LONG_REPLY, "word " * 60, "one, two: three; " * 20)
    for confidence, detail in product(Confidence, details):
        failure = Failure(Stage.BANNER, failure_class, detail, confidence)
        for probed in (result(host(failure)), lookup_failed(failure_class)._replace(failure=failure)):
            text = summarise(NAME, probed).summary
            assert words(text) <= MAX_WORDS, text
            assert text.endswith("."), text


@given(st.text(max_size=400))
def test_whatever_they_say_it_stays_one_harmless_line(detail: str) -> None:
    concluded = summarise(NAME, result(host(Failure(Stage.BANNER, C.POLICY_REJECTED, f"the server said: {detail}"))))
    assert words(concluded.summary) <= MAX_WORDS
    for text in (concluded.summary, concluded.next, *concluded.evidence):
        assert printable(text, len(text)) == text


def test_it_begins_with_the_finding() -> None:
    refused = Failure(
        Stage.BANNER, C.REPUTATION_BLOCKED, "the server said: 554 blocked using zen.example", about="zen.example"
    )
    assert summarise(NAME, result(host(refused))).summary == (
        "a-domain.example: mx.a-domain.example [192.0.2.9] said: 554 blocked using zen.example;"
        " we are kept out, others may get through."
    )
    silent = Failure(Stage.CONNECT, C.PORT_FILTERED, "port 25 does not answer, while port 443 does", Confidence.LIKELY)
    assert summarise(NAME, result(host(silent))).summary == (
        "a-domain.example: port 25 of mx.a-domain.example [192.0.2.9] does not answer, while port 443 does;"
        " likely we are kept out, others may get through."
    )


@pytest.mark.parametrize(
    ("detail", "begins"),
    [
        ("NXDOMAIN for a-domain.example: the name does not exist", "NXDOMAIN for a-domain.example: the name does not"),
        ("has no MX record", "a-domain.example has no MX record;"),
        ("is an alias of b.example, which has no MX", "a-domain.example is an alias of b.example, which has no MX;"),
        ("SERVFAIL", "a-domain.example: SERVFAIL;"),
    ],
)
def test_a_domain_that_has_no_host_is_named_once(detail: str, begins: str) -> None:
    failure = Failure(Stage.DNS, C.DNS_NO_ADDRESS, detail)
    text = summarise(NAME, lookup_failed(C.DNS_NO_ADDRESS)._replace(failure=failure)).summary
    assert text.startswith(begins)
    assert text.count(NAME) == 1


def test_where_it_cannot_be_told_the_sentence_says_so() -> None:
    closed = Failure(Stage.BANNER, C.BANNER_CLOSED, "the server closed the connection")
    text = summarise(NAME, result(host(closed))).summary
    assert text == (
        "a-domain.example: mx.a-domain.example [192.0.2.9] closed the connection;"
        " whether it is dead or only we are kept out cannot be determined from here."
    )
    assert MEANING[Verdict.UNDETERMINED] == (
        "does not answer, or refuses without a reason;"
        " whether it is dead or only we are kept out cannot be determined from here"
    )


def test_a_greeting_that_does_not_come_is_told_with_the_time_waited_and_the_setting() -> None:
    failure = Failure(Stage.BANNER, C.BANNER_TIMEOUT, "the server did not answer in time")
    concluded = summarise(NAME, result(host(failure, unfinished=(Stage.BANNER, 29.98))))
    assert "sends no complete greeting within 30.0 s (`timeout`)" in concluded.summary
    assert "RFC 5321 4.5.3.2.1 grants five minutes for the greeting" in concluded.evidence
    assert "raise `timeout`" in concluded.next


def test_a_long_finding_ends_with_a_clause_and_the_rest_is_evidence() -> None:
    detail = "port 25 is silent, nor does port 443 answer, and too little is known to tell a death from a block"
    concluded = summarise(NAME, result(host(Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, detail))))
    assert "is silent, nor does port 443 answer; whether" in concluded.summary
    assert concluded.evidence == ("too little is known to tell a death from a block",)


def test_a_finding_does_not_end_within_what_it_quotes() -> None:
    said = "554 5.7.1 Service unavailable; client [192.0.2.1] is on the list of those that may not talk to us…"
    detail = f'the server greeted with a malformed reply: line 1 has no reply code: "ERROR {said}"'
    concluded = summarise(NAME, result(host(Failure(Stage.BANNER, C.PROTOCOL_ERROR, detail))))
    assert "line 1 has no reply code" not in concluded.summary or concluded.summary.count('"') != 1
    assert concluded.summary.count('"') % 2 == 0
    assert any(said in each for each in concluded.evidence)


def test_what_is_the_hosts_is_not_told_as_the_domains() -> None:
    other = Failure(Stage.TLS, C.TLS_NAME_MISMATCH, "its certificate is for b.example, not for mx.a-domain.example")
    text = summarise(NAME, result(host(other))).summary
    assert "mx.a-domain.example [192.0.2.9]: its certificate is for b.example" in text


def test_a_domain_that_is_its_own_host_is_named_once() -> None:
    detail = f"{NAME} has no MX record; its own address 192.0.2.9 was tried and runs no mail"
    refused = changed(host(Failure(Stage.CONNECT, C.CONNECT_REFUSED, detail)), mx=NAME)
    assert summarise(NAME, result(refused)).summary.startswith(f"{detail};")


def test_a_reply_that_is_too_long_is_evidence_whole() -> None:
    concluded = summarise(NAME, result(host(Failure(Stage.MAIL, C.REPUTATION_BLOCKED, LONG_REPLY[:500]))))
    assert "names a block list or our address's reputation" in concluded.summary
    assert concluded.evidence == (LONG_REPLY[:500],)


def test_evidence_is_a_list_that_says_nothing_again() -> None:
    silent = host(
        Failure(
            Stage.CONNECT,
            C.PORT_FILTERED,
            "port 25 does not answer within 9.0 s, while port 443 answers",
            evidence=("as since Monday",),
        ),
        own_failure=Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "no answer to the SYN within 9.0 s"),
        evidence=Evidence(
            25,
            ConnectEvidence("192.0.2.9", None, elapsed=9.0),
            (Witness(443, ConnectOutcome.ANSWERED), Witness(587, ConnectOutcome.NO_ANSWER)),
            path(HopKind.TIME_EXCEEDED, against=OPEN_443),
        ),
    )
    probed = result(silent, down_host(C.CLOSED))
    concluded = summarise(NAME, probed)
    assert concluded.evidence == (
        "as since Monday",
        "port 587 of the same address is silent",
    )
    assert "is dropped after" in concluded.path


def test_lines_tell_verdict_class_and_confidence_once_and_mark_what_is_not_certain() -> None:
    failure = Failure(Stage.CONNECT, C.CONNECT_REFUSED, "the port is closed", Confidence.LIKELY)
    lines = list(summary_lines(summarise(NAME, result(host(failure)), port=2525), failure))
    assert lines == [
        "dead?: connect_refused at connect, likely",
        "  a-domain.example: mx.a-domain.example [192.0.2.9]: the port is closed;"
        " likely nobody can hand mail over there now.",
        "  next: see with `mx-exporter trace 192.0.2.9 --port 2525` that the refusal is the host's own;"
        " call the postmaster of mx.a-domain.example (docs/reference/classes.md#connect_refused)",
    ]
    certain = replace(failure, confidence=Confidence.CERTAIN)
    assert next(summary_lines(summarise(NAME, result(host(certain))), certain)).startswith("dead: ")


@pytest.mark.parametrize(
    ("replies", "command"),
    [
        ((), "`openssl s_client -connect 192.0.2.9:25`"),
        (((Stage.BANNER, 220), (Stage.EHLO, 250)), "`openssl s_client -starttls smtp -connect 192.0.2.9:25`"),
    ],
)
def test_a_handshake_is_compared_with_one_that_begins_as_the_probe_did(
    replies: tuple[tuple[Stage, int], ...], command: str
) -> None:
    failed = host(Failure(Stage.TLS, C.TLS_HANDSHAKE, "the server closed the connection"), reply_codes=replies)
    assert command in summarise(NAME, result(failed)).next


def test_what_is_up_needs_nothing_unless_an_address_of_it_is_down() -> None:
    assert summarise(NAME, result(up_host())).next == ""
    half = summarise(NAME, result(up_host(), *[down_host(C.CONNECT_REFUSED)] * 3))
    assert half.summary == (
        "a-domain.example is up: 1 of 4 addresses takes mail, with warnings;"
        " mx2.healthy.example [2001:db8::2] does not: connect_refused, and 2 more."
    )
    assert "mx-exporter trace 2001:db8::2" in half.next
    assert words(half.summary) <= MAX_WORDS
    # That this host has no IPv6 is no fault of theirs.
    assert summarise(NAME, result(up_host(), down_host(C.NO_ROUTE))).next == ""


def test_a_warning_about_the_domain_itself_says_whom_to_ask() -> None:
    moved = result(up_host())._replace(
        warnings=(DomainWarning.MX_UNEXPECTED,), mx_differences=MxDifferences(("mx.else.example",))
    )
    concluded = summarise(NAME, moved)
    assert "name mx.else.example, which expect_mx does not" in concluded.summary
    assert concluded.next.startswith("ask the owner of the domain whether that is meant")
    assert list(summary_lines(concluded, None))[-1].endswith("to be mended (docs/reference/warnings.md)")


def test_the_name_said_at_ehlo_is_in_the_advice_that_is_about_it() -> None:
    probed: DomainResult = result(host(Failure(Stage.EHLO, C.HELO_REJECTED, "the server said: 550 bad HELO")))
    assert "`helo`, now probe.example.net, to" in summarise(NAME, probed, helo="probe.example.net").next


@pytest.mark.parametrize(
    ("name", "mx", "address", "who"),
    [
        ("192.0.2.9:25", "192.0.2.9", "192.0.2.9", "port 25 of 192.0.2.9 is silent"),
        ("[2001:db8::9]:25", "2001:db8::9", "2001:db8::9", "port 25 of 2001:db8::9 is silent"),
        ("relay.example:2525", "relay.example", "192.0.2.9", "port 25 of relay.example [192.0.2.9] is silent"),
    ],
)
def test_a_host_of_the_configuration_is_named_once_and_without_its_port(
    name: str, mx: str, address: str, who: str
) -> None:
    silent = host(Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "port 25 is silent"), mx=mx, address=address)
    assert summarise(name, result(silent)._replace(lookup=None)).summary.startswith(who)


def test_the_next_step_for_a_host_is_about_its_own_name() -> None:
    missing = result(
        host(Failure(Stage.DNS, C.DNS_SERVFAIL, "SERVFAIL", Confidence.LIKELY), mx="r.example", address="")
    )
    assert "`dig +trace A r.example`" in summarise("r.example:2525", missing._replace(lookup=None)).next
    assert "`dig +trace MX a-domain.example`" in summarise(NAME, missing).next


def test_ports_that_were_named_together_are_not_named_again() -> None:
    silent = host(
        Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "port 25 is silent, nor do ports 443 and 587 answer"),
        evidence=Evidence(
            25,
            None,
            (
                Witness(443, ConnectOutcome.NO_ANSWER),
                Witness(587, ConnectOutcome.NO_ANSWER),
                Witness(58, ConnectOutcome.NO_ANSWER),
            ),
        ),
    )
    assert summarise(NAME, result(silent)).evidence == ("port 58 of the same address is silent",)
