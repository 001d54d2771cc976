"""What a target asks of senders, found out: the DNS is a map, the policy host is real."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from exporter.concurrency.slots import ProbeSlots
from exporter.lab.certificates import Authority
from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.address import Family
from exporter.model.configuration import Limits
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.policy import MtaStsMode, TlsaLookup, TlsaStatus
from exporter.model.policy import MtaStsProblem as P
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import Module, PolicyKind, Settings, Target, TargetKind
from exporter.policies.lookup import Policies, TargetPolicies
from exporter.policies.mtasts.cache import PolicyCache
from exporter.probe.prober import Prober
from exporter.resolver.answer import DnsAnswer, failed
from tests.support.loops import LoopFactory, on_every_loop, run_on

DOMAIN = "a.example"
AUTHORITY = Authority()
SERVER = AUTHORITY.server_context(f"mta-sts.{DOMAIN}")
NXDOMAIN = DnsAnswer(failure=Failure(Stage.DNS, C.DNS_NXDOMAIN, "NXDOMAIN"))
ALL = (PolicyKind.DANE, PolicyKind.MTA_STS, PolicyKind.TLS_RPT)


def _policy(mode: str = "enforce", mx: str = "mx.a.example", max_age: int = 86400) -> bytes:
    return http(f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n".encode())


@dataclass
class Names:
    """A DNS of maps; what is not in them does not exist. `silent` names are never answered."""

    texts: dict[str, DnsAnswer] = field(default_factory=dict)
    addresses: tuple[str, ...] = ("127.0.0.1",)
    failure: Failure | None = None
    silent: set[str] = field(default_factory=set)
    tlsa: list[tuple[str, int, str | None]] = field(default_factory=list)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, () if self.failure else self.addresses, self.failure)

    async def lookup_txt(self, name: str) -> DnsAnswer:
        if name in self.silent:
            await asyncio.Event().wait()
        return self.texts.get(name, NXDOMAIN)

    async def lookup_tlsa(
        self, host: str, port: int, families: tuple[Family, ...], domain: str | None = None
    ) -> TlsaLookup:
        if host in self.silent:
            await asyncio.Event().wait()
        self.tlsa.append((host, port, domain))
        return TlsaLookup(TlsaStatus.ABSENT)


def _sts(text: bytes = b"v=STSv1; id=1;") -> dict[str, DnsAnswer]:
    return {f"_mta-sts.{DOMAIN}": DnsAnswer((text,))}


def _target(*policies: PolicyKind, timeout: float = 10.0, allowed: str = "127.0.0.0/8") -> Target:
    settings = Settings(
        timeout=timeout,
        module=Module(policies=policies or ALL),
        allow_addresses=(ip_network(allowed),),
    )
    return Target(TargetKind.DOMAIN, DOMAIN, DOMAIN, settings)


@pytest.fixture(autouse=True)
def _roots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The system trusts the lab's authority, as a user would have it trust his own."""
    (tmp_path / "roots.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))


@asynccontextmanager
async def _world(names: Names, host: HttpsHost, server: ssl.SSLContext = SERVER) -> AsyncIterator[Policies]:
    memory = PolicyCache()
    host.context = server
    async with listening(host):
        yield Policies(names, memory, host.port)
        await memory.close()


async def _found(names: Names, host: HttpsHost | None = None, target: Target | None = None) -> TargetPolicies:
    async with _world(names, host or HttpsHost([_policy()])) as policies:
        return await policies.find(target or _target(), ["mx.a.example"])


def _mode(found: TargetPolicies) -> MtaStsMode | None:
    return found.mta_sts.mode if found.mta_sts is not None else None


def _problem(found: TargetPolicies) -> P | None:
    return found.mta_sts.problem if found.mta_sts is not None else None


@on_every_loop
@pytest.mark.parametrize("mode", ["enforce", "testing", "none"])
def test_a_policy_is_found_and_valid(mode: str, loop_factory: LoopFactory) -> None:
    found = run_on(loop_factory, _found(Names(_sts()), HttpsHost([_policy(mode)])))
    assert found.mta_sts is not None
    assert (found.mta_sts.mode, found.mta_sts.valid, found.mta_sts.problem) == (mode, True, None)
    assert (found.mta_sts.id, found.mta_sts.mx, found.mta_sts.max_age) == ("1", ("mx.a.example",), 86400)
    assert found.policy is not None


@pytest.mark.parametrize(
    "texts", [{}, _sts(b"v=spf1 -all"), {f"_mta-sts.{DOMAIN}": DnsAnswer()}], ids=["nxdomain", "other", "nodata"]
)
async def test_a_domain_without_a_record_has_no_mta_sts_and_its_policy_host_is_not_asked(
    texts: dict[str, DnsAnswer],
) -> None:
    host = HttpsHost([_policy()])
    found = await _found(Names(texts), host)
    assert (_mode(found), found.policy) == (MtaStsMode.ABSENT, None)
    assert found.mta_sts is not None
    assert found.mta_sts.valid is None
    assert host.requests == []


@pytest.mark.parametrize(
    ("names", "answer", "problem", "valid"),
    [
        (Names(_sts(b"v=STSv1; id=x-y")), _policy(), P.RECORD_INVALID, False),
        (Names({f"_mta-sts.{DOMAIN}": failed(C.DNS_BOGUS, "bogus")}), _policy(), P.RECORD_LOOKUP, False),
        (Names({f"_mta-sts.{DOMAIN}": failed(C.DNS_TIMEOUT, "late")}), _policy(), P.LOCAL, None),
        (Names(_sts(), failure=Failure(Stage.DNS, C.DNS_NXDOMAIN)), _policy(), P.HOST_LOOKUP, False),
        (Names(_sts(), failure=Failure(Stage.DNS, C.DNS_TIMEOUT)), _policy(), P.LOCAL, None),
        (Names(_sts(), addresses=("10.0.0.1", "fe80::1")), _policy(), P.ADDRESS_FORBIDDEN, False),
        (Names(_sts(), addresses=("127.0.0.77",)), _policy(), P.CONNECT, False),
        (Names(_sts()), http(b"", "404 Not Found"), P.HTTP_STATUS, False),
        (Names(_sts()), http(b"", "301 Moved", "text/plain", "Location: /x"), P.REDIRECT, False),
        (Names(_sts()), http(b"version: STSv1\n"), P.POLICY_INVALID, False),
        (Names(_sts()), _policy(mx="*.*"), P.POLICY_INVALID, False),
    ],
    ids=lambda value: value.value if isinstance(value, P) else "",
)
async def test_each_problem_has_its_class(names: Names, answer: bytes, problem: P, valid: bool | None) -> None:
    found = await _found(names, HttpsHost([answer]))
    assert found.mta_sts is not None
    assert (found.mta_sts.mode, found.mta_sts.problem) == (MtaStsMode.UNKNOWN, problem)
    assert found.mta_sts.valid is valid
    assert found.mta_sts.detail or names.failure
    assert found.mta_sts.detail.isprintable()
    assert found.policy is None


async def test_the_certificate_must_be_for_the_policy_host() -> None:
    async with _world(Names(_sts()), HttpsHost([_policy()]), AUTHORITY.server_context(DOMAIN)) as policies:
        assert _problem(await policies.find(_target(), [])) is P.CERTIFICATE


async def test_a_system_that_trusts_nobody_accuses_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "folder"))
    found = await _found(Names(_sts()))
    assert found.mta_sts is not None
    assert (found.mta_sts.problem, found.mta_sts.valid) == (P.LOCAL, None)
    assert "SSL_CERT_FILE" in found.mta_sts.detail


