"""Hosts that offer STARTTLS and come to no TLS: a sender goes on in the clear, and so does a probe, to see it work."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from exporter.diagnosis.advice import next_step
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, RESET, Answer, SmtpScript, Step, SwitchToTls, Wait, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from exporter.model.result import HostResult
from exporter.model.target import Module, PolicyKind, Starttls
from exporter.model.warning import HostWarning
from tests.probe.hosting import NAME, Holder, HostWorld
from tests.probe.probing import domain_of, running, settings_of
from tests.support.certificates import authority, issue
from tests.support.waiting import until

C, W = FailureClass, HostWarning


ROOT = authority()


GOOD = issue(NAME, by=ROOT)


OFFERING = reply(250, NAME, "STARTTLS")


GO_AHEAD = reply(220, "2.0.0 Ready")


STAGES = (Stage.EHLO, Stage.STARTTLS, Stage.MAIL)
SECURED = Module(stages=STAGES)


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the root of the lab, and no other."""
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


def offering(*steps: Step, **answers: Answer) -> SmtpScript:
    return ordinary(NAME, EHLO=OFFERING, STARTTLS=steps, **answers)


async def probe_it(
    host: SmtpHost, module: Module = SECURED, seconds: float = 5.0, limits: Limits | None = None
) -> HostResult:
    async with running(("127.0.0.2", host)) as (port, _), HostWorld(limits=limits) as world:
        (found,) = await world.probe(domain_of("a.example", settings_of(port, seconds, module)), (NAME, "127.0.0.2"))
        await host.sessions_ended(host.connections)
    return found


async def probe(script: SmtpScript, module: Module = SECURED, seconds: float = 5.0) -> tuple[HostResult, SmtpHost]:
    host = SmtpHost(script)
    return await probe_it(host, module, seconds), host


def demanding(version: ssl.TLSVersion) -> ssl.SSLContext:
    context = GOOD.context()
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    return context


BROKEN: dict[str, tuple[Step, ...]] = {
    "closed the connection in the handshake": (GO_AHEAD, CLOSE),
    "closed the connection": (GO_AHEAD, Wait(0.05), RESET),
    "did not answer the handshake within": (GO_AHEAD, Wait(60)),
    "no cipher in common": (GO_AHEAD, Wait(0.05), b"\x15\x03\x01\x00\x02\x02\x28", Wait(5)),
    "closed the connection in the": (GO_AHEAD, Wait(0.05), b"\x15\x03\x03\x00\x02\x01\x00", Wait(5)),  # close_notify
    "without a reason that OpenSSL knows": (GO_AHEAD, Wait(0.05), b"\x15\x03\x03\x00\x02\x02\xc8", Wait(5)),
    "sent warnings without end": (GO_AHEAD, Wait(0.05), b"\x15\x03\x03\x00\x02\x01\x5a" * 99, Wait(5)),
    "something else than TLS": (GO_AHEAD, Wait(0.05), b"500 5.5.1 what?\r\n", Wait(5)),
    "wants a client certificate": (GO_AHEAD, SwitchToTls(demanding(ssl.TLSVersion.TLSv1_3))),
    "wants a client certificate, and": (GO_AHEAD, SwitchToTls(demanding(ssl.TLSVersion.TLSv1_2))),
}


@pytest.mark.parametrize("cause", BROKEN)
async def test_a_host_that_works_without_is_up_with_a_warning_that_says_why(cause: str) -> None:
    found, host = await probe(offering(*BROKEN[cause]), seconds=2.0)
    assert found.failure is None, found.failure
    assert found.outcome.warnings == (W.TLS_HANDSHAKE,)
    assert cause in found.outcome.remarks[0]
    assert host.sessions[1].verbs == [b"EHLO", b"MAIL", b"RSET", b"QUIT"]
    assert host.concurrent_max == 1, "one after the other"


@pytest.mark.parametrize("cause", BROKEN)
async def test_where_tls_is_required_it_is_the_failure(cause: str) -> None:
    module = Module(stages=STAGES, starttls=Starttls(required=True))
    found, host = await probe(offering(*BROKEN[cause]), module, seconds=1.0)
    assert found.failure is not None
    assert (found.failure.stage, found.failure.failure_class) == (Stage.TLS, C.TLS_HANDSHAKE)
    assert found.failure.verdict is Verdict.MISCONFIGURED
    assert cause in found.failure.detail
    assert host.concurrent_max == 1


async def test_the_facts_are_those_of_both_sessions() -> None:
    found, _ = await probe(offering(GO_AHEAD, CLOSE))
    assert [stage for stage, _ in found.timings.phases] == [
        Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.STARTTLS, Stage.MAIL, Stage.QUIT,
    ]  # fmt: skip
    assert dict(found.facts.reply_codes)[Stage.STARTTLS] == 220
    assert found.facts.tls is None
    assert "STARTTLS" in found.facts.extensions
    said = [line.data for line in found.transcript if line.sent]
    assert [data.split()[0] for data in said] == [b"EHLO", b"STARTTLS", b"EHLO", b"MAIL", b"RSET", b"QUIT"]
    times = [line.at for line in found.transcript]
    assert times == sorted(times)


