"""Sessions with scripted hosts that speak TLS, well and badly, and what a probe makes of each; on every event loop."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from exporter.lab.smtp_host import Ended, SmtpHost
from exporter.lab.smtp_host import ServerSession as ServerSession
from exporter.lab.smtp_script import (
    CLOSE,
    RESET,
    Answer,
    Drip,
    Flood,
    SmtpScript,
    Step,
    SwitchToTls,
    Wait,
    ordinary,
    reply,
)
from exporter.model.failure import FailureClass, Stage, Verdict
from exporter.model.result import HostIdentity, HostResult
from exporter.model.warning import HostWarning
from exporter.probe.host_result import host_result
from exporter.probe.session import Session
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan
from tests.support.certificates import DAY, Issued, authority, issue, only_tls_1_0, sha1_context
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until

C, W, S = FailureClass, HostWarning, State
NAME = "mx.example"
ROOT = authority()
MIDDLE = issue(by=ROOT, ca=True, subject="Lab Intermediate", end=400 * DAY)
GOOD = issue(NAME, by=MIDDLE)
OFFERING = reply(250, NAME, "SIZE 1000000", "STARTTLS")
GO_AHEAD = reply(220, "2.0.0 Ready")
REPORT = TlsPlan(NAME)
REQUIRE = TlsPlan(NAME, required=True, verify=True)


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the root of the lab, and no other."""
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


def offering(*steps: Step, **answers: Answer) -> SmtpScript:
    """A host that offers STARTTLS and plays `steps` when it is said."""
    return ordinary(NAME, EHLO=OFFERING, STARTTLS=steps, **answers)


def secured(issued: Issued | ssl.SSLContext, **answers: Answer) -> SmtpScript:
    """A host that does it well, with this certificate; `answers` are those under TLS."""
    context = issued if isinstance(issued, ssl.SSLContext) else issued.context()
    return offering(GO_AHEAD, SwitchToTls(context, ordinary(NAME, **answers)))


@dataclass(frozen=True)
class Seen:
    result: HostResult
    record: SessionRecord
    host: ServerSession

    @property
    def outcome(self) -> tuple[Stage, FailureClass] | None:
        failure = self.result.failure
        return None if failure is None else (failure.stage, failure.failure_class)


async def talk(script: SmtpScript, plan: Plan, seconds: float = 10.0, message: bytes = b"") -> Seen:
    host = SmtpHost(script)
    port = await host.start()
    try:
        options = SessionOptions(transcript=True, message=message)
        record = await Session(plan, Endpoint("127.0.0.1", port), seconds, options).run()
        await host.sessions_ended(1)
    finally:
        await host.stop()
    return Seen(
        host_result(HostIdentity(NAME, "127.0.0.1", port, "default"), record, transcript=True), record, host.sessions[0]
    )


def probe(loop_factory: LoopFactory, script: SmtpScript, tls: TlsPlan = REPORT, seconds: float = 10.0) -> Seen:
    return run_on(loop_factory, talk(script, Plan(b"me.example", (S.EHLO, S.STARTTLS), tls=tls), seconds))


# Done well