async def test_a_special_address_is_never_connected_to() -> None:
    host = HttpsHost([_policy()])
    found = await _found(Names(_sts()), host, _target(allowed="192.0.2.0/24"))
    assert _problem(found) is P.ADDRESS_FORBIDDEN
    assert host.counts["connections"] == 0


async def test_a_new_id_fetches_the_new_policy_and_a_failure_keeps_the_old_one() -> None:
    names, host = Names(_sts()), HttpsHost([_policy()])
    async with _world(names, host) as policies:
        await policies.find(_target(), [])
        again = await policies.find(_target(), [])
        assert (len(host.requests), _mode(again)) == (1, MtaStsMode.ENFORCE)
        names.texts = _sts(b"v=STSv1; id=2;")
        host.answer = [_policy("testing")]
        assert _mode(await policies.find(_target(), [])) is MtaStsMode.TESTING
        names.texts = _sts(b"v=STSv1; id=3;")
        host.answer = [http(b"", "500 Internal Server Error")]
        found = await policies.find(_target(), [])
        assert (_mode(found), _problem(found)) == (MtaStsMode.TESTING, P.HTTP_STATUS)
        assert found.mta_sts is not None
        assert (found.mta_sts.valid, found.mta_sts.id) == (False, "3")
        assert found.policy is not None
        assert len(host.requests) == 3


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        ({}, P.RECORD_ABSENT),
        (_sts(b"v=STSv1;"), P.RECORD_INVALID),
        ({f"_mta-sts.{DOMAIN}": failed(C.DNS_SERVFAIL, "")}, P.RECORD_LOOKUP),
    ],
)
async def test_a_policy_holds_though_its_record_is_lost(texts: dict[str, DnsAnswer], problem: P) -> None:
    names = Names(_sts())
    async with _world(names, HttpsHost([_policy()])) as policies:
        await policies.find(_target(), [])
        names.texts = texts
        found = await policies.find(_target(), [])
    assert (_mode(found), _problem(found)) == (MtaStsMode.ENFORCE, problem)
    assert found.mta_sts is not None
    assert found.mta_sts.valid is False


