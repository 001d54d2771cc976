"""What a record becomes: hints that a person needs beside the finding."""

from __future__ import annotations

import pytest

from exporter.probe.host import host_result
from exporter.probe.session import SessionRecord, proxy_header
from exporter.result import FailureClass, MxHost, Stage
from exporter.smtp.events import Break, Problem
from exporter.smtp.plan import Plan, TlsPlan

HOST = MxHost("relay.example", 0)
SILENT = Problem(Stage.BANNER, None, Break.TIMEOUT, "did not answer in time")
CLOSED = Problem(Stage.BANNER, None, Break.CLOSED, "closed the connection")
PLAIN, IMPLICIT = Plan(b"me.example"), Plan(b"me.example", tls=TlsPlan("relay.example", implicit=True, required=True))


@pytest.mark.parametrize("problem", [SILENT, CLOSED])
@pytest.mark.parametrize(
    ("port", "plan", "hint"),
    [
        (465, PLAIN, "port 465 speaks TLS first: set `tls: implicit`"),
        (2465, PLAIN, "if port 2465 speaks TLS first, set `tls: implicit`"),
        (25, PLAIN, None),
        (465, IMPLICIT, None),
    ],
)
def test_a_port_that_waits_for_a_handshake_is_hinted_at(
    problem: Problem, port: int, plan: Plan, hint: str | None
) -> None:
    record = SessionRecord(0.0, problem=problem, plan=plan)
    failure = host_result(HOST, 0, "192.0.2.1", port, record).failure
    assert failure is not None
    assert failure.failure_class in (FailureClass.BANNER_TIMEOUT, FailureClass.BANNER_CLOSED)
    assert failure.evidence == (() if hint is None else (hint,))


def test_the_header_of_the_proxy_protocol_tells_the_truth() -> None:
    assert proxy_header(("192.0.2.1", 40000), ("198.51.100.2", 25)) == (
        b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n"
    )
    assert proxy_header(("2001:db8::1", 40000), ("2001:db8::2", 25)) == (
        b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n"
    )