@on_every_loop
def test_starttls_is_recorded_whole(loop_factory: LoopFactory) -> None:
    seen = probe(loop_factory, secured(GOOD, EHLO=reply(250, NAME, "SIZE 5", "AUTH PLAIN LOGIN")), REQUIRE)
    result = seen.result
    assert seen.outcome is None
    assert result.outcome.warnings == ()
    assert seen.host.verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"QUIT"]
    assert seen.host.ended is Ended.QUIT
    assert [stage for stage, _ in result.timings.phases] == [
        Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.TLS, Stage.QUIT,
    ]  # fmt: skip
    assert [stage for stage, _ in result.timings.waits] == [
        Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.TLS, Stage.EHLO_TLS, Stage.QUIT,
    ]  # fmt: skip
    assert dict(result.facts.reply_codes) == {
        Stage.BANNER: 220, Stage.EHLO: 250, Stage.STARTTLS: 220, Stage.EHLO_TLS: 250, Stage.QUIT: 221,
    }  # fmt: skip
    assert result.facts.tls is not None
    assert (result.facts.tls.verified, result.facts.tls.version) == (True, "TLSv1.3")
    assert result.facts.tls.version == seen.host.tls
    assert result.facts.tls.not_after == pytest.approx(GOOD.certificate.not_valid_after_utc.timestamp())
    assert seen.record.tls is not None
    assert seen.record.tls.chain == GOOD.chain
    assert result.facts.extensions == ("STARTTLS", "SIZE", "AUTH")
    assert (result.facts.size_limit, result.facts.auth_plaintext, result.facts.auth_tls) == (5, (), ("PLAIN", "LOGIN"))


@on_every_loop
def test_implicit_tls_is_recorded_whole(loop_factory: LoopFactory) -> None:
    script = replace(ordinary(NAME), implicit_tls=GOOD.context())
    seen = run_on(loop_factory, talk(script, Plan(b"me.example", tls=replace(REQUIRE, implicit=True))))
    assert seen.outcome is None
    assert seen.result.outcome.warnings == ()  # that STARTTLS is not offered there is right
    assert seen.host.verbs == [b"EHLO", b"QUIT"]
    assert [stage for stage, _ in seen.result.timings.phases] == [
        Stage.CONNECT, Stage.TLS, Stage.BANNER, Stage.EHLO, Stage.QUIT,
    ]  # fmt: skip
    assert seen.result.facts.tls is not None
    assert (seen.result.facts.tls.verified, seen.result.facts.tls.version) == (True, seen.host.tls)


@on_every_loop
def test_replies_under_tls_may_come_byte_by_byte(loop_factory: LoopFactory) -> None:
    seen = probe(loop_factory, secured(GOOD, EHLO=Drip(reply(250, NAME, "SIZE 5")), QUIT=(Drip(b"221 x\r\n"), CLOSE)))
    assert seen.outcome is None
    assert seen.record.quit_clean


@on_every_loop
def test_a_whole_transaction_under_tls(loop_factory: LoopFactory) -> None:
    plan = Plan(
        b"me.example",
        (S.EHLO, S.STARTTLS, S.VRFY, S.MAIL, S.RCPT, S.RCPT, S.DATA),
        tls=REQUIRE,
        recipients=("a@b.example", "c@d.example"),
        vrfy="root",
    )
    script = secured(GOOD, VRFY=reply(250, "root <root@mx.example>"))
    seen = run_on(loop_factory, talk(script, plan, message=b"Subject: x\r\n\r\n.\r\n"))
    assert seen.outcome is None
    assert seen.host.verbs == [
        b"EHLO", b"STARTTLS", b"EHLO", b"VRFY", b"MAIL", b"RCPT", b"RCPT", b"DATA", b"QUIT",
    ]  # fmt: skip
    assert seen.host.message == b"Subject: x\r\n\r\n..\r\n"
    assert dict(seen.result.facts.reply_codes)[Stage.DATA] == 250
    assert seen.result.facts.recipients == (("a@b.example", 250), ("c@d.example", 250))
    assert seen.result.outcome.warnings == (W.VRFY_ENABLED,)
    assert {Stage.DATA, Stage.RCPT, Stage.VRFY, Stage.MAIL} <= dict(seen.result.timings.phases).keys()


# Certificates


