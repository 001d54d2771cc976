"""A whole probe of a target: lookup, addresses, sessions, judgement."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from exporter.lab.smtp_script import CLOSE, Answer, Wait, ordinary, reply
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxHost, ProbeResult
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.probe.probe_options import ProbeOptions
from tests.probe.probing import (
    Names,
    domain_of,
    mx_lookup,
    new_prober,
    only_host,
    settings_of,
    smtp_hosts,
)
from tests.support.hostile_hosts import HOSTILE, HostileHost
from tests.support.loops import LoopFactory, on_every_loop, run_on

C, W = FailureClass, HostWarning
GREETED = "mx.hostile.example"


@on_every_loop
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name.replace(" ", "-"))
def test_odd_and_hostile_servers_get_their_class(hostile: HostileHost, loop_factory: LoopFactory) -> None:
    async def probe() -> ProbeResult:
        async with smtp_hosts(("127.0.0.1", hostile.script)) as (port, _):
            target = Target(TargetKind.HOST, "mx", GREETED, settings_of(port, hostile.timeout))
            prober = new_prober(Names(failures={}))
            return await prober.probe(target)

    host = only_host(run_on(loop_factory, probe(), timeout=hostile.timeout + 15.0))
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
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2", "127.0.0.3")), MxHost("c.example", 20, ("127.0.0.4",)))
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings_of(port)))
    assert [(host.mx, host.address, host.identity.preference) for host in result.hosts] == [
        ("b.example", "127.0.0.2", 10),
        ("b.example", "127.0.0.3", 10),
        ("c.example", "127.0.0.4", 20),
    ]
    classes = [host.failure.failure_class if host.failure else None for host in result.hosts]
    assert classes == [None, C.BANNER_REJECTED, C.CONNECT_REFUSED]
    assert (result.up, result.addresses, result.addresses_up) == (True, 3, 1)


async def test_the_host_that_says_most_speaks_for_a_domain_that_is_down() -> None:
    refusing = ordinary("c.example", greeting=reply(421, "too busy"))
    async with smtp_hosts(("127.0.0.3", refusing)) as (port, _):
        lookup = mx_lookup(
            MxHost("b.example", 5, failure=Failure(Stage.DNS, C.MX_UNRESOLVABLE)),
            MxHost("c.example", 10, ("127.0.0.3",)),
            MxHost("d.example", 20, ("127.0.0.4",)),
        )
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings_of(port)))
    assert result.failure is not None
    assert (result.failure.stage, result.failure.failure_class) == (Stage.BANNER, C.BANNER_TEMPFAIL)
    assert result.failure.evidence == ("the 2 other addresses: 1 mx_unresolvable, 1 connect_refused",)


async def test_what_the_lookup_failed_with_is_the_failure() -> None:
    failure = Failure(Stage.DNS, C.DNS_NXDOMAIN, "no such name")
    result = await new_prober(Names({"a.example": mx_lookup(failure=failure)})).probe(
        domain_of("a.example", Settings())
    )
    assert (result.failure, result.hosts, result.addresses) == (failure, (), 0)


async def test_a_null_mx_among_others_is_a_warning_of_the_hosts_that_are_up() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, _):
        lookup = replace(mx_lookup(MxHost("b.example", 10, ("127.0.0.2",))), null_mx_among_others=True)
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings_of(port)))
    assert W.NULL_MX_AMONG_OTHERS in only_host(result).outcome.warnings


async def test_ipv6_is_probed_like_ipv4() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback: {error}")
    async with smtp_hosts(("::1", ordinary("b.example"))) as (port, _):
        lookup = mx_lookup(MxHost("b.example", 10, ("::1",)))
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings_of(port)))
    assert only_host(result).up
    assert only_host(result).timings.tcp_rtt is not None


async def test_a_module_may_force_helo() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        settings = replace(settings_of(port), module=Module(force_helo=True), helo="me.example")
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings))
        await host.sessions_ended(1)
        assert host.sessions[0].commands == [b"HELO me.example", b"QUIT"]
    assert only_host(result).up
    assert only_host(result).outcome.warnings == ()
    assert only_host(result).facts.esmtp is None


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
        settings = replace(settings_of(port), module=_MAIL)
        result = await new_prober(Names({"a.example": mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))})).probe(
            domain_of("a.example", settings)
        )
    failure = only_host(result).failure
    assert failure is not None
    assert (failure.stage, failure.failure_class) == expected, failure


async def test_what_ended_it_stands_beside_the_reason() -> None:
    script = ordinary("b.example", EHLO=reply(554, _LISTED), HELO=CLOSE)
    async with smtp_hosts(("127.0.0.1", script)) as (port, _):
        target = Target(TargetKind.HOST, "mx", "b.example", settings_of(port))
        failure = only_host(await new_prober().probe(target)).failure
    assert failure is not None
    assert failure.detail == f"the server said: 554 {_LISTED}"
    assert failure.evidence == ("then the server closed the connection",)


async def test_helo_after_a_refused_ehlo_is_one_phase_and_the_last_code() -> None:
    old = ordinary("b.example", EHLO=reply(502, "unknown"))
    async with smtp_hosts(("127.0.0.2", old)) as (port, _):
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings_of(port)))
    host = only_host(result)
    assert [stage for stage, _ in host.timings.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert dict(host.facts.reply_codes)[Stage.EHLO] == 250
    assert host.facts.esmtp is False


async def test_everything_together_keeps_within_the_time_given() -> None:
    never = ordinary("b.example", greeting=(Wait(60), reply(220, "b.example"), CLOSE))
    async with smtp_hosts(("127.0.0.2", never)) as (port, _):
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await new_prober(Names({"a.example": lookup})).probe(
            domain_of("a.example", settings_of(port, 60.0)), ProbeOptions(within=0.6)
        )
    assert result.failure is not None
    assert result.failure.failure_class is C.BANNER_TIMEOUT
    assert result.duration < 5.0


@pytest.mark.parametrize("kind", TargetKind)
async def test_a_lookup_that_takes_longer_than_the_time_given_is_the_resolvers_failure(kind: TargetKind) -> None:
    names = Names(never=frozenset({"slow.example"}))
    target = Target(kind, "slow.example", "slow.example", settings_of(25, 60.0))
    result = await new_prober(names).probe(target, ProbeOptions(within=0.2))
    assert result.failure is not None
    assert (result.failure.stage, result.failure.failure_class) == (Stage.DNS, C.DNS_TIMEOUT)
    assert result.duration < 5.0


async def test_a_host_has_no_preference_whatever_becomes_of_it() -> None:
    names = Names(hosts={"private.example": ("10.0.0.1",)}, failures={"lost.example": C.DNS_TIMEOUT})
    for name in ("private.example", "lost.example"):
        result = await new_prober(names).probe(Target(TargetKind.HOST, name, name, settings_of(25)))
        assert [(host.up, host.identity.preference) for host in result.hosts] == [(False, None)]
