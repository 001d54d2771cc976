"""Whole conversations with the mail servers that most of the world runs: what they answer, take, refuse and reveal."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import socketserver
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from email.message import EmailMessage
from ipaddress import ip_network
from pathlib import Path
from textwrap import indent

import pytest

from exporter.config.load import parse
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostResult
from exporter.model.target import Target, TargetKind
from exporter.model.warning import HostWarning
from tests.probe.hosting import HostWorld
from tests.support.certificates import Issued, authority, issue
from tests.support.daemons import accepts, free_port
from tests.support.mail_servers import exim, opensmtpd, postfix
from tests.support.require import require_program
from tests.support.waiting import until

pytestmark = pytest.mark.long

C, W = FailureClass, HostWarning
DOMAIN, NAME = "real.example", "mx.real.example"
ROOT = authority()
PASSWORD = "correct horse"

ENVELOPE = f"""
stages: [ehlo, starttls, vrfy, expn, mail, rcpt]
mail_from: probe@example.net
rcpt_to: ["postmaster@{NAME}", "nobody@elsewhere.example"]
size: 5000
vrfy: postmaster
expn: staff
"""
CANARY = f"""
stages: [ehlo, starttls, mail, rcpt, data]
mail_from: probe@example.net
rcpt_to: postmaster@{NAME}
data:
  from: probe@example.net
  to: postmaster@{NAME}
  cc: staff@example.net
  reply_to: answers@example.net
  subject: Kanarienvogel grüßt
  body: |
    The next line is a dot.
    .
    ..and two
"""
SUBMISSION = """
stages: [ehlo, auth, mail, rcpt]
tls: implicit
starttls: {verify: require}
auth: {username: probe, password_file: password}
rcpt_to: someone@elsewhere.example
"""


@pytest.fixture
def server_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Chain and key of a server that this system trusts."""
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    return _certificate().write(tmp_path)


def _certificate() -> Issued:
    return issue(NAME, by=ROOT)


async def probe(folder: Path, port: int, module: str) -> HostResult:
    """What a probe with this module shows of the server."""
    config = parse(f"modules:\n  m:\n{indent(module, '    ')}\n", str(folder / "config.yaml"))
    loopback = (ip_network("127.0.0.0/8"),)
    settings = replace(config.settings("m"), port=port, allow_addresses=loopback, timeout=20.0)
    target = Target(TargetKind.DOMAIN, DOMAIN, DOMAIN, settings)
    async with HostWorld() as world:
        (found,) = await world.probe(target, (NAME, "127.0.0.1"))
        return found


def said(host: HostResult) -> list[str]:
    """The first words of what we said, but for the lines of a message."""
    lines = b"".join(line.data for line in host.transcript if line.sent).split(b"From: ")[0]
    return [line.split(b" ")[0].decode() for line in lines.splitlines()]


def outcome(host: HostResult) -> tuple[Stage, FailureClass] | None:
    return None if host.failure is None else (host.failure.stage, host.failure.failure_class)


def assert_is_the_canary(message: EmailMessage) -> None:
    expected = {
        "From": "probe@example.net",
        "To": f"postmaster@{NAME}",
        "Cc": "staff@example.net",
        "Reply-To": "answers@example.net",
        "Subject": "Kanarienvogel grüßt",
        "Auto-Submitted": "auto-generated",
    }
    assert {name: message[name] for name in expected} == expected
    assert message["Message-ID"].endswith("@example.net>")
    assert message["Date"].datetime.tzinfo is not None
    assert message.get_content() == "The next line is a dot.\n.\n..and two\n"


def message_of(raw: bytes) -> EmailMessage:
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


# Postfix


@contextlib.contextmanager
def a_postfix(folder: Path, files: tuple[Path, Path], settings: str = "", services: str = "") -> Iterator[int]:
    """Postfix with STARTTLS that keeps what it takes."""
    chain, key = files
    tls = f"smtpd_tls_chain_files = {key}, {chain}\nsmtpd_tls_security_level = may\nmessage_size_limit = 100000\n"
    hold = (
        "" if "smtpd_recipient" in settings else "smtpd_recipient_restrictions = check_recipient_access static:HOLD\n"
    )
    with postfix(folder / "postfix", NAME, tls + hold + settings, services) as port:
        yield port


def _queued(folder: Path) -> list[Path]:
    place = (folder / "postfix" / "place").resolve() / "queue"
    return [file for name in ("hold", "incoming", "active", "deferred") for file in (place / name).rglob("*")]