@pytest.mark.parametrize(
    ("issued", "warnings"),
    [
        (GOOD, ()),
        (issue("*.example", "*.mx.example", by=MIDDLE), (W.TLS_NAME_MISMATCH,)),
        (issue("alias.example", NAME, by=MIDDLE), ()),
        (issue(NAME, by=MIDDLE, end=-1 * DAY, start=-90 * DAY), (W.TLS_EXPIRED,)),
        (issue(NAME, by=MIDDLE, start=1 * DAY), (W.TLS_NOT_YET_VALID,)),
        (issue("other.example", by=MIDDLE), (W.TLS_NAME_MISMATCH,)),
        (issue("127.0.0.1", by=MIDDLE), (W.TLS_NAME_MISMATCH,)),
        (issue(by=MIDDLE, subject=NAME), ()),  # as Postfix takes it
        (issue(NAME), (W.TLS_UNTRUSTED,)),
        (issue(NAME, by=authority("Another")), (W.TLS_UNTRUSTED,)),
        (issue(NAME, by=MIDDLE, end=13 * DAY), (W.TLS_EXPIRES_SOON,)),
        (issue(NAME, by=MIDDLE, end=15 * DAY), ()),
        # Six days are all that some certificates live: a third of them is left at the end of the fourth.
        (issue(NAME, by=MIDDLE, start=-3 * DAY, end=3 * DAY), ()),
        (issue(NAME, by=MIDDLE, start=-4.1 * DAY, end=1.9 * DAY), (W.TLS_EXPIRES_SOON,)),
        (issue(NAME, by=MIDDLE, start=-25 * DAY, end=13 * DAY), ()),
    ],
)
def test_a_wrong_certificate_is_a_warning_or_the_failure_of_its_class(
    issued: Issued, warnings: tuple[HostWarning, ...]
) -> None:
    reported = probe(asyncio.SelectorEventLoop, secured(issued))
    assert reported.outcome is None
    assert reported.result.outcome.warnings == warnings
    assert reported.host.verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"QUIT"]
    required = probe(asyncio.SelectorEventLoop, secured(issued), REQUIRE)
    if warnings in ((), (W.TLS_EXPIRES_SOON,)):
        assert required.outcome is None
        assert required.result.outcome.warnings == warnings
    else:
        assert required.outcome == (Stage.TLS, FailureClass(warnings[0].value))
        assert required.result.failure is not None
        assert required.result.failure.verdict is Verdict.MISCONFIGURED
        assert required.host.verbs == [b"EHLO", b"STARTTLS", b"QUIT"]
    assert required.result.facts.tls is not None
    assert reported.result.facts.tls is not None
    assert required.result.facts.tls.not_after == reported.result.facts.tls.not_after


def test_a_certificate_signed_with_sha1_is_read_and_not_trusted(tmp_path: Path) -> None:
    seen = probe(asyncio.SelectorEventLoop, secured(sha1_context(tmp_path, NAME)))
    assert seen.outcome is None
    assert seen.result.outcome.warnings == (W.TLS_UNTRUSTED,)
    assert seen.result.facts.tls is not None
    assert seen.result.facts.tls.not_after is not None


@on_every_loop
def test_a_certificate_of_64_kib(loop_factory: LoopFactory) -> None:
    huge = issue(NAME, *(f"{number:04}.{'x' * 50}.example" for number in range(1010)), by=MIDDLE)
    assert len(huge.chain[0]) > 65536
    seen = probe(loop_factory, secured(huge), REQUIRE)
    assert seen.outcome is None
    assert seen.result.facts.tls is not None
    assert len(seen.result.facts.tls.subject) < 1000


def test_a_long_chain() -> None:
    above = MIDDLE
    for number in range(5):
        above = issue(by=above, ca=True, subject=f"Lab Intermediate {number}", end=300 * DAY)
    seen = probe(asyncio.SelectorEventLoop, secured(issue(NAME, by=above)), REQUIRE)
    assert seen.outcome is None
    assert seen.record.tls is not None
    assert len(seen.record.tls.chain) == 7


# Handshakes that come to nothing


