"""Domains with DANE and MTA-STS in a small world of real parts: nsd, a validating unbound, a policy host over HTTPS.

A domain is named after its case. The mail host of all but a few is one scripted SMTP host.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from exporter.lab.certificates import Authority
from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.configuration import ResolverSettings
from exporter.model.failure import FailureClass as C
from exporter.model.policy import DaneState, MtaStsMode
from exporter.model.policy import MtaStsProblem as P
from exporter.model.result import DomainResult
from exporter.model.target import Module, PolicyKind, Settings, Starttls, Target, TargetKind
from exporter.model.warning import DomainWarning as W
from exporter.policies.domain_policies import DomainPolicies
from exporter.policies.host_policies import TlsaSearches
from exporter.policies.mtasts.cache import PolicyCache
from exporter.resolver.client import Resolver
from tests.probe.whole import WholeProbes
from tests.support.daemons import nsd, unbound
from tests.support.dnssec import sign
from tests.support.exporter_process import command, exporter
from tests.support.require import require_root
from tests.support.waiting import until_sync

ZONE = "world.example"
AUTHORITY = Authority()
SOA = "$TTL 60\n@ IN SOA ns admin 1 3600 600 86400 30\n@ IN NS ns\nns IN A 127.0.0.1\n"
MTA_STS = ("enforce", "testing", "none", "other-mx", "other-mx-testing", "wrong-name", "redirect", "missing", "html")
NAMES = [f"mta-sts.{case}.{ZONE}" for case in MTA_STS if case != "wrong-name"]


def _zone() -> str:
    text = SOA + "mx IN A 127.0.0.2\n"
    for case in (*MTA_STS, "forbidden", "malformed"):
        text += f'{case} IN MX 10 mx\n_mta-sts.{case} IN TXT "v=STSv1; id={case.replace("-", "")};"\n'
        text += f"mta-sts.{case} IN A {'192.0.2.1' if case == 'forbidden' else '127.0.0.3'}\n"
    text = text.replace("id=malformed;", "id=mal-formed;")
    text += "plain IN MX 10 mx\n"
    text += '_smtp._tls.plain IN TXT "v=TLSRPTv1; rua=mailto:" "reports@plain.world.example"\n'
    return text


def _policy(mode: str, mx: str = f"mx.{ZONE}") -> list[bytes]:
    return [http(f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n".encode())]


ANSWERS = {
    "enforce": _policy("enforce", f"*.{ZONE}"),
    "testing": _policy("testing"),
    "none": _policy("none"),
    "other-mx": _policy("enforce", "mx.elsewhere.example"),
    "other-mx-testing": _policy("testing", "mx.elsewhere.example"),
    "wrong-name": _policy("enforce"),
    "redirect": [http(b"", "301 Moved Permanently", "text/plain", f"Location: https://mta-sts.enforce.{ZONE}/")],
    "missing": [http(b"not here", "404 Not Found")],
    "html": [http(b"<html>parked</html>", content_type="text/html")],
}


@pytest.fixture(scope="module")
def resolver_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("dns")
    signed, anchor = sign(folder / "signed", ZONE, _zone())
    with (
        nsd(folder / "nsd", {ZONE: signed}) as port,
        unbound(folder / "unbound", {ZONE: port}, trust_anchors=[anchor]) as resolver,
    ):
        yield resolver


@dataclass
class World:
    probes: WholeProbes
    settings: Settings
    policy_host: HttpsHost

    async def probe(self, case: str, verify: str = "report", *policies: PolicyKind) -> DomainResult:
        """What a probe shows of the domain that is named after `case`."""
        module = Module(policies=policies or (PolicyKind.MTA_STS, PolicyKind.TLS_RPT))
        if verify == "require":
            module = replace(module, starttls=Starttls(verify="require"))
        name = f"{case}.{ZONE}"
        return await self.probes.probe(Target(TargetKind.DOMAIN, name, name, replace(self.settings, module=module)))


def _policy_host() -> HttpsHost:
    """The one of all the domains."""
    answers = {f"mta-sts.{case}.{ZONE}": answer for case, answer in ANSWERS.items()}
    return HttpsHost([], answers=answers, context=AUTHORITY.server_context(*NAMES))


@pytest.fixture
async def world(resolver_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    (tmp_path / "roots.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    host = _policy_host()
    mail = SmtpHost(ordinary(f"mx.{ZONE}"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(host, "127.0.0.3"))
        resolver = Resolver(ResolverSettings(nameservers=(("127.0.0.1", resolver_port),)))
        memory = PolicyCache()
        probes = await stack.enter_async_context(
            WholeProbes(
                resolver,
                policies=DomainPolicies(resolver, memory, host.port, patience=math.inf),
                tlsa=TlsaSearches(resolver, patience=math.inf),
            )
        )
        settings = Settings(port=await mail.start("127.0.0.2", 0), allow_addresses=(ip_network("127.0.0.0/8"),))
        yield World(probes, settings, host)
        await memory.close()
        resolver.close()
        await mail.stop()


@pytest.mark.parametrize(
    ("case", "mode", "problem", "is_named"),
    [
        ("enforce", MtaStsMode.ENFORCE, None, True),
        ("testing", MtaStsMode.TESTING, None, True),
        ("none", MtaStsMode.NONE, None, None),
        ("other-mx", MtaStsMode.ENFORCE, None, False),
        ("other-mx-testing", MtaStsMode.TESTING, None, False),
        ("wrong-name", MtaStsMode.UNKNOWN, P.CERTIFICATE, None),
        ("redirect", MtaStsMode.UNKNOWN, P.REDIRECT, None),
        ("missing", MtaStsMode.UNKNOWN, P.HTTP_STATUS, None),
        ("html", MtaStsMode.UNKNOWN, P.CONTENT_TYPE, None),
        ("forbidden", MtaStsMode.UNKNOWN, P.ADDRESS_FORBIDDEN, None),
        ("malformed", MtaStsMode.UNKNOWN, P.RECORD_INVALID, None),
        ("plain", MtaStsMode.ABSENT, None, None),
    ],
)
async def test_each_case_of_mta_sts(
    world: World, case: str, mode: MtaStsMode, problem: P | None, is_named: bool | None
) -> None:
    result = await world.probe(case)
    assert result.mta_sts is not None
    assert (result.mta_sts.mode, result.mta_sts.problem) == (mode, problem), result.mta_sts
    assert result.mta_sts.valid is (None if case == "plain" else problem is None)
    (host,) = result.hosts
    assert host.failure is None
    assert (W.MTA_STS_MISMATCH in result.warnings) is (is_named is False)


async def test_an_enforced_policy_that_leaves_the_mx_out_is_a_failure_where_it_is_required(world: World) -> None:
    result = await world.probe("other-mx", "require")
    assert result.failure is not None
    assert result.failure.failure_class is C.MTA_STS_MISMATCH
    assert f"mx.{ZONE}" in result.failure.detail
    assert (await world.probe("other-mx-testing", "require")).up
    assert (await world.probe("enforce", "require")).up


async def test_a_policy_is_fetched_once_for_many_probes(world: World) -> None:
    for _ in range(3):
        assert (await world.probe("enforce")).up
    assert len(world.policy_host.requests) == 1


async def test_tls_reporting(world: World) -> None:
    plain = (await world.probe("plain")).tls_rpt
    assert plain is not None
    assert (plain.valid, plain.rua) == (True, ("mailto:reports@plain.world.example",))
    other = (await world.probe("none")).tls_rpt
    assert other is not None
    assert other.present is False


async def test_a_module_without_policies_asks_for_none(world: World) -> None:
    name = f"enforce.{ZONE}"
    result = await world.probes.probe(Target(TargetKind.DOMAIN, name, name, world.settings))
    assert (result.mta_sts, result.tls_rpt, result.hosts[0].facts.dane, result.warnings) == (None, None, None, ())
    assert world.policy_host.requests == []


async def test_dane_without_records(world: World) -> None:
    (host,) = (await world.probe("plain", "report", PolicyKind.DANE)).hosts
    assert host.facts.dane is not None
    assert host.facts.dane.state is DaneState.ABSENT


async def test_a_domain_whose_lookup_fails_still_tells_its_policies(world: World) -> None:
    result = await world.probe("absent")
    assert result.failure is not None
    assert result.failure.failure_class is C.DNS_NXDOMAIN
    assert result.mta_sts is not None
    assert result.mta_sts.mode is MtaStsMode.ABSENT


@pytest.fixture
async def as_a_user(world: World, resolver_port: int, tmp_path: Path) -> Path:
    """A configuration, and the policy host where every sender looks for it: port 443, which needs root."""
    require_root()
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""\
defaults: {{interval: 1s, helo: probe.example, module: strict, allow_addresses: [127.0.0.0/8],
           port: {world.settings.port}}}
resolver: {{nameservers: ["127.0.0.1:{resolver_port}"]}}
modules:
  strict: {{stages: [ehlo, starttls], policies: [dane, mta_sts, tls_rpt]}}
domains: [enforce.{ZONE}, wrong-name.{ZONE}]
"""
    )
    return path


