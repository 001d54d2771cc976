"""DANE whole: TLSA records that nsd serves and a validating unbound judges, against hosts that do STARTTLS.

An MX host is named after its case. Those of one kind are one scripted host with one certificate: what differs is the
DNS. At the end the same with Postfix.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ORDINARY_EXTENSIONS, SmtpScript, SwitchToTls, ordinary, reply
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage
from exporter.model.policy import DaneState as S
from exporter.model.result import HostResult
from exporter.model.target import Module, PolicyKind, Settings, Starttls, Target, TargetKind
from exporter.model.warning import HostWarning as W
from exporter.policies.host_policies import TlsaSearches
from exporter.resolver.client import Resolver
from tests.probe.whole import WholeProbes
from tests.support.chains import Issued, issue, server_context, write_chain
from tests.support.daemons import free_port, nsd, unbound
from tests.support.dnssec import sign
from tests.support.mail_servers import postfix

ZONE, PLAIN = "signed.example", "plain.example"
NOW = datetime.now(UTC)
ROOT = issue("root", authority=True, at=NOW)
LEAF = issue("leaf", ROOT, names=(f"ta.{ZONE}", f"ta-alias.{ZONE}", f"by-domain.{ZONE}"), at=NOW)
EXPIRED = issue("expired", ROOT, names=(f"expired.{ZONE}",), days=(-60, -1), at=NOW)
LONE = issue("self-signed", at=NOW)
TLS, NO_TLS, OLD, ALONE = "127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7"
SOA = "$TTL 60\n@ IN SOA ns admin 1 3600 600 86400 30\n@ IN NS ns\nns IN A 127.0.0.1\n"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


EE, TA = f"3 1 1 {_sha256(LEAF.spki)}", f"2 0 1 {_sha256(ROOT.der)}"
FOREIGN, PKIX = f"3 1 1 {'ab' * 32}", f"1 1 1 {_sha256(LEAF.spki)}"
FORGED = f"3 1 1 {'DEADBEEF' * 8}"


@dataclass(frozen=True)
class Case:
    """An MX host, its TLSA records, and what a sender finds."""

    name: str
    records: tuple[str, ...]
    state: S
    failure: C | None = None  # with verify: require
    warning: W | None = None
    address: str = TLS


CASES = [
    Case("ee", (EE,), S.VERIFIED),
    Case("ee-whole", (f"3 0 0 {LEAF.der.hex()}",), S.VERIFIED),
    Case("ee-sha512", (f"3 0 2 {hashlib.sha512(LEAF.der).hexdigest()}",), S.VERIFIED),
    Case("ee-expired", (f"3 1 1 {_sha256(EXPIRED.spki)}",), S.VERIFIED, address=OLD),
    Case("ee-alone", (f"3 0 1 {_sha256(LONE.der)}",), S.VERIFIED, address=ALONE),
    Case("ta", (TA,), S.VERIFIED),
    Case("rollover", (FOREIGN, EE), S.VERIFIED),
    Case("mixed", (PKIX, EE), S.VERIFIED),
    Case("mismatch", (FOREIGN,), S.MISMATCH, C.DANE_MISMATCH, W.DANE_MISMATCH),
    # RFC 7671 9: the stronger digest of one kind counts alone, as with Postfix.
    Case("stale-sha512", (EE, f"3 1 2 {'cd' * 64}"), S.MISMATCH, C.DANE_MISMATCH, W.DANE_MISMATCH),
    Case("ta-name", (TA,), S.MISMATCH, C.DANE_MISMATCH, W.DANE_MISMATCH),
    Case("expired", (TA,), S.MISMATCH, C.DANE_MISMATCH, W.DANE_MISMATCH, OLD),
    Case("ta-not-sent", (TA,), S.MISMATCH, C.DANE_MISMATCH, W.DANE_MISMATCH, ALONE),
    # The certificate counts by itself where no TLSA record vouches for it.
    Case("pkix", (PKIX, f"0 0 1 {_sha256(ROOT.der)}"), S.UNUSABLE, C.TLS_UNTRUSTED, W.DANE_UNUSABLE),
    Case("malformed", (f"3 1 1 {'ab' * 31}", f"3 1 9 {'ab' * 32}"), S.UNUSABLE, C.TLS_UNTRUSTED, W.DANE_UNUSABLE),
    Case("bare", (), S.ABSENT, C.TLS_UNTRUSTED),
    Case("no-tls", (EE,), S.NO_TLS, C.DANE_NO_TLS, W.DANE_NO_TLS, NO_TLS),
    Case("no-tls-bare", (), S.ABSENT, None, None, NO_TLS),
    Case("forged", (FORGED,), S.LOOKUP_FAILED, C.DNS_BOGUS, W.DANE_LOOKUP_FAILED),
]


def _tlsa(port: int, name: str, records: tuple[str, ...]) -> str:
    return "".join(f"_{port}._tcp.{name} IN TLSA {record}\n" for record in records)


def _zones(port: int) -> tuple[str, str]:
    signed = SOA
    for case in CASES:
        signed += f"{case.name} IN MX 10 {case.name}\n{case.name} IN A {case.address}\n"
        signed += _tlsa(port, case.name, case.records)
    # RFC 7672 3.2.2: the name may be that of the domain; 2.2.2, 2.2.3: aliases, in and out of what is signed.
    signed += f"by-domain IN MX 10 host\nhost IN A {TLS}\n" + _tlsa(port, "host", (TA,))
    signed += "aliased IN MX 10 alias\nalias IN CNAME ee\n"
    signed += "departing IN MX 10 departure\ndeparture IN CNAME mx.plain.example.\n" + _tlsa(port, "departure", (EE,))
    signed += "leaving IN MX 10 mx.plain.example.\n"
    plain = SOA + f"@ IN MX 10 ee.{ZONE}.\nmx IN A {TLS}\n" + _tlsa(port, "mx", (FOREIGN,))
    return signed, plain


@contextmanager
def _dns(folder: Path, signed_text: str, plain: str) -> Iterator[int]:
    signed, anchor = sign(folder / "signed", ZONE, signed_text)
    # One record changed after it was signed.
    signed = signed.replace("DEADBEEF", "DEADBEE0", 1)
    with (
        nsd(folder / "nsd", {ZONE: signed, PLAIN: plain}) as port,
        unbound(folder / "unbound", {ZONE: port, PLAIN: port}, trust_anchors=[anchor]) as resolver,
    ):
        yield resolver


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of the mail hosts, and of the resolver."""
    mail = free_port(TLS)
    with _dns(tmp_path_factory.mktemp("dns"), *_zones(mail)) as resolver:
        yield mail, resolver