@on_every_loop
@pytest.mark.parametrize(
    "steps",
    [
        (GO_AHEAD, CLOSE),
        (GO_AHEAD, Wait(0.1), RESET),
        (GO_AHEAD, Wait(60)),
        (GO_AHEAD, Wait(0.1), b"\x15\x03\x01\x00\x02\x02\x28", Wait(5)),
        (GO_AHEAD, Wait(0.1), b"\x16\x03\x03\x40\x00" + b"\x02\xff" * 500, Wait(5)),
        (GO_AHEAD, Wait(0.1), b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76", CLOSE),
        (GO_AHEAD, Wait(0.1), b"500 5.5.1 what?\r\n", Wait(5)),
        (GO_AHEAD, Wait(0.1), bytes(range(256)) * 4, Wait(5)),
        (GO_AHEAD, Wait(0.1), b"garbage", CLOSE),
        (GO_AHEAD, Wait(0.1), Flood(b"\x14\x03\x03\x00\x01\x01" * 1000)),
    ],
    ids=lambda steps: repr(steps[1:])[:40],
)
def test_a_handshake_that_fails_is_the_failure_of_the_session(
    loop_factory: LoopFactory, steps: tuple[Step, ...]
) -> None:
    """What becomes of the host, where TLS is not required, a second session tells: see test_tls_fallback."""
    seen = probe(loop_factory, offering(*steps), seconds=0.8)
    assert seen.outcome == (Stage.TLS, C.TLS_HANDSHAKE)
    assert seen.result.outcome.warnings == ()
    assert seen.result.facts.tls is None
    # What refuses in place of a handshake is the last word on STARTTLS.
    last = 500 if any(isinstance(step, bytes) and step.startswith(b"500") for step in steps) else 220
    assert dict(seen.result.facts.reply_codes)[Stage.STARTTLS] == last


@on_every_loop
def test_an_outdated_version_is_negotiated_to_be_told(loop_factory: LoopFactory) -> None:
    seen = probe(loop_factory, secured(only_tls_1_0(GOOD.context())), REQUIRE)
    assert seen.outcome is None
    assert seen.result.outcome.warnings == (W.TLS_OUTDATED,)
    assert seen.result.facts.tls is not None
    assert (seen.result.facts.tls.version, seen.result.facts.tls.verified) == ("TLSv1", True)
    assert "TLS 1.0" in seen.result.outcome.remarks[0]


@on_every_loop
def test_a_demand_for_a_certificate_of_ours_in_tls_1_3_is_a_failed_handshake(loop_factory: LoopFactory) -> None:
    """RFC 8446 4.4.2.4: our end of the handshake is done when the server says so."""
    context = GOOD.context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    seen = probe(loop_factory, secured(context))
    assert seen.outcome == (Stage.TLS, C.TLS_HANDSHAKE)
    assert seen.result.failure is not None
    assert "wants a client certificate" in seen.result.failure.detail
    assert seen.result.facts.tls is None


@on_every_loop
@pytest.mark.parametrize(
    "steps",
    [
        (GO_AHEAD + reply(250, "injected"),),
        (GO_AHEAD + b"x", SwitchToTls(GOOD.context())),
        (GO_AHEAD, reply(250, "injected"), SwitchToTls(GOOD.context())),
        (GO_AHEAD, Wait(0.1), reply(250, NAME, "AUTH PLAIN"), Wait(5)),
    ],
)
def test_plaintext_in_place_of_a_handshake_is_an_injection(loop_factory: LoopFactory, steps: tuple[Step, ...]) -> None:
    seen = probe(loop_factory, offering(*steps))
    assert seen.outcome == (Stage.STARTTLS, C.TLS_INJECTION)
    assert seen.result.facts.tls is None
    assert b"EHLO" not in seen.host.verbs[2:]


@on_every_loop
@pytest.mark.parametrize(
    ("script", "tls", "outcome", "warnings"),
    [
        (ordinary(NAME), REPORT, None, (W.STARTTLS_NOT_OFFERED,)),
        (ordinary(NAME), REQUIRE, (Stage.STARTTLS, C.STARTTLS_NOT_OFFERED), ()),
        (offering(reply(454, "4.7.0 TLS not available")), REPORT, None, (W.STARTTLS_REJECTED,)),
        (offering(reply(454, "4.7.0 TLS not available")), REQUIRE, (Stage.STARTTLS, C.STARTTLS_REJECTED), ()),
        (ordinary(NAME, EHLO=reply(500, "what")), REPORT, None, (W.HELO_ONLY,)),
        (ordinary(NAME, EHLO=reply(500, "what")), REQUIRE, (Stage.STARTTLS, C.STARTTLS_NOT_OFFERED), ()),
        (secured(GOOD, EHLO=reply(502, "what")), REPORT, (Stage.EHLO_TLS, C.EHLO_REJECTED), ()),
        (secured(GOOD, EHLO=CLOSE), REPORT, (Stage.EHLO_TLS, C.CLOSED), ()),
        (secured(GOOD, EHLO=b"nonsense\r\n"), REPORT, (Stage.EHLO_TLS, C.PROTOCOL_ERROR), ()),
        (secured(GOOD, QUIT=CLOSE), REPORT, None, (W.QUIT_UNCLEAN,)),
    ],
)
def test_what_else_can_come_of_starttls(
    loop_factory: LoopFactory,
    script: SmtpScript,
    tls: TlsPlan,
    outcome: tuple[Stage, FailureClass] | None,
    warnings: tuple[HostWarning, ...],
) -> None:
    seen = probe(loop_factory, script, tls)
    assert seen.outcome == outcome
    assert seen.result.outcome.warnings == warnings


@on_every_loop
def test_implicit_tls_on_a_plain_port_is_a_failed_handshake(loop_factory: LoopFactory) -> None:
    plan = Plan(b"me.example", tls=replace(REQUIRE, implicit=True))
    seen = run_on(loop_factory, talk(ordinary(NAME), plan, 2.0))
    assert seen.outcome == (Stage.TLS, C.TLS_HANDSHAKE)


@on_every_loop
def test_giving_up_under_tls_says_quit_there(loop_factory: LoopFactory) -> None:
    async def main() -> ServerSession:
        host = SmtpHost(secured(GOOD, EHLO=None))
        port = await host.start()
        try:
            plan = Plan(b"me.example", (S.EHLO, S.STARTTLS), tls=REPORT)
            record = asyncio.ensure_future(Session(plan, Endpoint("127.0.0.1", port), 30.0).run())
            await until(lambda: host.sessions and len(host.sessions[0].commands) == 3)
            record.cancel()
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return host.sessions[0]

    assert run_on(loop_factory, main()).verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"QUIT"]