class Changing(SmtpHost):
    """The first session has one script, all others another."""

    def __init__(self, first: SmtpScript, second: SmtpScript) -> None:
        super().__init__(first)
        self.second = second

    def __getattribute__(self, name: str) -> object:
        if name == "script" and super().__getattribute__("connections") > 1:
            return self.second
        return super().__getattribute__(name)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (ordinary(NAME, greeting=reply(421, "4.7.0 Too many connections from you")), (Stage.BANNER, C.RATE_LIMITED)),
        (ordinary(NAME, MAIL=reply(530, "5.7.0 Must issue a STARTTLS command first")), (Stage.MAIL, C.TLS_REQUIRED)),
        (ordinary(NAME, EHLO=CLOSE), (Stage.EHLO, C.CLOSED)),
    ],
)
async def test_where_the_second_session_fails_its_failure_counts(
    second: SmtpScript, expected: tuple[Stage, FailureClass]
) -> None:
    host = Changing(offering(GO_AHEAD, CLOSE), second)
    found = await probe_it(host)
    assert found.failure is not None
    assert (found.failure.stage, found.failure.failure_class) == expected
    assert any("closed the connection in the handshake" in said for said in found.failure.evidence)
    assert not any("tls: implicit" in said for said in found.failure.evidence)
    assert found.outcome.warnings == ()


async def test_who_demands_the_tls_that_comes_to_nothing_is_not_to_be_met_with_starttls_in_the_module() -> None:
    demanding_it = offering(GO_AHEAD, CLOSE, MAIL=reply(530, "5.7.0 Must issue a STARTTLS command first"))
    found, _ = await probe(demanding_it)
    assert found.failure is not None
    assert (found.failure.failure_class, found.failure.confidence) == (C.TLS_REQUIRED, Confidence.LIKELY)
    assert "openssl s_client" in next_step(found.failure)


async def test_a_second_session_that_draws_no_word_is_no_sign_of_a_port_that_speaks_tls_first() -> None:
    host = Changing(offering(GO_AHEAD, CLOSE), ordinary(NAME, greeting=CLOSE))
    found = await probe_it(host)
    assert found.failure is not None
    assert found.failure.failure_class is C.BANNER_CLOSED
    assert not any("tls: implicit" in said for said in found.failure.evidence)


async def test_without_time_for_a_second_session_that_is_said() -> None:
    """The greeting came so late that of the timeout nothing is left after the handshake."""
    slow = offering(GO_AHEAD, Wait(60), greeting=(Wait(0.85), reply(220, NAME)))
    found, host = await probe(slow, seconds=1.0)
    assert host.connections == 1
    assert found.failure is not None
    assert found.failure.failure_class is C.TLS_HANDSHAKE
    assert any("left no time" in said for said in found.failure.evidence)


async def test_a_second_session_keeps_the_distance_of_the_first() -> None:
    host = SmtpHost(offering(GO_AHEAD, CLOSE))
    found = await probe_it(host, limits=Limits(per_address_interval=0.4))
    assert found.up
    first, second = host.sessions
    assert second.opened - first.opened >= 0.35


async def test_where_the_address_has_become_too_costly_meanwhile_there_is_no_second() -> None:
    host = SmtpHost(offering(GO_AHEAD, CLOSE))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        held = world.hold(Holder(domain_of("a.example", settings_of(port, module=SECURED))), NAME, "127.0.0.2").host
        await until(lambda: host.connections == 1)
        world.costs.settle("127.0.0.2", 1.0)  # by a session of another module
        (found,) = await world.first_results(held)
        assert host.connections == 1
    assert found.failure is not None
    assert found.failure.failure_class is C.TLS_HANDSHAKE
    assert any("no such session was begun" in said for said in found.failure.evidence)


async def test_a_shared_session_is_shared_with_its_second() -> None:
    host = SmtpHost(offering(GO_AHEAD, CLOSE))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        holders = [Holder(domain_of(f"{name}.example", settings_of(port, module=SECURED))) for name in "abc"]
        results = await world.first_results(*[world.hold(each, NAME, "127.0.0.2").host for each in holders])
        await host.sessions_ended(2)
    assert host.connections == 2
    assert all(result.outcome.warnings == (W.TLS_HANDSHAKE,) for result in results)


async def test_who_verifies_but_does_not_require_goes_on_in_the_clear_too() -> None:
    module = Module(stages=STAGES, starttls=Starttls(verify="require"))
    found, _ = await probe(offering(GO_AHEAD, CLOSE), module)
    assert found.failure is None


async def test_what_an_offer_was_refused_for_is_asked_once_a_day() -> None:
    host = SmtpHost(offering(*BROKEN["no cipher in common"]))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        held = world.hold(Holder(domain_of("a.example", settings_of(port, module=SECURED))), NAME, "127.0.0.2").host
        results = [*await world.first_results(held), await world.again(held), await world.again(held)]
        await host.sessions_ended(7)
    assert all(result.outcome.warnings == (W.TLS_HANDSHAKE,) for result in results)
    mailed = [b"MAIL" in session.verbs for session in host.sessions]
    assert mailed == [False, True, False, False, True, False, True]


async def test_dane_sees_that_there_is_no_tls() -> None:
    """The plan is that of the first session, which asked for it."""
    found, _ = await probe(offering(GO_AHEAD, CLOSE), Module(stages=STAGES, policies=(PolicyKind.DANE,)))
    assert found.outcome.warnings == (W.TLS_HANDSHAKE,)