@asynccontextmanager
async def _probes(resolver_port: int) -> AsyncIterator[WholeProbes]:
    resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", resolver_port),)))
    try:
        async with WholeProbes(resolver, tlsa=TlsaSearches(resolver, patience=math.inf)) as probes:
            yield probes
    finally:
        resolver.close()


def _with_tls(folder: Path, *chain: Issued) -> SmtpScript:
    folder.mkdir()
    return ordinary(
        "mx.signed.example",
        (*ORDINARY_EXTENSIONS, "STARTTLS"),
        STARTTLS=(reply(220, "go ahead"), SwitchToTls(server_context(folder, *chain))),
    )


@dataclass
class World:
    probes: WholeProbes
    port: int

    async def probe(self, domain: str, require: bool = False, kind: TargetKind = TargetKind.DOMAIN) -> HostResult:
        """The one host of the domain, or the host itself."""
        module = Module(
            stages=(Stage.EHLO, Stage.STARTTLS),
            starttls=Starttls(verify="require" if require else "report"),
            policies=(PolicyKind.DANE,),
        )
        settings = Settings(port=self.port, module=module, allow_addresses=(ip_network("127.0.0.0/8"),))
        (host,) = (await self.probes.probe(Target(kind, domain, domain, settings))).hosts
        return host


