"""A whole probe of a target: addresses, sessions, judgement. The DNS is a fake that is only data."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Any, cast

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, Answer, SmtpScript, Wait, ordinary, reply
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostResult, MxHost, MxLookup, ProbeResult
from exporter.model.target import Module, Settings, Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.probe import prober as prober_module
from exporter.probe.module_plan import plan_of
from exporter.probe.prober import Prober
from exporter.smtp.plan import Plan
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.smtp_hosts import HOSTILE, HostileHost
from tests.support.waiting import until

C, W = FailureClass, HostWarning
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
GREETED = "mx.hostile.example"


@dataclass
class Names:
    """A DNS of maps: domains to lookups, host names to addresses."""

    domains: dict[str, MxLookup] = field(default_factory=dict)
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: dict[str, FailureClass] = field(default_factory=dict)
    never: frozenset[str] = frozenset()  # names about which nobody answers

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        if domain in self.never:
            await asyncio.Event().wait()
        return self.domains[domain]

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        if name in self.never:
            await asyncio.Event().wait()
        if name in self.failures:
            return MxHost(name, 0, failure=Failure(Stage.DNS, self.failures[name]))
        return MxHost(name, 0, self.hosts.get(name, ("127.0.0.1",)))


def _prober(names: Names | None = None, limits: Limits | None = None, slots: ProbeSlots | None = None) -> Prober:
    return Prober(names or Names(), limits or Limits(), "probe.example", slots or ProbeSlots(100))


async def _in_its_slot(slots: ProbeSlots, prober: Prober, target: Target) -> ProbeResult:
    await slots.take()
    try:
        return await prober.probe(target)
    finally:
        slots.free()


@asynccontextmanager
async def _hosts(*scripts: tuple[str, SmtpScript]) -> AsyncIterator[tuple[int, Sequence[SmtpHost]]]:
    """Hosts on one port of several loopback addresses."""
    running: list[SmtpHost] = []
    port = 0
    try:
        for address, script in scripts:
            host = SmtpHost(script)
            port = await host.start(address, port)
            running.append(host)
        yield port, running
    finally:
        for host in running:
            await host.stop()


def _settings(port: int, timeout: float = 5.0) -> Settings:
    return Settings(port=port, timeout=timeout, allow_addresses=LOOPBACK)


def _domain(name: str, settings: Settings) -> Target:
    return Target(TargetKind.DOMAIN, name, name, settings)


def _lookup(*hosts: MxHost, failure: Failure | None = None) -> MxLookup:
    return MxLookup("a.example", hosts, failure, mx_records=len(hosts), duration=0.001)


def _only(result: ProbeResult) -> HostResult:
    (host,) = result.hosts
    return host


@on_every_loop
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name.replace(" ", "-"))
def test_odd_and_hostile_servers_get_their_class(hostile: HostileHost, loop_factory: LoopFactory) -> None:
    async def probe() -> ProbeResult:
        async with _hosts(("127.0.0.1", hostile.script)) as (port, _):
            target = Target(TargetKind.HOST, "mx", GREETED, _settings(port, hostile.timeout))
            prober = _prober(Names(failures={}))
            return await prober.probe(target)

    host = _only(run_on(loop_factory, probe(), timeout=hostile.timeout + 15.0))
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
    async with _hosts(("127.0.0.2", ordinary("b.example")), ("127.0.0.3", refusing)) as (port, _):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2", "127.0.0.3")), MxHost("c.example", 20, ("127.0.0.4",)))
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", _settings(port)))
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
    async with _hosts(("127.0.0.3", refusing)) as (port, _):
        lookup = _lookup(
            MxHost("b.example", 5, failure=Failure(Stage.DNS, C.MX_UNRESOLVABLE)),
            MxHost("c.example", 10, ("127.0.0.3",)),
            MxHost("d.example", 20, ("127.0.0.4",)),
        )
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", _settings(port)))
    assert result.failure is not None
    assert (result.failure.stage, result.failure.failure_class) == (Stage.BANNER, C.BANNER_TEMPFAIL)
    assert result.failure.evidence == ("the 2 other addresses: 1 mx_unresolvable, 1 connect_refused",)


async def test_what_the_lookup_failed_with_is_the_failure() -> None:
    failure = Failure(Stage.DNS, C.DNS_NXDOMAIN, "no such name")
    result = await _prober(Names({"a.example": _lookup(failure=failure)})).probe(_domain("a.example", Settings()))
    assert (result.failure, result.hosts, result.addresses) == (failure, (), 0)


async def test_a_forbidden_address_is_counted_and_never_connected_to() -> None:
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        settings = replace(_settings(port), allow_addresses=())
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", settings))
        assert host.connections == 0
    assert result.failure is not None
    assert result.failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert "loopback" in result.failure.detail
    assert result.addresses == 1


async def test_more_addresses_than_allowed_are_counted_and_not_probed() -> None:
    addresses = tuple(f"127.0.0.{number}" for number in range(2, 8))
    async with _hosts(*((address, ordinary("b.example")) for address in addresses)) as (port, hosts):
        lookup = _lookup(MxHost("b.example", 10, addresses))
        settings = replace(_settings(port), max_addresses=2)
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", settings))
        assert [host.connections for host in hosts] == [1, 1, 0, 0, 0, 0]
    assert (len(result.hosts), result.addresses) == (2, 6)


async def test_addresses_that_are_never_connected_to_are_as_few_and_all_are_counted() -> None:
    private = tuple(f"10.0.{number // 256}.{number % 256}" for number in range(500))
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, hosts):
        lookup = _lookup(MxHost("a.example", 5, private, more=1000), MxHost("b.example", 10, ("127.0.0.2", *private)))
        settings = replace(_settings(port), max_addresses=3)
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", settings))
        assert hosts[0].connections == 1
    assert [host.failure and host.failure.failure_class for host in result.hosts] == [
        *[C.MX_ADDRESS_FORBIDDEN] * 3,
        None,
    ]
    assert result.addresses == 2001
    assert result.up


async def test_mx_hosts_without_an_address_are_as_few() -> None:
    failure = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no such host")
    hosts = [MxHost(f"mx{number:02}.example", number, failure=failure) for number in range(64)]
    lookup = replace(_lookup(*hosts), failure=failure)
    settings = replace(_settings(1), max_addresses=4)
    result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", settings))
    assert [host.mx for host in result.hosts] == [f"mx{number:02}.example" for number in range(4)]
    assert result.failure == failure


async def test_who_gives_each_probe_a_time_of_its_own_makes_no_plan_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[object] = []

    def plan(*arguments: Any, **named: Any) -> Plan:
        made.append(plan_of(*arguments, **named))
        return cast(Plan, made[-1])

    monkeypatch.setattr(prober_module, "plan_of", plan)
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, _):
        prober = _prober(Names({"a.example": _lookup(MxHost("b.example", 10, ("127.0.0.2",)))}))
        for number in range(5):
            assert (await prober.probe(_domain("a.example", _settings(port)), fresh=True, within=5.0 + number)).up
    assert len(made) == 1


async def test_domains_with_the_same_address_share_a_session() -> None:
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        prober = _prober(Names({"a.example": lookup, "z.example": lookup}))
        results = [await prober.probe(_domain(name, _settings(port))) for name in ("a.example", "z.example")]
        assert host.connections == 1
        await prober.probe(_domain("a.example", _settings(port)), fresh=True)
        assert host.connections == 2
    assert all(result.up for result in results)


async def test_a_session_is_not_shared_with_who_waits_longer() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.5), reply(220, "b.example")))
    async with _hosts(("127.0.0.2", slow)) as (port, _):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        prober = _prober(Names({"a.example": lookup, "z.example": lookup}))
        hasty = await prober.probe(_domain("a.example", _settings(port, 0.1)))
        patient = await prober.probe(_domain("z.example", _settings(port, 30.0)))
    assert (hasty.up, patient.up) == (False, True)


async def test_one_address_sees_no_more_sessions_at_once_than_allowed() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    async with _hosts(("127.0.0.2", slow)) as (port, (host,)):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        names = [f"a{number}.example" for number in range(6)]
        prober = _prober(Names(dict.fromkeys(names, lookup)), Limits(per_address=2, share_addresses=False))
        await asyncio.gather(*(prober.probe(_domain(name, _settings(port))) for name in names))
        assert (host.connections, host.concurrent_max) == (6, 2)


@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_who_waits_for_a_turn_and_who_shares_a_session_do_not_wait_for_each_other(concurrency: int) -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    slots = ProbeSlots(concurrency)
    async with _hosts(("127.0.0.2", slow)) as (port, (host,)):
        names = [f"a{number}.example" for number in range(12)]
        prober = _prober(Names(dict.fromkeys(names, _lookup(MxHost("b.example", 10, ("127.0.0.2",))))), slots=slots)
        # Three ways to greet, so three sessions for one address that takes one at a time, each shared by four.
        targets = [
            _domain(name, replace(_settings(port), helo=f"helo{number % 3}.example"))
            for number, name in enumerate(names)
        ]
        async with asyncio.timeout(30.0):
            results = await asyncio.gather(*(_in_its_slot(slots, prober, target) for target in targets))
        assert (host.connections, host.concurrent_max) == (3, 1)
    assert all(result.up for result in results)
    assert slots.used == 0


async def test_many_addresses_that_wait_are_one_probe_under_way_or_none() -> None:
    slow = ordinary("b.example", greeting=(Wait(0.02), reply(220, "b.example")))
    addresses = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
    seen: set[int] = set()
    slots = ProbeSlots(2, lambda: seen.add(slots.used))
    async with _hosts(*((address, slow) for address in addresses)) as (port, hosts):
        names = [f"a{number}.example" for number in range(6)]
        lookups = dict.fromkeys(names, _lookup(MxHost("b.example", 10, addresses)))
        prober = _prober(Names(lookups), Limits(share_addresses=False), slots)
        targets = [_domain(name, _settings(port)) for name in names]
        results = await asyncio.gather(*(_in_its_slot(slots, prober, target) for target in targets))
        assert [(host.connections, host.concurrent_max) for host in hosts] == [(6, 1)] * 3
    assert all(result.up for result in results)
    assert seen <= {0, 1}  # of two slots, one has just become free
    assert slots.used == 0


async def test_a_probe_given_up_while_it_waits_for_a_slot_gives_its_turn_back() -> None:
    mute = ordinary("b.example", greeting=None)
    slots = ProbeSlots(2)
    async with _hosts(("127.0.0.2", mute)) as (port, (host,)):
        names = [f"{letter}.example" for letter in "abc"]
        lookups = dict.fromkeys(names, _lookup(MxHost("b.example", 10, ("127.0.0.2",))))
        prober = _prober(Names(lookups), Limits(share_addresses=False), slots)
        first, second = (
            asyncio.create_task(_in_its_slot(slots, prober, _domain(name, _settings(port, 0.3)))) for name in names[:2]
        )
        await until(lambda: host.connections == 1)
        await slots.take()  # the one that the second gave back when it began to wait for its turn
        slots.limit = 1
        await first
        for _ in range(5):
            await asyncio.sleep(0)  # the second has its turn now, and no slot
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        slots.free()
        async with asyncio.timeout(30.0):
            await _in_its_slot(slots, prober, _domain(names[2], _settings(port, 0.3)))
        assert host.connections == 2
    assert slots.used == 0


async def test_a_null_mx_among_others_is_a_warning_of_the_hosts_that_are_up() -> None:
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, _):
        lookup = replace(_lookup(MxHost("b.example", 10, ("127.0.0.2",))), null_mx_among_others=True)
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", _settings(port)))
    assert W.NULL_MX_AMONG_OTHERS in _only(result).outcome.warnings


@pytest.mark.parametrize(
    ("names", "warned"),
    [
        (Names(hosts={"greeted.example": ("127.0.0.2",)}), False),
        (Names(hosts={"greeted.example": ("127.0.0.9",)}), True),
        (Names(failures={"greeted.example": C.DNS_NXDOMAIN}), True),
        (Names(failures={"greeted.example": C.DNS_TIMEOUT}), False),
    ],
    ids=["same", "other", "absent", "unknown"],
)
async def test_a_greeting_in_the_name_of_another_is_a_warning(names: Names, warned: bool) -> None:
    async with _hosts(("127.0.0.2", ordinary("greeted.example"))) as (port, _):
        names.domains["a.example"] = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await _prober(names).probe(_domain("a.example", _settings(port)))
    assert (W.BANNER_NAME_MISMATCH in _only(result).outcome.warnings) is warned


@pytest.mark.parametrize(
    ("mx", "greeting", "warned"),
    [
        ("mx.farm.example", ("node7.eu.farm.example ESMTP",), False),
        ("mx.farm.co.uk", ("node7.farm.co.uk ESMTP",), False),
        ("mx.one.co.uk", ("mx.two.co.uk ESMTP",), True),
        ("b.example", ("No spam here", "b.example ESMTP"), False),
        ("mx.farm.example", ("hello.there ESMTP", "node7.farm.example ESMTP"), False),
        ("b.example", ("Welcome", "elsewhere.example ESMTP"), True),
        ("b.example", ("elsewhere.example ESMTP", "here.example ESMTP"), False),
        ("b.example", ("Welcome", "to this place"), False),
    ],
)
async def test_the_name_is_looked_for_in_all_lines_and_farms_have_many(
    mx: str, greeting: tuple[str, ...], warned: bool
) -> None:
    others = ("elsewhere.example", "mx.two.co.uk", "hello.there", "node7.eu.farm.example", "node7.farm.co.uk")
    names = Names(hosts={**dict.fromkeys(others, ("127.0.0.9",)), "here.example": ("127.0.0.2",)})
    async with _hosts(("127.0.0.2", ordinary(mx, greeting=reply(220, *greeting)))) as (port, _):
        names.domains["a.example"] = _lookup(MxHost(mx, 10, ("127.0.0.2",)))
        result = await _prober(names).probe(_domain("a.example", _settings(port)))
    assert (W.BANNER_NAME_MISMATCH in _only(result).outcome.warnings) is warned


async def test_ipv6_is_probed_like_ipv4() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"no IPv6 on loopback: {error}")
    async with _hosts(("::1", ordinary("b.example"))) as (port, _):
        lookup = _lookup(MxHost("b.example", 10, ("::1",)))
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", _settings(port)))
    assert _only(result).up
    assert _only(result).timings.tcp_rtt is not None


async def test_a_module_may_force_helo() -> None:
    async with _hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        settings = replace(_settings(port), module=Module(force_helo=True), helo="me.example")
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", settings))
        await host.sessions_ended(1)
        assert host.sessions[0].commands == [b"HELO me.example", b"QUIT"]
    assert _only(result).up
    assert _only(result).outcome.warnings == ()
    assert _only(result).facts.esmtp is None


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
    async with _hosts(("127.0.0.2", script)) as (port, _):
        settings = replace(_settings(port), module=_MAIL)
        result = await _prober(Names({"a.example": _lookup(MxHost("b.example", 10, ("127.0.0.2",)))})).probe(
            _domain("a.example", settings)
        )
    failure = _only(result).failure
    assert failure is not None
    assert (failure.stage, failure.failure_class) == expected, failure


async def test_what_ended_it_stands_beside_the_reason() -> None:
    script = ordinary("b.example", EHLO=reply(554, _LISTED), HELO=CLOSE)
    async with _hosts(("127.0.0.1", script)) as (port, _):
        target = Target(TargetKind.HOST, "mx", "b.example", _settings(port))
        failure = _only(await _prober().probe(target)).failure
    assert failure is not None
    assert failure.detail == f"the server said: 554 {_LISTED}"
    assert failure.evidence == ("then the server closed the connection",)


async def test_helo_after_a_refused_ehlo_is_one_phase_and_the_last_code() -> None:
    old = ordinary("b.example", EHLO=reply(502, "unknown"))
    async with _hosts(("127.0.0.2", old)) as (port, _):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await _prober(Names({"a.example": lookup})).probe(_domain("a.example", _settings(port)))
    host = _only(result)
    assert [stage for stage, _ in host.timings.phases] == [Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT]
    assert dict(host.facts.reply_codes)[Stage.EHLO] == 250
    assert host.facts.esmtp is False


async def test_everything_together_keeps_within_the_time_given() -> None:
    never = ordinary("b.example", greeting=(Wait(60), reply(220, "b.example"), CLOSE))
    async with _hosts(("127.0.0.2", never)) as (port, _):
        lookup = _lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await _prober(Names({"a.example": lookup})).probe(
            _domain("a.example", _settings(port, 60.0)), within=0.6
        )
    assert result.failure is not None
    assert result.failure.failure_class is C.BANNER_TIMEOUT
    assert result.duration < 5.0


@pytest.mark.parametrize("kind", TargetKind)
async def test_a_lookup_that_takes_longer_than_the_time_given_is_the_resolvers_failure(kind: TargetKind) -> None:
    names = Names(never=frozenset({"slow.example"}))
    target = Target(kind, "slow.example", "slow.example", _settings(25, 60.0))
    result = await _prober(names).probe(target, within=0.2)
    assert result.failure is not None
    assert (result.failure.stage, result.failure.failure_class) == (Stage.DNS, C.DNS_TIMEOUT)
    assert result.duration < 5.0


async def test_who_greeted_is_looked_up_within_the_time_given() -> None:
    async with _hosts(("127.0.0.2", ordinary("other.example"))) as (port, _):
        names = Names(
            {"a.example": _lookup(MxHost("b.example", 10, ("127.0.0.2",)))}, never=frozenset({"other.example"})
        )
        result = await _prober(names).probe(_domain("a.example", _settings(port, 60.0)), within=1.0)
    assert result.up
    assert W.BANNER_NAME_MISMATCH not in result.hosts[0].outcome.warnings


async def test_a_host_has_no_preference_whatever_becomes_of_it() -> None:
    names = Names(hosts={"private.example": ("10.0.0.1",)}, failures={"lost.example": C.DNS_TIMEOUT})
    for name in ("private.example", "lost.example"):
        result = await _prober(names).probe(Target(TargetKind.HOST, name, name, _settings(25)))
        assert [(host.up, host.identity.preference) for host in result.hosts] == [(False, None)]
