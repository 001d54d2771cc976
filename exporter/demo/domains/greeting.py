"""Domains whose mail host fails in its greeting."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import DemoDomain, alone
from exporter.demo.reputation import OUR_ADDRESS
from exporter.lab.smtp_script import CLOSE, SmtpScript, ordinary, reply
from exporter.model.failure import Confidence, FailureClass
from exporter.model.warning import HostWarning

_C, _W = FailureClass, HostWarning

GREETING: Final = (
    DemoDomain(
        "blocklisted.example",
        "banner",
        "554: our address is on a block list",
        _C.REPUTATION_BLOCKED,
        alone(
            "blocklisted.example",
            "127.54.30.1",
            ordinary(
                "mx.blocklisted.example",
                greeting=reply(
                    554, f"5.7.1 Service unavailable; Client host [{OUR_ADDRESS}] blocked using zen.spamhaus.org"
                ),
            ),
        ),
    ),
    DemoDomain(
        "nameless.example",
        "banner",
        "554: our address has no name",
        _C.RDNS_REQUIRED,
        alone(
            "nameless.example",
            "127.48.38.1",
            ordinary(
                "mx.nameless.example",
                greeting=reply(554, f"5.7.25 Client host rejected: cannot find your reverse hostname, [{OUR_ADDRESS}]"),
            ),
        ),
    ),
    DemoDomain(
        "rejecting.example",
        "banner",
        "554 and no reason",
        _C.BANNER_REJECTED,
        alone(
            "rejecting.example",
            "127.55.31.1",
            ordinary("mx.rejecting.example", greeting=reply(554, "Transaction failed")),
        ),
    ),
    DemoDomain(
        "closed.example",
        "banner",
        "554: takes no mail at all",
        _C.BANNER_REJECTED,
        alone(
            "closed.example",
            "127.55.31.2",
            ordinary("mx.closed.example", greeting=reply(554, "No SMTP service here")),
        ),
        confidence=Confidence.LIKELY,
    ),
    DemoDomain(
        "busy.example",
        "banner",
        "421: not available now",
        _C.BANNER_TEMPFAIL,
        alone(
            "busy.example",
            "127.48.32.1",
            ordinary(
                "mx.busy.example",
                greeting=(reply(421, "mx.busy.example Service not available, closing transmission channel"), CLOSE),
            ),
        ),
    ),
    DemoDomain(
        "crowded.example",
        "banner",
        "421: too many connections",
        _C.RATE_LIMITED,
        alone(
            "crowded.example",
            "127.49.33.1",
            ordinary(
                "mx.crowded.example",
                greeting=(reply(421, "4.7.0 Too many concurrent connections from your address"), CLOSE),
            ),
        ),
    ),
    DemoDomain(
        "mute.example",
        "banner",
        "takes the connection and says nothing",
        _C.BANNER_TIMEOUT,
        alone("mute.example", "127.50.34.1", ordinary("mx.mute.example", greeting=None)),
    ),
    DemoDomain(
        "hangup.example",
        "banner",
        "takes the connection and closes it",
        _C.BANNER_CLOSED,
        alone("hangup.example", "127.51.35.1", ordinary("mx.hangup.example", greeting=CLOSE)),
    ),
    DemoDomain(
        "ssh.example",
        "banner",
        "an SSH server on the SMTP port",
        _C.NOT_SMTP,
        alone("ssh.example", "127.52.36.1", SmtpScript(b"SSH-2.0-OpenSSH_9.6\r\n", otherwise=CLOSE)),
    ),
    DemoDomain(
        "garbled.example",
        "banner",
        "a greeting with a line that is no reply",
        _C.PROTOCOL_ERROR,
        alone(
            "garbled.example",
            "127.53.37.1",
            ordinary("mx.garbled.example", greeting=b"220-mx.garbled.example ESMTP\r\nor not\r\n"),
        ),
    ),
)
