"""Odd and hostile servers, each with the class and the warnings that its session shows."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from exporter.lab.smtp_script import CLOSE, Answer, ordinary, reply
from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostResult
from exporter.model.target import Module
from tests.probe.hosting import HostWorld, probe
from tests.probe.probing import domain_of, settings_of, smtp_hosts
from tests.support.hostile_hosts import HOSTILE, HostileHost
from tests.support.loops import LoopFactory, on_every_loop, run_on

pytestmark = pytest.mark.long

C = FailureClass
GREETED = "mx.hostile.example"


@on_every_loop
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name.replace(" ", "-"))
def test_odd_and_hostile_servers_get_their_class(hostile: HostileHost, loop_factory: LoopFactory) -> None:
    async def probed() -> HostResult:
        async with smtp_hosts(("127.0.0.1", hostile.script)) as (port, _):
            return await probe(port, seconds=hostile.timeout, mx=GREETED, address="127.0.0.1")

    host = run_on(loop_factory, probed(), timeout=hostile.timeout + 15.0)
    if hostile.expected is None:
        assert host.failure is None
    else:
        assert host.failure is not None
        assert (host.failure.failure_class, host.failure.stage) == (hostile.expected, hostile.stage), host.failure
        assert host.failure.detail.isprintable()
        assert hostile.says in host.failure.detail
        assert hostile.code in (None, dict(host.facts.reply_codes).get(host.failure.stage))
    assert set(host.outcome.reported_warnings) == set(hostile.warnings)


async def test_every_address_of_every_host_has_its_own_result() -> None:
    refusing = ordinary("b.example", greeting=reply(554, "No SMTP service here"))
    async with smtp_hosts(("127.0.0.2", ordinary("b.example")), ("127.0.0.3", refusing)) as (port, _):
        addresses = (("b.example", "127.0.0.2"), ("b.example", "127.0.0.3"), ("c.example", "127.0.0.4"))
        async with HostWorld() as world:
            results = await world.probe(domain_of("a.example", settings_of(port)), *addresses)
    assert [(host.mx, host.address) for host in results] == [*addresses]
    assert {host.identity.port for host in results} == {port}
    classes = [host.failure.failure_class if host.failure else None for host in results]
    assert classes == [None, C.BANNER_REJECTED, C.CONNECT_REFUSED]


async def test_ipv6_is_probed_like_ipv4() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback: {error}")
    async with smtp_hosts(("::1", ordinary("b.example"))) as (port, _):
        host = await probe(port, mx="b.example", address="::1")
    assert host.up
    assert host.timings.tcp_rtt is not None


async def test_a_module_may_force_helo() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        settings = replace(settings_of(port, module=Module(force_helo=True)), helo="me.example")
        async with HostWorld() as world:
            (result,) = await world.probe(domain_of("a.example", settings), ("b.example", "127.0.0.2"))
        await host.sessions_ended(1)
        assert host.sessions[0].commands == [b"HELO me.example", b"QUIT"]
    assert result.up
    assert result.outcome.warnings == ()
    assert result.facts.esmtp is None


_LISTED = "5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"


_MAIL = Module(stages=(Stage.EHLO, Stage.STARTTLS, Stage.MAIL, Stage.RCPT), rcpt_to=("a@b.example", "c@b.example"))


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        # What follows from a refusal is vaguer than it.
        ({"EHLO": reply(554, _LISTED), "MAIL": reply(503, "5.5.1 bad sequence")}, (Stage.EHLO, C.REPUTATION_BLOCKED)),
        ({"EHLO": reply(554, _LISTED), "MAIL": (reply(421, "bye"), CLOSE)}, (Stage.EHLO, C.REPUTATION_BLOCKED)),
        ({"EHLO": reply(554, _LISTED), "MAIL": CLOSE}, (Stage.EHLO, C.REPUTATION_BLOCKED)),
        (
            {"STARTTLS": reply(454, _LISTED.replace("5.7.1", "4.7.1")), "MAIL": CLOSE},
            (Stage.STARTTLS, C.REPUTATION_BLOCKED),
        ),
        (
            {"STARTTLS": reply(454, "TLS not available"), "MAIL": reply(503, "no")},
            (Stage.STARTTLS, C.STARTTLS_REJECTED),
        ),
        ({"RCPT": (reply(450, "4.7.1 Greylisted"), CLOSE)}, (Stage.RCPT, C.GREYLISTED)),
        ({"MAIL": reply(554, _LISTED), "RCPT": reply(503, "no")}, (Stage.MAIL, C.REPUTATION_BLOCKED)),
        # And what is finer than an earlier one counts.
        ({"EHLO": reply(500, "what"), "MAIL": reply(550, _LISTED)}, (Stage.MAIL, C.REPUTATION_BLOCKED)),
        (
            {"STARTTLS": reply(454, "TLS not available"), "RCPT": reply(550, "5.1.1 unknown")},
            (Stage.RCPT, C.MAILBOX_UNKNOWN),
        ),
        ({"STARTTLS": reply(502, "what"), "MAIL": CLOSE}, (Stage.MAIL, C.CLOSED)),
        # In place of the handshake.
        ({"STARTTLS": reply(220, "go") + reply(554, _LISTED)}, (Stage.STARTTLS, C.REPUTATION_BLOCKED)),
        # Cut off.
        ({"MAIL": (f"554-{_LISTED}\r\n".encode(), CLOSE)}, (Stage.MAIL, C.REPUTATION_BLOCKED)),
        ({"RCPT": (b"250-hm\r\n550 5.1.1 unk", CLOSE)}, (Stage.RCPT, C.MAILBOX_UNKNOWN)),
        # Unasked.
        ({"MAIL": reply(250, "ok") + reply(554, _LISTED)}, (Stage.MAIL, C.REPUTATION_BLOCKED)),
        ({"MAIL": reply(250, "ok") + reply(250, "and again")}, (Stage.MAIL, C.PROTOCOL_ERROR)),
    ],
)
async def test_the_first_refusal_with_a_reason_is_the_reason(
    answers: dict[str, Answer], expected: tuple[Stage, FailureClass]
) -> None:
    script = ordinary("b.example", ("STARTTLS",), **{"STARTTLS": reply(454, "no TLS"), **answers})
    async with smtp_hosts(("127.0.0.2", script)) as (port, _):
        failure = (await probe(port, _MAIL)).failure
    assert failure is not None
    assert (failure.stage, failure.failure_class) == expected, failure


async def test_what_ended_it_stands_beside_the_reason() -> None:
    script = ordinary("b.example", EHLO=reply(554, _LISTED), HELO=CLOSE)
    async with smtp_hosts(("127.0.0.1", script)) as (port, _):
        failure = (await probe(port, address="127.0.0.1")).failure
    assert failure is not None
    assert failure.detail == f"the server said: 554 {_LISTED}"
    assert failure.evidence == ("then the server closed the connection",)


async def test_helo_after_a_refused_ehlo_is_one_phase_and_the_last_code() -> None:
    old = ordinary("b.example", EHLO=reply(502, "unknown"))
    async with smtp_hosts(("127.0.0.2", old)) as (port, _):
        host = await probe(port)
    assert [stage for stage, _ in host.timings.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert dict(host.facts.reply_codes)[Stage.EHLO] == 250
    assert host.facts.esmtp is False
