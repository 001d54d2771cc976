"""Domains whose mail host fails after its greeting: at EHLO, in TLS, or at the recipient."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import Certificate, DemoDomain, alone, offering
from exporter.lab.smtp_script import CLOSE, Wait, ordinary, reply
from exporter.model.failure import FailureClass
from exporter.model.warning import HostWarning

_C, _W = FailureClass, HostWarning

DIALOGUE: Final = (
    DemoDomain(
        "tarpit.example",
        "dialogue",
        "greets, then takes a minute to answer EHLO",
        _C.TIMEOUT,
        alone(
            "tarpit.example",
            "127.48.40.1",
            ordinary("mx.tarpit.example", EHLO=(Wait(60), reply(250, "mx.tarpit.example"))),
        ),
    ),
    DemoDomain(
        "dropping.example",
        "dialogue",
        "closes the connection at EHLO",
        _C.CLOSED,
        alone("dropping.example", "127.49.41.1", ordinary("mx.dropping.example", EHLO=CLOSE)),
    ),
    DemoDomain(
        "greylisting.example",
        "dialogue",
        "greylists: the first attempt for each recipient is deferred",
        _C.GREYLISTED,
        alone(
            "greylisting.example",
            "127.50.10.1",
            ordinary("mx.greylisting.example", RCPT=reply(451, "4.7.1 Greylisted, please try again in 300 seconds")),
            Certificate.VALID,
        ),
        module="mailbox",
    ),
    DemoDomain(
        "unknown.example",
        "dialogue",
        "knows no such recipient",
        _C.MAILBOX_UNKNOWN,
        alone(
            "unknown.example",
            "127.50.42.1",
            ordinary("mx.unknown.example", RCPT=reply(550, "5.1.1 User unknown")),
            Certificate.VALID,
        ),
        module="mailbox",
    ),
    DemoDomain(
        "handshake.example",
        "dialogue",
        "takes STARTTLS and closes the connection in the handshake: senders go on in the clear",
        None,
        alone("handshake.example", "127.51.43.1", offering("mx.handshake.example", reply(220, "Go ahead"), CLOSE)),
        warnings=(_W.TLS_HANDSHAKE,),
        module="tls",
    ),
    DemoDomain(
        "encrypted.example",
        "dialogue",
        "the same, where the module requires TLS",
        _C.TLS_HANDSHAKE,
        alone("encrypted.example", "127.51.43.2", offering("mx.encrypted.example", reply(220, "Go ahead"), CLOSE)),
        module="tls-required",
    ),
    DemoDomain(
        "injected.example",
        "dialogue",
        "plaintext comes between STARTTLS and the handshake",
        _C.TLS_INJECTION,
        alone(
            "injected.example",
            "127.52.44.1",
            offering("mx.injected.example", reply(220, "Go ahead") + reply(250, "Your mail was taken")),
        ),
        module="tls",
    ),
)
