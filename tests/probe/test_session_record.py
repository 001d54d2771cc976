"""The record of a session: empty by default, and TLS as it was meant and done."""

from __future__ import annotations

import pytest

from exporter.probe.session_record import SessionRecord, TlsRecord
from exporter.smtp.plan import Plan, TlsPlan
from exporter.tls.client import TlsHandshake
from exporter.tls.verification import Trust


@pytest.mark.parametrize(
    ("plan", "implicit"),
    [
        (None, False),
        (Plan(b"me.example"), False),
        (Plan(b"me.example", tls=TlsPlan("mx.example")), False),
        (Plan(b"me.example", tls=TlsPlan("mx.example", implicit=True)), True),
    ],
)
def test_tls_comes_before_the_greeting_where_the_plan_says_so(plan: Plan | None, implicit: bool) -> None:
    assert SessionRecord(0.0, plan=plan).implicit_tls is implicit


def test_the_chain_is_as_it_was_sent() -> None:
    record = TlsRecord(TlsHandshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", (b"own", b"above")), Trust(), 0.1)
    assert record.chain == (b"own", b"above")


def test_a_session_of_which_nothing_is_known_has_neither_replies_nor_faults() -> None:
    record = SessionRecord(1.0)
    assert (record.replies, record.refusals, record.witnesses, record.transcript) == ((), (), (), ())
    assert (record.connect, record.problem, record.tls, record.failed_tls) == (None, None, None, None)
    assert not record.spoke
