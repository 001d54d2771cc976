"""The mail hosts that greet well and fail afterwards."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from exporter.demo.domain import DemoDomain
from exporter.demo.domains.dialogue import DIALOGUE
from exporter.demo.world import DemoWorld
from tests.demo.domains.client import SILENCE, heard, only_host, session


@pytest.mark.parametrize("domain", DIALOGUE, ids=lambda domain: domain.name)
def test_its_greeting_is_in_order(world: DemoWorld, domain: DemoDomain) -> None:
    assert heard(world, only_host(domain), seconds=SILENCE) == f"220 {only_host(domain)} ESMTP\r\n".encode()


def test_a_tarpit_says_nothing_to_ehlo_and_another_closes(world: DemoWorld) -> None:
    assert heard(world, "mx.tarpit.example", b"EHLO me\r\n", SILENCE).count(b"\r\n") == 1
    assert heard(world, "mx.dropping.example", b"EHLO me\r\n", 60.0).count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("host", "code", "enhanced"), [("mx.greylisting.example", 451, b"4.7.1"), ("mx.unknown.example", 550, b"5.1.1")]
)
def test_a_recipient_is_refused_for_now_or_for_good(world: DemoWorld, host: str, code: int, enhanced: bytes) -> None:
    with session(world, host) as client:
        client.ehlo()
        client.mail("")
        said, text = client.rcpt("postmaster@a.example")
        assert (said, text.split()[0]) == (code, enhanced)


@pytest.mark.parametrize("host", ["mx.handshake.example", "mx.encrypted.example"])
def test_a_handshake_that_is_agreed_on_does_not_come_about(world: DemoWorld, host: str) -> None:
    client = session(world, host)
    with pytest.raises((ssl.SSLError, ConnectionError, smtplib.SMTPServerDisconnected)):
        client.starttls()
    client.close()


def test_plaintext_follows_the_agreement_on_tls(world: DemoWorld) -> None:
    said = heard(world, "mx.injected.example", b"EHLO me\r\nSTARTTLS\r\n", SILENCE)
    assert said.endswith(b"220 Go ahead\r\n250 Your mail was taken\r\n")
