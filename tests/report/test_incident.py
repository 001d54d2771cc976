"""The report for a ticket: what stands in it, and what never does."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from exporter.concurrency import steady_clock
from exporter.model.address import Family
from exporter.model.change import DomainChange, HostChange
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass
from exporter.model.result import DomainResult, HostIdentity, TranscriptLine
from exporter.model.target import Auth, Module, Settings
from exporter.report.incident import (
    MAX_CHANGES,
    MAX_CHARACTERS,
    MAX_DIALOGUES,
    Incident,
    SessionDialogue,
    incident_report,
)
from exporter.report.local_state import LocalState, local_state
from exporter.store.journal import JournalEntry
from tests.results import AT, changed, down_host, lookup_failed, result, tls_host, up_host

GREETING = b"554 5.7.1 Service unavailable; client [192.0.2.99] blocked using zen.example\r\n"
SAID = (TranscriptLine(0.012, False, GREETING), TranscriptLine(0.0135, True, b"QUIT\r\n"))
PLAIN = Settings()


def report(probed: DomainResult, *lines: TranscriptLine, settings: Settings = PLAIN, **more: Any) -> str:
    dialogues = {host.identity: SessionDialogue(AT, lines or SAID) for host in probed.hosts}
    values: dict[str, Any] = {"side": LocalState(), "since": AT - 90, "dialogues": dialogues}
    return incident_report(Incident("a.example", probed, settings, "probe.us.example", AT + 60, **(values | more)))


def test_it_has_the_finding_the_times_ourselves_and_the_dialogue() -> None:
    lines = report(result(down_host(address="127.0.0.1"), name="a.example")).splitlines()
    assert lines[0].startswith("Report on a.example, made at 2023-11-14 22:14:20 UTC by mx-exporter ")
    for line in (
        "Verdict: blocked (certain): reputation_blocked at banner",
        "Next: find what was sent from our address; then ask the list that the reply names to remove it",
        "In this state since: 2023-11-14 22:11:50 UTC",
        "Last probe: 2023-11-14 22:13:20 UTC",
        "Our address: 127.0.0.1 (as this machine has it; behind NAT others see another)",
        "Our name in EHLO: probe.us.example",
        "Dialogue with mx2.healthy.example [127.0.0.1] port 25, begun at 2023-11-14 22:13:20 UTC"
        " (> ours, < theirs; times in UTC):",
        "  22:13:20.262 < 554 5.7.1 Service unavailable; client [192.0.2.99] blocked using zen.example",
        "  22:13:20.263 > QUIT",
    ):
        assert line in lines
    assert any(line.startswith("Finding: a.example: mx2.healthy.example [127.0.0.1] said: 554") for line in lines)
    assert any(
        line.startswith("  10 mx2.healthy.example [127.0.0.1] port 25: blocked: reputation_blocked") for line in lines
    )


def test_a_fault_of_our_own_side_stands_first() -> None:
    shut = {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.CERTAIN)}
    text = report(result(down_host()), side=local_state(shut, (), {FailureClass.EGRESS_BLOCKED: 3}))
    assert text.splitlines()[2].startswith("Our own side: Port 25 is blocked on OUR side (IPv4, certain): 3 targets")


def test_the_latest_changes_stand_in_it_without_credentials() -> None:
    host, moment = up_host(), steady_clock.moment(AT)
    changes: list[tuple[JournalEntry, HostIdentity | None]] = [
        (JournalEntry(moment - number, HostChange.SOFTWARE, "by user-name", "postfix"), host.identity)
        for number in range(2 * MAX_CHANGES)
    ]
    changes.append((JournalEntry(moment + 1, DomainChange.MX, "mx0.a.example", "mx.a.example"), None))
    auth = Settings(module=Module(auth=Auth("user-name", "secret")))
    text = report(result(host), changes=changes, settings=auth)
    assert "\nWhat changed:\n  2023-11-14 22:13:21 UTC other MX hosts (mx0.a.example -> mx.a.example)\n" in text
    assert "UTC mx1.healthy.example [192.0.2.1]: other software in the greeting (by **** -> postfix)\n" in text
    assert text.count("other software") == MAX_CHANGES - 1
    assert "What changed" not in report(result(host))


def test_the_handshake_stands_at_its_time() -> None:
    secure = tls_host()
    dialogue = SessionDialogue(AT, SAID[:1], False, secure.facts.tls, 0.05)
    text = report(result(secure), dialogues={secure.identity: dialogue})
    *_, greeting, cut = text.splitlines()
    assert greeting.startswith("  22:13:20.262 < 554 ")
    assert cut == "  the rest was not stored"
    later = replace(dialogue, lines=(*SAID[:1], TranscriptLine(0.0625, True, b"EHLO probe.us.example\r\n")))
    text = report(result(secure), dialogues={secure.identity: later})
    assert (
        "\n  22:13:20.300 * TLSv1.3 TLS_AES_256_GCM_SHA384, certificate for mx.secure.example by CN=Authority" in text
    )


def test_what_has_no_dialogue_says_so() -> None:
    text = report(lookup_failed(FailureClass.DNS_NXDOMAIN, "a.example"))
    assert "Dialogue: there was none." in text
    assert "  lookup: misconfigured: dns_nxdomain at dns: NXDOMAIN" in text


def test_a_target_that_is_up_has_its_warnings_as_evidence() -> None:
    text = report(result(up_host(), down_host()))
    assert "Verdict: up\nFinding: a.example is up: 1 of 2 addresses takes mail, with warnings;" in text
    assert "  - mx1.healthy.example [192.0.2.1]: it offers no STARTTLS: mail travels in the clear" in text


AUTH = Auth("canary@us.example", "hunter2!secret")
WITH_AUTH = Settings(module=Module(auth=AUTH))


def base64(text: str) -> bytes:
    return b64encode(text.encode())


@pytest.mark.parametrize(
    "lines",
    [
        [(False, b"334 VXNlcm5hbWU6\r\n"), (True, base64(AUTH.username) + b"\r\n"), (False, b"334 UGFzc3dvcmQ6\r\n")],
        [(True, b"AUTH PLAIN " + base64(f"\0{AUTH.username}\0{AUTH.password}") + b"\r\n")],
        [(True, b"auth  LOGIN " + base64(AUTH.username) + b"\r\n")],
        [(False, b"535 5.7.8 no CANARY@us.example with Hunter2!secret here\r\n")],
        [(False, b"535 " + base64(AUTH.username) + b" " + base64(AUTH.password) + b"\r\n")],
        [(False, b"250-x\r\n334 go\r\n"), (True, base64(AUTH.password) + b"\r\n")],
    ],
)
def test_credentials_never_stand_in_it(lines: list[tuple[bool, bytes]]) -> None:
    said = [TranscriptLine(0.1 * number, sent, data) for number, (sent, data) in enumerate(lines)]
    text = report(result(down_host()), *said, settings=WITH_AUTH).lower()
    assert "****" in text or "canary" not in text
    for secret in (
        AUTH.username,
        AUTH.password,
        *(base64(each).decode().rstrip("=") for each in (AUTH.username, AUTH.password)),
    ):
        assert secret.lower() not in text
    assert base64(f"\0{AUTH.username}\0{AUTH.password}").decode().lower() not in text


def test_nor_in_the_finding_or_the_evidence_that_quotes_a_server() -> None:
    quoting = down_host()
    assert quoting.failure is not None
    failure = replace(
        quoting.failure, detail=f"the server said: 535 {AUTH.username}", evidence=(f"it knows {AUTH.password}",)
    )
    assert not {AUTH.username, AUTH.password} & set(
        report(result(changed(quoting, failure=failure)), settings=WITH_AUTH).replace("\n", " ").split()
    )


def test_the_content_of_a_message_and_labels_never_stand_in_it() -> None:
    text = report(
        result(down_host()),
        TranscriptLine(0.1, False, b"354 go ahead\r\n"),
        TranscriptLine(0.2, True, b"Subject: our secret plan\r\n\r\nplan\r\n.\r\n"),
        TranscriptLine(0.3, False, b"250 taken\r\n"),
    )
    assert "secret plan" not in text
    assert "> (a message, 37 bytes)" in text
    assert "< 250 taken" in text


def test_hostile_words_are_escaped_and_make_no_line_of_their_own() -> None:
    text = report(
        result(down_host()),
        TranscriptLine(0.1, False, b"220-a\x1b[31m\x00\xe2\x80\xae\rVerdict: up\r\nNext: send us money\r\n"),
    )
    assert not set(text) & set("\x1b\x00\u202e\r")
    assert text.count("\nVerdict: ") == text.count("\nNext: ") == 1
    assert r"< 220-a\x1b[31m\x00\u202e\rVerdict: up" in text


def test_it_is_bounded() -> None:
    hosts = [down_host(name=f"mx{number}.a.example", address=f"192.0.2.{number}") for number in range(60)]
    text = report(result(*hosts))
    assert text.count("Dialogue with") == MAX_DIALOGUES
    assert "  and 44 more" in text
    flood = [TranscriptLine(0.1, False, b"220-" + b"x" * 700 + b"\r\n")] * 500
    text = report(result(*hosts), *flood)
    assert len(text) <= MAX_CHARACTERS
    assert text.endswith("the rest was cut off\n")