async def _output(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    return (await process.communicate())[0].decode()


async def test_the_command_shows_them_to_a_person_and_a_script(world: World, as_a_user: Path) -> None:
    async with listening(_policy_host(), "127.0.0.3", 443):
        text = await _output("probe", f"enforce.{ZONE}", f"wrong-name.{ZONE}", "--config.file", str(as_a_user))
        data = json.loads(await _output("probe", f"other-mx.{ZONE}", "--json", "--config.file", str(as_a_user)))
    assert f"MTA-STS: enforce, mx *.{ZONE}, max_age 86400 s\n" in text
    assert "MTA-STS: unknown; not valid: certificate: the certificate of mta-sts.wrong-name." in text
    assert "TLS-RPT: absent" in text
    assert "DANE: absent" in text
    assert data["mta_sts"]["mode"] == "enforce"
    assert "mta_sts_mismatch" in data["warnings"]


async def test_the_server_publishes_them(world: World, as_a_user: Path) -> None:
    def scrape() -> tuple[set[str], str]:
        with exporter(f"--config.file={as_a_user}") as process:
            until_sync(lambda: process.value("mx_domain_up", domain=f"wrong-name.{ZONE}") is not None)
            until_sync(lambda: process.value("mx_domain_up", domain=f"enforce.{ZONE}") is not None)
            lines = set(process.get("/metrics").text.splitlines())
            return lines, process.get(f"/probe?target=other-mx.{ZONE}&debug=true").text

    async with listening(_policy_host(), "127.0.0.3", 443):
        lines, debug = await asyncio.to_thread(scrape)
    host = f'address="127.0.0.2",domain="",module="strict",mx="mx.{ZONE}",port="{world.settings.port}"'
    assert {
        f'mx_domain_mta_sts_mode{{domain="enforce.{ZONE}",mode="enforce"}} 1.0',
        f'mx_domain_mta_sts_valid{{domain="enforce.{ZONE}"}} 1.0',
        f'mx_domain_mta_sts_mode{{domain="wrong-name.{ZONE}",mode="unknown"}} 1.0',
        f'mx_domain_mta_sts_valid{{domain="wrong-name.{ZONE}"}} 0.0',
        f'mx_domain_mta_sts_failure{{class="certificate",domain="wrong-name.{ZONE}"}} 1.0',
        f'mx_domain_tls_rpt{{domain="enforce.{ZONE}"}} 0.0',
        f'mx_host_dane_state{{{host},state="absent"}} 1.0',
    } <= lines
    assert "MTA-STS: enforce, mx mx.elsewhere.example" in debug
    assert "DANE: absent" in debug
