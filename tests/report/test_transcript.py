"""A dialogue for a person: TLS where it happened, what is wrong with a certificate, every recipient."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.arrival import Arrival, AuthenticationMethod, AuthenticationResult, Folder, MailboxProblem
from exporter.model.result import HostFacts, HostIdentity, HostResult, TranscriptLine
from exporter.model.warning import DomainWarning
from exporter.report.transcript import MAX_LINES, arrival_lines, transcript_lines, transcript_text
from tests.results import changed, down_host, result, tls_host

SPOKEN = (
    TranscriptLine(0.04, True, b"STARTTLS\r\n"),
    TranscriptLine(0.045, False, b"220 go\r\n"),
    TranscriptLine(0.06, True, b"EHLO me\r\n"),
)


def test_the_handshake_stands_between_what_was_said_before_and_after() -> None:
    lines = transcript_text(result(replace(tls_host(), transcript=SPOKEN))).splitlines()
    assert lines == [
        "10 mx.secure.example [192.0.2.3]",
        "     0.040s > STARTTLS",
        "     0.045s < 220 go",
        "     0.050s * TLSv1.3 TLS_AES_256_GCM_SHA384, certificate for mx.secure.example by CN=Authority, "
        "until 2023-11-13 22:13 UTC, not verified",
        "     0.060s > EHLO me",
        "  TLSv1.1: accepted: with AES128-SHA",
        "  TLSv1: refused: it accepts no version",
        "  SSLv3: untestable",
        "  recipient a@mx.secure.example: 250",
        "  recipient b@mx.secure.example: 250",
        "  up",
        "  warning: tls_expired: the server's certificate has expired",
    ]


def test_what_is_about_the_domain_stands_before_its_hosts() -> None:
    probed = result(tls_host())._replace(
        providers=("big.example", "o\u202e"), warnings=(DomainWarning.NULL_MX_AMONG_OTHERS,)
    )
    assert transcript_text(probed).startswith(
        "providers: big.example, o\\u202e\n"
        "warning: null_mx_among_others: a null MX stands beside other MX records, which count\n\n10 mx.secure.example"
    )
    down = result(down_host())._replace(providers=("big.example",), warnings=(DomainWarning.MTA_STS_NO_TLS,))
    assert transcript_text(down).startswith("provider: big.example\nwarning: mta_sts_no_tls: its MTA-STS policy")


def test_of_thousands_of_lines_the_first_are_shown_and_the_rest_is_counted() -> None:
    pieces = (TranscriptLine(0.1, False, b"220 x\r\n"), TranscriptLine(0.2, False, b"\n" * 5000))
    lines = list(transcript_lines(pieces))
    assert lines[0] == (0.1, False, "220 x")
    assert lines[-1] == (0.2, False, f"… {5001 - MAX_LINES} more lines")
    assert len(lines) == MAX_LINES + 1


def test_what_is_wrong_with_a_certificate_is_harmless_to_look_at() -> None:
    host = tls_host()
    assert host.facts.tls is not None
    evil = replace(host.facts.tls, faults=(replace(host.facts.tls.faults[0], detail="a\x1b[31mb\nc"),))
    assert "tls_expired: a\\x1b[31mb\\nc\n" in transcript_text(result(changed(host, tls=evil)))


def test_a_handshake_after_which_nothing_was_said_is_shown_too() -> None:
    text = transcript_text(result(replace(tls_host(), transcript=SPOKEN[:2])))
    assert text.index("< 220 go") < text.index("* TLSv1.3") < text.index("tls_expired")


@pytest.mark.parametrize(
    ("arrival", "lines"),
    [
        (None, []),
        (
            Arrival(problem=MailboxProblem.LOGIN),
            [
                "canary: its mailbox cannot be looked into (login): "
                "it refuses our user name or password, which `data.arrival` has"
            ],
        ),
        (Arrival(missing="it is not there"), ["canary: it is not there"]),
        (
            Arrival(awaited_since=1_700_000_000.0),
            ["canary: of the message accepted at 22:13:20 UTC it is not known yet whether it arrives"],
        ),
        (Arrival(Folder.INBOX, 2.04), ["canary: found in inbox after 2.0 s"]),
        (
            Arrival(Folder.INBOX, 900.0, is_late=True),
            ["canary: found in inbox after 900.0 s, late: it was told as missing"],
        ),
        (
            Arrival(seconds=900.0, missing="it is not there", is_late=True),
            [
                "canary: it is not there",
                "canary: an earlier one has arrived after 900.0 s, late: it was told as missing",
            ],
        ),
        (
            Arrival(Folder.JUNK, authentication=((AuthenticationMethod.SPF, AuthenticationResult.PASS),)),
            ["canary: found in junk", "canary: spf pass"],
        ),
    ],
)
def test_the_arrival_of_a_canary_is_told(arrival: Arrival | None, lines: list[str]) -> None:
    host = HostResult(HostIdentity("mx.example", "192.0.2.1", 25, "canary"), facts=HostFacts(arrival=arrival))
    assert [*arrival_lines(host)] == lines