async def test_a_domain_that_has_left_with_the_mode_none_has_left() -> None:
    """RFC 8461 8.3."""
    names = Names(_sts())
    async with _world(names, HttpsHost([_policy("none")])) as policies:
        assert _mode(await policies.find(_target(), [])) is MtaStsMode.NONE
        names.texts = {}
        found = await policies.find(_target(), [])
    assert (_mode(found), _problem(found), found.policy) == (MtaStsMode.ABSENT, None, None)


async def test_what_is_not_known_in_time_is_left_open_and_known_the_next_time() -> None:
    names, host = Names(_sts()), HttpsHost([_policy()], gate=asyncio.Event())
    assert host.gate is not None
    names.silent = {f"_smtp._tls.{DOMAIN}", "mx.a.example"}
    async with _world(names, host) as policies:
        found = await policies.find(_target(timeout=0.3), ["mx.a.example", "mx2.a.example"])
        assert (_mode(found), _problem(found)) == (MtaStsMode.UNKNOWN, None)
        assert found.mta_sts is not None
        assert found.mta_sts.valid is None
        assert found.tls_rpt is not None
        assert found.tls_rpt.present is None
        assert found.tlsa["mx.a.example"] is None
        assert found.tlsa["mx2.a.example"] is not None
        host.gate.set()
        names.silent = set()
        assert _mode(await policies.find(_target(), [])) is MtaStsMode.ENFORCE
        assert len(host.requests) == 1


async def test_domains_that_share_a_fetch_ask_once() -> None:
    host = HttpsHost([_policy()])
    async with _world(Names(_sts()), host) as policies:
        found = await asyncio.gather(*(policies.find(_target(), []) for _ in range(10)))
    assert {_mode(one) for one in found} == {MtaStsMode.ENFORCE}
    assert len(host.requests) == 1