# AUTH

CREDENTIALS = Credentials("me@mx.example", "s3cr3t-wörd")


def _auth(loop_factory: LoopFactory, script: SmtpScript, tls: TlsPlan = REQUIRE) -> Seen:
    plan = Plan(b"me.example", (S.EHLO, S.STARTTLS, S.AUTH), tls=tls, credentials=CREDENTIALS)
    return run_on(loop_factory, talk(script, plan))


OFFERING_AUTH = reply(250, NAME, "AUTH PLAIN LOGIN")


@on_every_loop
def test_credentials_that_are_accepted(loop_factory: LoopFactory) -> None:
    seen = _auth(loop_factory, secured(GOOD, EHLO=OFFERING_AUTH, AUTH=reply(235, "2.7.0 ok")))
    assert seen.outcome is None
    assert dict(seen.result.facts.reply_codes)[Stage.AUTH] == 235
    assert seen.host.verbs == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH", b"QUIT"]


@on_every_loop
def test_a_password_is_shown_nowhere_even_if_the_server_repeats_it(loop_factory: LoopFactory) -> None:
    told = b"535-5.7.8 s3cr3t-w\xc3\xb6rd\r\n535 5.7.8 is wrong\r\n"
    seen = _auth(loop_factory, secured(GOOD, EHLO=OFFERING_AUTH, AUTH=Drip(told)))
    assert seen.outcome == (Stage.AUTH, C.AUTH_FAILED)
    assert seen.result.failure is not None
    assert seen.result.failure.verdict is Verdict.LOCAL
    shown = b"\n".join(line.data for line in seen.result.transcript)
    sent = seen.host.commands[3].removeprefix(b"AUTH PLAIN ")
    assert b"AUTH PLAIN ****" in shown
    for secret in (b"s3cr3t", sent):
        assert secret not in shown
        assert secret.decode() not in repr(seen.record)
    assert "s3cr3t" not in seen.result.failure.detail


