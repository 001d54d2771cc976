"""Real servers whose TLS is old, odd or none: what a probe of a domain behind them says."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostResult
from exporter.model.target import Module, Settings, Starttls, Target, TargetKind, TlsMode
from exporter.model.warning import HostWarning
from tests.probe.hosting import HostWorld, probe
from tests.support.certificates import Issued, authority, issue
from tests.support.daemons import accepts, free_port, running
from tests.support.mail_servers import postfix
from tests.support.require import require_program

C, W = FailureClass, HostWarning
NAME = "mx.real.example"
ROOT = authority()
STAGES = (Stage.EHLO, Stage.STARTTLS, Stage.MAIL)
SECURED = Module(stages=STAGES)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issued:
    """An RSA one, as finite-field Diffie-Hellman needs it, that this system trusts."""
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    return issue(NAME, by=ROOT, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))


async def _probe(port: int, module: Module = SECURED) -> HostResult:
    return await probe(port, module, 20.0, mx=NAME, address="127.0.0.1")


def _settings(folder: Path, certificate: Issued, *lines: str, level: str = "may") -> str:
    chain, key = certificate.write(folder)
    own = [f"smtpd_tls_cert_file = {chain}", f"smtpd_tls_key_file = {key}", f"smtpd_tls_security_level = {level}"]
    return "\n".join([*own, *lines, ""])


async def test_postfix_with_finite_field_diffie_hellman_alone(tmp_path: Path, certificate: Issued) -> None:
    lines = ("smtpd_tls_protocols = <=TLSv1.2", "tls_medium_cipherlist = kDHE:@SECLEVEL=0")
    with postfix(tmp_path / "mail", NAME, _settings(tmp_path, certificate, *lines)) as port:
        host = await _probe(port)
        required = await _probe(port, Module(stages=STAGES, starttls=Starttls(required=True)))
    assert host.failure is None
    assert W.TLS_HANDSHAKE in host.outcome.warnings
    assert "DHE) alone" in host.outcome.remarks[0]
    assert required.failure is not None
    assert required.failure.failure_class is C.TLS_HANDSHAKE
    assert "DHE) alone" in required.failure.detail


async def test_postfix_with_tls_1_0_alone(tmp_path: Path, certificate: Issued) -> None:
    lines = ("smtpd_tls_protocols = TLSv1", "tls_medium_cipherlist = ALL:@SECLEVEL=0")
    with postfix(tmp_path / "mail", NAME, _settings(tmp_path, certificate, *lines)) as port:
        host = await _probe(port, Module(stages=STAGES, starttls=Starttls(required=True, verify="require")))
    assert host.failure is None
    assert host.facts.tls is not None
    assert host.facts.tls.version == "TLSv1"
    assert W.TLS_OUTDATED in host.outcome.warnings


async def test_postfix_that_demands_a_client_certificate_says_so_itself(tmp_path: Path, certificate: Issued) -> None:
    """After a handshake that was done; its own words are the reason."""
    settings = _settings(tmp_path, certificate, "smtpd_tls_req_ccert = yes", level="encrypt")
    with postfix(tmp_path / "mail", NAME, settings) as port:
        host = await _probe(port)
    assert host.failure is not None
    assert host.failure.stage is Stage.EHLO_TLS
    assert "No client certificate presented" in host.failure.detail


@pytest.mark.parametrize("stages", [(Stage.EHLO,), STAGES])
async def test_postfix_behind_a_proxy_takes_the_header(
    tmp_path: Path, certificate: Issued, stages: tuple[Stage, ...]
) -> None:
    settings = _settings(tmp_path, certificate, "smtpd_upstream_proxy_protocol = haproxy")
    with postfix(tmp_path / "mail", NAME, settings) as port:
        host = await _probe(port, Module(stages=stages, proxy_protocol=True))
    assert host.failure is None
    first = host.transcript[0]
    assert first.sent
    assert first.data.startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 ")
    assert "connect from unknown[127.0.0.1]" in (log := (tmp_path / "mail" / "postfix.log").read_text()) or (
        "connect from localhost[127.0.0.1]" in log
    )


async def test_a_relay_that_is_named_by_its_address_is_asked_for_by_name(tmp_path: Path, certificate: Issued) -> None:
    """OpenSSL's own server has the certificate for who asks by that name, and another one for all others."""
    chain, key = certificate.write(tmp_path)
    other_chain, other_key = issue("other.example", by=ROOT).write(tmp_path, "other")
    port = free_port()
    argv = [require_program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-servername", NAME]
    argv += ["-cert", str(other_chain), "-key", str(other_key), "-cert2", str(chain), "-key2", str(key)]
    settings = Settings(port=port, allow_addresses=(ip_network("127.0.0.0/8"),), timeout=1.5)
    found = {}
    with running(argv, lambda: accepts(port), tmp_path / "s_server.log"):
        for name in ("", NAME):
            module = Module(tls=TlsMode.IMPLICIT, starttls=Starttls(server_name=name))
            target = Target(TargetKind.HOST, "127.0.0.1", "127.0.0.1", replace(settings, module=module))
            async with HostWorld() as world:
                (host,) = await world.probe(target, ("127.0.0.1", "127.0.0.1"))
            found[name] = host.facts.tls
    faults = {name: None if tls is None else [one.failure_class for one in tls.faults] for name, tls in found.items()}
    assert faults == {"": [C.TLS_NAME_MISMATCH], NAME: []}
