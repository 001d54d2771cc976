"""The warnings about a host, from one session with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.diagnosis.fingerprints import MASKED
from exporter.model.failure import Stage
from exporter.model.warning import HostWarning
from exporter.probe.cpu_cost import COSTLY_SECONDS
from exporter.probe.host_warnings import BANNER_SLOW_SECONDS, remarks_of, warnings_of_failing, warnings_of_working
from exporter.probe.session_record import FailedTls, SessionRecord
from exporter.smtp.ehlo import Ehlo
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.smtp.reply import Reply

W = HostWarning
OFFER = Ehlo(("STARTTLS",))
FURTHER = Plan(b"me.example", (State.EHLO, State.STARTTLS, State.VRFY), tls=TlsPlan("mx.example"), vrfy="root")
CLEAN = SessionRecord(0.0, quit_clean=True, plan=Plan(b"me.example"))


@pytest.mark.parametrize(
    ("record", "offer", "expected"),
    [
        (CLEAN, OFFER, ()),
        (CLEAN, Ehlo(), (W.STARTTLS_NOT_OFFERED,)),
        (replace(CLEAN, plan=Plan(b"m", tls=TlsPlan("mx.example", implicit=True))), Ehlo(), ()),
        (replace(CLEAN, helo_only=True), None, (W.HELO_ONLY,)),
        (replace(CLEAN, phases=((Stage.BANNER, BANNER_SLOW_SECONDS + 1),)), OFFER, (W.BANNER_SLOW,)),
        (replace(CLEAN, replies=((Stage.EHLO, Reply(250, (b"mx",), bare_lf=True)),)), OFFER, (W.BARE_LF,)),
        (replace(CLEAN, quit_clean=False), OFFER, (W.QUIT_UNCLEAN,)),
        (replace(CLEAN, cost=2 * COSTLY_SECONDS), OFFER, (W.COSTLY,)),
        (
            replace(CLEAN, plan=FURTHER, replies=((Stage.STARTTLS, Reply(454, (b"no",))),)),
            OFFER,
            (W.STARTTLS_REJECTED,),
        ),
        (replace(CLEAN, plan=FURTHER, failed_tls=FailedTls("hung up")), OFFER, (W.TLS_HANDSHAKE,)),
        (replace(CLEAN, plan=FURTHER, replies=((Stage.VRFY, Reply(250, (b"root",))),)), OFFER, (W.VRFY_ENABLED,)),
        (replace(CLEAN, plan=FURTHER, replies=((Stage.VRFY, Reply(252, (b"perhaps",))),)), OFFER, ()),
    ],
)
def test_a_working_host_has_the_warnings_of_its_session(
    record: SessionRecord, offer: Ehlo | None, expected: tuple[HostWarning, ...]
) -> None:
    assert warnings_of_working(record, offer, (), is_alias=False) == expected


def test_the_name_of_the_host_and_the_marks_of_the_server_count_too() -> None:
    assert warnings_of_working(CLEAN, OFFER, (MASKED,), is_alias=True) == (W.MX_IS_CNAME, W.MASKED)


def test_of_a_failing_host_only_some_are_worth_a_warning() -> None:
    refusal = Reply(554, (b"no",), contradictory=True)
    record = SessionRecord(0.0, replies=((Stage.BANNER, refusal),), cost=2 * COSTLY_SECONDS)
    assert warnings_of_failing(record) == (W.CONTRADICTORY_CODES, W.COSTLY)


def test_a_remark_says_what_a_warning_rests_on_while_the_host_works() -> None:
    record = replace(CLEAN, failed_tls=FailedTls("hung up"), cost=0.4)
    tls, cost = remarks_of(record, (), works=True)
    assert tls.startswith("the server hung up: no TLS")
    assert "0.40 s of this exporter's CPU" in cost
    assert list(remarks_of(record, (MASKED,), works=False)) == []