@on_every_loop
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (secured(issue(NAME), EHLO=OFFERING_AUTH), (Stage.TLS, C.TLS_UNTRUSTED)),
        (ordinary(NAME, EHLO=OFFERING_AUTH), (Stage.STARTTLS, C.STARTTLS_NOT_OFFERED)),
        (secured(GOOD), (Stage.AUTH, C.AUTH_NOT_OFFERED)),
    ],
)
def test_a_password_goes_to_a_verified_server_that_asks_for_it_and_nobody_else(
    loop_factory: LoopFactory, script: SmtpScript, outcome: tuple[Stage, FailureClass]
) -> None:
    seen = _auth(loop_factory, script)
    assert seen.outcome == outcome
    assert b"AUTH" not in seen.host.verbs


# What it costs


@on_every_loop
@pytest.mark.parametrize(("limit", "outcome"), [(0.0, (Stage.EHLO_TLS, C.PROTOCOL_ERROR)), (1e9, None)])
def test_a_session_that_costs_more_than_it_may_is_ended(
    loop_factory: LoopFactory, limit: float, outcome: tuple[Stage, FailureClass] | None
) -> None:
    async def converse() -> SessionRecord:
        host = SmtpHost(secured(GOOD))
        port = await host.start()
        try:
            plan = Plan(b"me.example", (S.EHLO, S.STARTTLS), tls=REPORT)
            options = SessionOptions(cpu_limit=limit)
            record = await Session(plan, Endpoint("127.0.0.1", port), 10.0, options).run()
            await host.sessions_ended(1)
        finally:
            await host.stop()
        return record

    record = run_on(loop_factory, converse())
    failure = host_result(HostIdentity(NAME, "127.0.0.1", 25, "default"), record).failure
    assert (None if failure is None else (failure.stage, failure.failure_class)) == outcome
    assert failure is None or "of CPU in one session" in failure.detail
    assert 0 < record.cost < 1


def test_what_is_said_in_the_clear_in_few_pieces_is_not_measured() -> None:
    """To measure it would cost more than it does."""
    seen = run_on(asyncio.SelectorEventLoop, talk(ordinary(NAME), Plan(b"me.example")))
    assert seen.record.cost == 0.0


def test_a_host_that_has_cost_much_is_told_so_whether_it_works_or_not() -> None:
    seen = run_on(asyncio.SelectorEventLoop, talk(ordinary(NAME), Plan(b"me.example")))
    dear = replace(seen.record, cost=0.31)
    result = host_result(HostIdentity(NAME, "127.0.0.1", 25, "default"), dear)
    assert result.outcome.reported_warnings == (W.STARTTLS_NOT_OFFERED, W.COSTLY)
    assert any("took 0.31 s of this exporter's CPU" in remark for remark in result.outcome.remarks)
    broken = replace(dear, problem=Problem(Stage.QUIT, None, ProblemKind.TIMEOUT, "did not answer in time"))
    failing = host_result(HostIdentity(NAME, "127.0.0.1", 25, "default"), broken)
    assert failing.outcome.reported_warnings == (W.COSTLY,)
    assert failing.failure is not None
    assert any("took 0.31 s of this exporter's CPU" in sentence for sentence in failing.failure.evidence)