async def test_postfix_is_asked_everything_and_nothing_is_left_there(
    tmp_path: Path, server_files: tuple[Path, Path]
) -> None:
    with a_postfix(tmp_path, server_files) as port:
        host = await probe(tmp_path, port, ENVELOPE + "starttls: {required: true, verify: require}")
        # What RSET takes back, Postfix's cleanup throws away in its own time.
        await until(lambda: not any(file.is_file() for file in _queued(tmp_path)))
    assert outcome(host) == (Stage.RCPT, C.RELAY_DENIED)
    assert host.facts.recipients == ((f"postmaster@{NAME}", 250), ("nobody@elsewhere.example", 554))
    assert dict(host.facts.reply_codes) == {
        Stage.BANNER: 220, Stage.EHLO: 250, Stage.STARTTLS: 220, Stage.EHLO_TLS: 250, Stage.VRFY: 252,
        Stage.EXPN: 500, Stage.MAIL: 250, Stage.RCPT: 554, Stage.RSET: 250, Stage.QUIT: 221,
    }  # fmt: skip
    assert said(host) == ["EHLO", "STARTTLS", "EHLO", "VRFY", "EXPN", "MAIL", "RCPT", "RCPT", "RSET", "QUIT"]
    assert host.facts.tls is not None
    assert host.facts.tls.verified
    assert host.facts.size_limit == 100000


