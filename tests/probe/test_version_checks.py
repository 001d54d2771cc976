"""Old versions of TLS: sessions that offer one alone, few of them and with manners."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, SmtpScript, Step, SwitchToTls, ordinary, reply
from exporter.model.configuration import Limits
from exporter.model.failure import Stage
from exporter.model.result import HostResult
from exporter.model.target import Module, PolicyKind
from exporter.model.tls_version import VersionState as S
from exporter.model.warning import HostWarning as W
from exporter.probe.version_checks import version_plan
from exporter.report.transcript import version_lines
from exporter.report.warning_text import host_sentence
from exporter.smtp.plan import Plan, State
from tests.probe.hosting import NAME, Holder, HostWorld
from tests.probe.probing import domain_of, running, settings_of
from tests.support.chains import issue, write_chain
from tests.support.mail_servers import postfix
from tests.support.waiting import until

MODULE = Module(stages=(Stage.EHLO, Stage.STARTTLS), policies=(PolicyKind.VERSIONS,))
LONE = issue("self-signed")


def _context(folder: Path, least: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(write_chain(folder, LONE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = least
    return context


def _script(folder: Path, least: ssl.TLSVersion, *steps: Step) -> SmtpScript:
    steps = steps or (reply(220, "go ahead"), SwitchToTls(_context(folder, least)))
    return ordinary(NAME, EHLO=reply(250, NAME, "STARTTLS"), STARTTLS=steps)


def states(host: HostResult) -> dict[str, S]:
    return {each.version: each.state for each in host.facts.old_versions}


async def test_what_a_host_still_accepts_is_told(tmp_path: Path) -> None:
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1_1))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        target = domain_of("a.example", settings_of(port, 5.0, MODULE))
        (found,) = await world.probe(target, (NAME, "127.0.0.2"))
        await host.sessions_ended(3)
        assert world.sessions == 3
    assert states(found)["TLSv1.1"] is S.ACCEPTED
    assert states(found)["TLSv1"] is S.REFUSED
    assert found.outcome.warnings.count(W.TLS_OLD_ACCEPTED) == 1
    assert "TLSv1.1" in host_sentence(W.TLS_OLD_ACCEPTED, found)
    assert any(line.startswith("TLSv1: refused: to it alone the host ") for line in version_lines(found))


async def test_a_version_that_openssl_does_not_speak_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.probe.version_checks.speaks", lambda version: version == "TLSv1.1")
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1_2))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        target = domain_of("a.example", settings_of(port, 5.0, MODULE))
        (found,) = await world.probe(target, (NAME, "127.0.0.2"))
    assert states(found)["TLSv1"] is S.UNTESTABLE
    assert W.TLS_OLD_ACCEPTED not in found.outcome.warnings


async def test_the_versions_are_asked_about_once_and_known_afterwards(tmp_path: Path) -> None:
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1_2))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld(limits=Limits(per_address=1), once=False) as world:
        held = world.hold(Holder(domain_of("a.example", settings_of(port, 5.0, MODULE))), NAME, "127.0.0.2").host
        (first,) = await world.first_results(held)
        await until(lambda: world.sessions >= 3)
        await host.sessions_ended(3)
        assert states(first) == {}
        while not (found := await world.again(held)).facts.old_versions:
            pass
        sessions = world.sessions
        await world.again(held)
        assert world.sessions == sessions + 1
        world.let_go()
    assert states(found)["TLSv1"] is states(found)["TLSv1.1"] is S.REFUSED


async def test_a_host_that_limits_its_sessions_is_left_alone_and_nothing_is_said(tmp_path: Path) -> None:
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        target = domain_of("a.example", settings_of(port, 5.0, MODULE))
        probe = asyncio.ensure_future(world.probe(target, (NAME, "127.0.0.2")))
        await until(lambda: host.sessions)
        host.script = ordinary(NAME, greeting=reply(421, "4.7.0 too many connections"))
        (found,) = await probe
        assert world.sessions == 2
    assert states(found)["TLSv1"] is states(found)["TLSv1.1"] is S.UNKNOWN
    assert W.TLS_OLD_ACCEPTED not in found.outcome.warnings


async def test_a_host_without_tls_is_not_asked(tmp_path: Path) -> None:
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1_2, CLOSE))
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        target = domain_of("a.example", settings_of(port, 5.0, MODULE))
        (found,) = await world.probe(target, (NAME, "127.0.0.2"))
    assert found.facts.old_versions == ()


async def test_a_module_that_does_not_ask_costs_no_session(tmp_path: Path) -> None:
    host = SmtpHost(_script(tmp_path, ssl.TLSVersion.TLSv1_1))
    module = Module(stages=MODULE.stages)
    async with running(("127.0.0.2", host)) as (port, _), HostWorld() as world:
        (found,) = await world.probe(domain_of("a.example", settings_of(port, 5.0, module)), (NAME, "127.0.0.2"))
        assert world.sessions == 1
    assert (found.facts.tls is not None, found.facts.old_versions) == (True, ())


@pytest.mark.parametrize(
    ("protocols", "ciphers", "state"),
    [
        (">=TLSv1", "ALL", S.ACCEPTED),
        (">=TLSv1", "kDHE:kECDHE+AESGCM", S.ACCEPTED),  # the second ones are of TLS 1.2
        (">=TLSv1.2", "ALL", S.REFUSED),
    ],
)
async def test_postfix(tmp_path: Path, protocols: str, ciphers: str, state: S) -> None:
    lone = issue("self-signed", key=rsa.generate_private_key(65537, 2048))
    shutil.copy(write_chain(tmp_path, lone), tmp_path / "postfix.pem")
    settings = (
        f"smtpd_tls_security_level = may\nsmtpd_tls_chain_files = {tmp_path}/postfix.pem\n"
        f"smtpd_tls_protocols = {protocols}\nsmtpd_tls_ciphers = low\ntls_low_cipherlist = {ciphers}:@SECLEVEL=0\n"
    )
    with postfix(tmp_path / "postfix", NAME, settings) as port:
        async with HostWorld() as world:
            target = domain_of("a.example", settings_of(port, 10.0, MODULE))
            (found,) = await world.probe(target, (NAME, "127.0.0.1"))
    assert found.facts.tls is not None
    assert found.facts.tls.version == "TLSv1.3"
    assert states(found)["TLSv1"] is states(found)["TLSv1.1"] is state, found.facts.old_versions
    assert (W.TLS_OLD_ACCEPTED in found.outcome.warnings) is (state is S.ACCEPTED)


def test_a_plan_without_tls_has_no_versions() -> None:
    with pytest.raises(ValueError, match="without TLS"):
        version_plan(Plan(b"probe.example", (State.EHLO,)), "TLSv1")