@pytest.fixture
async def world(ports: tuple[int, int], tmp_path: Path) -> AsyncIterator[World]:
    port, resolver = ports
    scripts = {
        TLS: _with_tls(tmp_path / "tls", LEAF, ROOT),
        OLD: _with_tls(tmp_path / "old", EXPIRED, ROOT),
        ALONE: _with_tls(tmp_path / "alone", LONE),
        NO_TLS: ordinary("mx.signed.example"),
    }
    hosts = [SmtpHost(script) for script in scripts.values()]
    for address, host in zip(scripts, hosts, strict=True):
        await host.start(address, port)
    async with _probes(resolver) as probes:
        yield World(probes, port)
    for host in hosts:
        await host.stop()


DANE_WARNINGS = {W.DANE_MISMATCH, W.DANE_NO_TLS, W.DANE_UNUSABLE, W.DANE_LOOKUP_FAILED}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_case_reports_its_state(world: World, case: Case) -> None:
    host = await world.probe(f"{case.name}.{ZONE}")
    assert host.facts.dane is not None
    assert (host.facts.dane.state, host.failure) == (case.state, None), host
    assert set(host.outcome.warnings) & DANE_WARNINGS == ({case.warning} if case.warning else set())
    # Of a lookup that failed nothing is known.
    assert len(host.facts.dane.records) == (0 if case.state is S.LOOKUP_FAILED else len(case.records))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_each_case_fails_where_a_sender_would_not_deliver(world: World, case: Case) -> None:
    host = await world.probe(f"{case.name}.{ZONE}", require=True)
    assert host.facts.dane is not None
    assert host.facts.dane.state is case.state
    assert (host.failure.failure_class if host.failure else None) is case.failure, host


@pytest.mark.parametrize(
    ("domain", "state"),
    [
        (f"by-domain.{ZONE}", S.VERIFIED),
        (f"aliased.{ZONE}", S.VERIFIED),
        (f"departing.{ZONE}", S.VERIFIED),
        (f"leaving.{ZONE}", S.INSECURE),
        (PLAIN, S.INSECURE),
    ],
)
async def test_names_and_aliases(world: World, domain: str, state: S) -> None:
    host = await world.probe(domain)
    assert host.facts.dane is not None
    assert host.facts.dane.state is state, host.facts.dane


async def test_a_host_without_a_domain_has_records_too(world: World) -> None:
    for name, state in ((f"ee.{ZONE}", S.VERIFIED), (f"mismatch.{ZONE}", S.MISMATCH), (f"mx.{PLAIN}", S.INSECURE)):
        host = await world.probe(name, kind=TargetKind.HOST)
        assert host.facts.dane is not None
        assert host.facts.dane.state is state


@pytest.mark.parametrize("matching", [True, False])
async def test_postfix(tmp_path: Path, matching: bool) -> None:
    shutil.copy(write_chain(tmp_path, LONE), tmp_path / "postfix.pem")
    settings = f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {tmp_path}/postfix.pem\n"
    with postfix(tmp_path / "postfix", f"mx.{ZONE}", settings) as port:
        record = f"3 1 1 {_sha256(LONE.spki if matching else LEAF.spki)}"
        text = SOA + "@ IN MX 10 mx\nmx IN A 127.0.0.1\n" + _tlsa(port, "mx", (record,))
        with _dns(tmp_path, text, SOA) as resolver:
            async with _probes(resolver) as probes:
                host = await World(probes, port).probe(ZONE, require=True)
    assert host.facts.dane is not None
    assert host.facts.tls is not None
    if matching:
        assert (host.facts.dane.state, host.failure) == (S.VERIFIED, None), host
    else:
        assert host.facts.dane.state is S.MISMATCH
        assert host.failure is not None
        assert host.failure.failure_class is C.DANE_MISMATCH