async def test_postfix_takes_the_canary_whole(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    with a_postfix(tmp_path, server_files) as port:
        host = await probe(tmp_path, port, CANARY)
        (file,) = [file for file in _queued(tmp_path) if file.is_file()]
        postcat = [require_program("postcat"), "-c", str(tmp_path / "postfix" / "place" / "etc"), "-bh", str(file)]
        text = (await asyncio.to_thread(subprocess.run, postcat, capture_output=True, check=True)).stdout
    assert outcome(host) is None
    assert said(host)[-2:] == ["RCPT", "DATA"]
    assert dict(host.facts.reply_codes)[Stage.DATA] == 250
    assert dict(host.timings.phases)[Stage.DATA] > 0
    assert_is_the_canary(message_of(text))


async def test_postfix_with_vrfy_off(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    with a_postfix(tmp_path, server_files, "disable_vrfy_command = yes\n") as port:
        host = await probe(tmp_path, port, "stages: [ehlo, vrfy]\nvrfy: postmaster")
    assert outcome(host) is None
    assert dict(host.facts.reply_codes)[Stage.VRFY] == 502
    assert W.VRFY_ENABLED not in host.outcome.warnings


@pytest.mark.parametrize(("size", "expected"), [(100000, None), (100001, (Stage.MAIL, C.MESSAGE_TOO_LARGE))])
async def test_postfix_announces_a_limit(
    tmp_path: Path, server_files: tuple[Path, Path], size: int, expected: tuple[Stage, FailureClass] | None
) -> None:
    with a_postfix(tmp_path, server_files) as port:
        host = await probe(tmp_path, port, f"stages: [ehlo, mail]\nsize: {size}")
    assert outcome(host) == expected


async def test_postfix_takes_international_addresses(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    with a_postfix(tmp_path, server_files) as port:
        host = await probe(
            tmp_path, port, f"stages: [ehlo, mail, rcpt]\nmail_from: jörg@example.net\nrcpt_to: ü@{NAME}"
        )
    assert outcome(host) is None
    assert dict(host.facts.reply_codes)[Stage.RCPT] == 250


async def test_postfix_with_implicit_tls(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    tls_port = free_port()
    service = f"127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n"
    module = "stages: [ehlo, mail]\ntls: implicit\nstarttls: {verify: require}"
    with a_postfix(tmp_path, server_files, services=service) as port:
        await until(lambda: accepts(tls_port))  # its ports are opened one after the other
        host = await probe(tmp_path, tls_port, module)
        plain = await probe(tmp_path, port, module)
    assert outcome(host) is None
    assert host.outcome.warnings == ()
    assert [stage for stage, _ in host.timings.phases][:3] == [Stage.CONNECT, Stage.TLS, Stage.BANNER]
    assert outcome(plain) == (Stage.TLS, C.TLS_HANDSHAKE)


class Greylist(socketserver.StreamRequestHandler):
    """Postfix's policy protocol (SMTPD_POLICY_README): attributes, an empty line; an action, an empty line."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line == b"\n":
                self.wfile.write(b"action=defer_if_permit 4.7.1 Greylisted, please try again in 300 seconds\n\n")


async def test_postfix_with_a_greylisting_policy_service(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greylist) as policy:
        policy.daemon_threads = True
        thread = threading.Thread(target=policy.serve_forever)
        thread.start()
        try:
            check = f"smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy.server_address[1]}\n"
            with a_postfix(tmp_path, server_files, check) as port:
                host = await probe(tmp_path, port, f"stages: [ehlo, mail, rcpt]\nrcpt_to: postmaster@{NAME}")
        finally:
            policy.shutdown()
            thread.join()
    assert outcome(host) == (Stage.RCPT, C.GREYLISTED)
    assert dict(host.facts.enhanced)[Stage.RCPT] == "4.7.1"
    assert said(host)[-2:] == ["RSET", "QUIT"]


# Exim


@contextlib.contextmanager
def an_exim(
    folder: Path, files: tuple[Path, Path], mechanisms: str = "PLAIN LOGIN", asking: str = "accept"
) -> Iterator[tuple[int, int]]:
    """Exim with STARTTLS, AUTH and an alias that keeps what it takes; gives its port and that of implicit TLS."""
    chain, key = files
    tls_port = free_port()
    authenticators = {
        "PLAIN": "server_prompts = :\n  server_condition = "
        f"${{if and{{{{eq{{$auth2}}{{probe}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}",
        "LOGIN": "server_prompts = Username:: : Password::\n  server_condition = "
        f"${{if and{{{{eq{{$auth1}}{{probe}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}",
    }
    offered = "".join(
        f"{name.lower()}:\n  driver = plaintext\n  public_name = {name}\n  {authenticators[name]}\n"
        "  server_advertise_condition = ${if def:tls_in_cipher}\n"
        for name in mechanisms.split()
    )
    settings = f"""\
tls_advertise_hosts = *
tls_certificate = {chain}
tls_privatekey = {key}
message_size_limit = 100000
queue_only = true
acl_smtp_vrfy = {asking}
acl_smtp_expn = {asking}
acl_smtp_rcpt = check_rcpt
begin acl
check_rcpt:
  accept authenticated = *
  accept domains = {NAME}
  deny message = relay not permitted
begin routers
aliases:
  driver = redirect
  data = ${{if eq{{$local_part}}{{staff}}{{postmaster@{NAME}, root@{NAME}}}}}
all:
  driver = accept
  transport = none
begin transports
none:
  driver = appendfile
  file = /dev/null
begin authenticators
{offered}"""
    with exim(folder / "exim", NAME, settings, tls_port) as port:
        yield port, tls_port


async def test_exim_is_asked_everything_and_nothing_is_left_there(
    tmp_path: Path, server_files: tuple[Path, Path]
) -> None:
    with an_exim(tmp_path, server_files) as (port, _):
        host = await probe(tmp_path, port, ENVELOPE + "starttls: {required: true, verify: require}")
        assert list((tmp_path / "exim" / "spool" / "input").glob("*-*")) == []
    assert outcome(host) == (Stage.RCPT, C.RELAY_DENIED)
    codes = dict(host.facts.reply_codes)
    assert [codes[stage] for stage in (Stage.VRFY, Stage.EXPN, Stage.MAIL, Stage.RCPT, Stage.RSET)] == [
        250, 250, 250, 550, 250,
    ]  # fmt: skip
    assert any(b"root@mx.real.example" in line.data for line in host.transcript)
    assert (host.facts.auth_plaintext, host.facts.auth_tls) == ((), ("PLAIN", "LOGIN"))
    assert host.facts.tls is not None
    assert host.facts.tls.verified


@pytest.mark.parametrize(("asking", "warnings"), [("accept", {W.VRFY_ENABLED, W.EXPN_ENABLED}), ("deny", set())])
async def test_exim_reveals_who_is_there_or_does_not(
    tmp_path: Path, server_files: tuple[Path, Path], asking: str, warnings: set[HostWarning]
) -> None:
    with an_exim(tmp_path, server_files, asking=asking) as (port, _):
        host = await probe(tmp_path, port, "stages: [ehlo, vrfy, expn]\nvrfy: postmaster\nexpn: staff")
    assert outcome(host) is None
    assert set(host.outcome.warnings) & {W.VRFY_ENABLED, W.EXPN_ENABLED} == warnings


async def test_exim_takes_the_canary_whole(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    with an_exim(tmp_path, server_files) as (port, _):
        host = await probe(tmp_path, port, CANARY)
        spool = tmp_path / "exim" / "spool" / "input"
        (body,) = spool.glob("*-D")
        # Exim keeps a message's text apart from its header, and that with numbers before each field.
        text = body.read_text().split("\n", 1)[1]
        head = body.with_name(body.name.replace("-D", "-H")).read_text()
    assert outcome(host) is None
    assert text.endswith("The next line is a dot.\n.\n..and two\n")
    for field in ("From: probe@example.net", "Cc: staff@example.net", "Reply-To: answers@example.net"):
        assert f" {field}\n" in head


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN"])
async def test_exim_lets_a_user_submit(tmp_path: Path, server_files: tuple[Path, Path], mechanisms: str) -> None:
    with an_exim(tmp_path, server_files, mechanisms) as (port, tls_port):
        host = await probe(tmp_path, tls_port, SUBMISSION)
        by_starttls = await probe(
            tmp_path, port, SUBMISSION.replace("tls: implicit", "").replace("[ehlo, auth", "[ehlo, starttls, auth")
        )
        (tmp_path / "password").write_text("wrong")
        refused = await probe(tmp_path, tls_port, SUBMISSION)
    for taken in (host, by_starttls):
        assert outcome(taken) is None
        assert dict(taken.facts.reply_codes)[Stage.AUTH] == 235
        assert PASSWORD.encode() not in b"".join(line.data for line in taken.transcript)
    assert outcome(refused) == (Stage.AUTH, C.AUTH_FAILED)
    assert "MAIL" not in said(refused)


# OpenSMTPD


@contextlib.asynccontextmanager
async def an_opensmtpd(folder: Path, files: tuple[Path, Path] | None = None) -> AsyncIterator[tuple[int, SmtpHost]]:
    """OpenSMTPD that hands on what it takes to a host of ours."""
    behind = SmtpHost(ordinary("behind.example"))
    behind_port = await behind.start()
    settings = listen = ""
    if files is not None:
        settings = f'pki "{NAME}" cert "{files[0]}"\npki "{NAME}" key "{files[1]}"'
        listen = f'tls pki "{NAME}"'
    try:
        relay = f'relay host "smtp://127.0.0.1:{behind_port}"'
        with opensmtpd(folder / "opensmtpd", NAME, f"smtp max-message-size 100000\n{settings}", listen, relay) as port:
            yield port, behind
    finally:
        await behind.stop()


def _spooled() -> set[Path]:
    """What is queued: all instances share the one place that is compiled in."""
    return {file for file in Path("/var/spool/smtpd/queue").rglob("*") if file.is_file()}


async def test_opensmtpd_is_asked_everything_and_nothing_is_left_there(tmp_path: Path) -> None:
    before = _spooled()
    async with an_opensmtpd(tmp_path) as (port, _):
        host = await probe(tmp_path, port, ENVELOPE)
        assert _spooled() <= before
    assert outcome(host) is not None
    assert host.facts.recipients == ((f"postmaster@{NAME}", 250), ("nobody@elsewhere.example", 550))
    assert said(host) == ["EHLO", "VRFY", "EXPN", "MAIL", "RCPT", "RCPT", "RSET", "QUIT"]
    codes = dict(host.facts.reply_codes)
    assert (codes[Stage.MAIL], codes[Stage.RCPT], codes[Stage.RSET]) == (250, 550, 250)
    assert codes[Stage.VRFY] not in (250, 251)
    assert host.facts.size_limit == 100000


async def test_opensmtpd_takes_the_canary_whole(tmp_path: Path) -> None:
    before = _spooled()
    async with an_opensmtpd(tmp_path) as (port, behind):
        host = await probe(tmp_path, port, CANARY)
        assert outcome(host) is None
        sent = b"".join(line.data for line in host.transcript if line.sent)
        (own,) = [line for line in sent.splitlines() if line.startswith(b"Message-ID: ")]
        await until(lambda: any(own in session.message for session in behind.sessions), seconds=30.0)
        message = next(session.message for session in behind.sessions if own in session.message)
        await until(lambda: _spooled() <= before)  # or it would be delivered once more by the next instance
    assert dict(host.facts.reply_codes)[Stage.DATA] == 250
    assert_is_the_canary(message_of(message.replace(b"\r\n..", b"\r\n.").replace(b"\r\n", b"\n")))


async def test_opensmtpd_and_openssl_agree_about_its_tls(tmp_path: Path, server_files: tuple[Path, Path]) -> None:
    """Some builds of it cannot finish a handshake; OpenSSL's own client is the judge."""
    openssl = require_program("openssl")
    async with an_opensmtpd(tmp_path, server_files) as (port, _):
        argv = [openssl, "s_client", "-connect", f"127.0.0.1:{port}", "-starttls", "smtp", "-brief"]
        judge = await asyncio.to_thread(subprocess.run, argv, input=b"QUIT\r\n", capture_output=True, check=False)
        host = await probe(tmp_path, port, "stages: [ehlo, starttls]\nstarttls: {required: true, verify: require}")
    if b"CONNECTION ESTABLISHED" in judge.stderr + judge.stdout and judge.returncode == 0:
        assert outcome(host) is None
    else:
        assert outcome(host) == (Stage.TLS, C.TLS_HANDSHAKE)