@pytest.mark.parametrize(
    ("answer", "present", "valid"),
    [
        (DnsAnswer((b"v=TLSRPTv1; rua=mailto:a@b.example",)), True, True),
        (DnsAnswer((b"v=TLSRPTv1; rua=a@b.example",)), True, False),
        (DnsAnswer((b"v=spf1 -all",)), False, None),
        (DnsAnswer(), False, None),
        (NXDOMAIN, False, None),
        (failed(C.DNS_SERVFAIL, "why"), None, None),
    ],
)
async def test_tls_reporting(answer: DnsAnswer, present: bool | None, valid: bool | None) -> None:
    found = await _found(Names({f"_smtp._tls.{DOMAIN}": answer}), target=_target(PolicyKind.TLS_RPT))
    assert found.tls_rpt is not None
    assert (found.tls_rpt.present, found.tls_rpt.valid) == (present, valid)
    assert found.tls_rpt.rua == (("mailto:a@b.example",) if valid else ())
    assert (found.mta_sts, found.tlsa) == (None, {})


async def test_dane_asks_once_for_each_host_with_the_port_that_is_probed() -> None:
    names = Names()
    target = _target(PolicyKind.DANE)
    target = replace(target, settings=replace(target.settings, port=2525))
    async with _world(names, HttpsHost([])) as policies:
        found = await policies.find(target, ["mx1.a.example", "mx2.a.example", "mx1.a.example"])
        assert set(found.tlsa) == {"mx1.a.example", "mx2.a.example"}
        assert sorted(names.tlsa) == [("mx1.a.example", 2525, DOMAIN), ("mx2.a.example", 2525, DOMAIN)]
        names.tlsa.clear()
        relay = Target(TargetKind.HOST, "relay.a.example:2525", "relay.a.example", target.settings)
        found = await policies.find(relay, ["relay.a.example:2525"])
        assert names.tlsa == [("relay.a.example", 2525, None)]
        assert set(found.tlsa) == {"relay.a.example:2525"}
        names.tlsa.clear()
        bare = Target(TargetKind.HOST, "127.0.0.1:2525", "127.0.0.1", target.settings)
        assert ((await policies.find(bare, ["127.0.0.1:2525"])).tlsa, names.tlsa) == ({}, [])


async def test_a_host_without_a_domain_has_no_policy_of_one() -> None:
    host = HttpsHost([_policy()])
    target = replace(_target(), kind=TargetKind.HOST)
    found = await _found(Names(_sts()), host, target)
    assert (found.mta_sts, found.tls_rpt) == (None, None)
    assert host.requests == []


async def test_who_waits_for_a_policy_host_holds_no_slot() -> None:
    """A slow policy host must not keep others from being probed."""
    host, mail = HttpsHost([_policy()], gate=asyncio.Event()), SmtpHost(ordinary("mx.a.example"))
    assert host.gate is not None
    port = await mail.start("127.0.0.1", 0)
    slots = ProbeSlots(1)
    await slots.take()
    async with _world(Names(_sts()), host) as policies:
        target = _target(PolicyKind.MTA_STS)
        target = replace(target, settings=replace(target.settings, port=port))
        prober = Prober(_OneHost(), Limits(), "probe.example", slots, policies=policies)
        probing = asyncio.create_task(prober.probe(target))
        await slots.take()  # given back by the one who waits
        assert not probing.done()
        slots.free()
        host.gate.set()
        result = await probing
    await mail.stop()
    assert result.mta_sts is not None
    assert (result.up, result.mta_sts.mode) == (True, MtaStsMode.ENFORCE)
    assert not slots.take_nowait()  # it ends with the slot it began with


class _OneHost:
    """Every name is one host, at 127.0.0.1."""

    async def lookup_mx(self, domain: str, families: tuple[Family, ...]) -> MxLookup:
        return MxLookup(domain, (MxHost("mx.a.example", 10, ("127.0.0.1",)),), mx_records=1)

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        return MxHost(name, 0, ("127.0.0.1",))
