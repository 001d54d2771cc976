"""A whole conversation with aiosmtpd: an implementation of the protocol by others, in this process."""

from __future__ import annotations

import asyncio
import warnings
from pathlib import Path
from typing import Any

import pytest

from exporter.model.failure import FailureClass, Stage
from exporter.model.result import HostIdentity, HostResult
from exporter.probe.host_result import host_result
from exporter.probe.session import Session
from exporter.probe.session_request import Endpoint, SessionOptions
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan
from tests.support.certificates import authority, issue
from tests.support.require import missing

NAME = "mx.example"
ROOT = authority()
S = State
STEPS = (S.EHLO, S.STARTTLS, S.AUTH, S.VRFY, S.EXPN, S.MAIL, S.RCPT, S.RCPT)


class Mailbox:
    """Keeps what is delivered; knows one recipient."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 5.1.1 User unknown"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append(envelope.content)
        return "250 2.0.0 Ok"


@pytest.fixture(autouse=True)
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "roots.pem").write_text(ROOT.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))


async def talk(plan: Plan, mailbox: Mailbox, message: bytes = b"") -> HostResult:
    try:
        from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
    except ImportError:
        missing("the Python package aiosmtpd is not installed")

    def authenticate(*arguments: Any) -> Any:
        given = arguments[-1]
        assert isinstance(given, LoginPassword)
        return AuthResult(success=(given.login, given.password) == (b"me", b"secret"), handled=False)

    def serve() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what it thinks of its own settings
            return SMTP(
                mailbox, hostname=NAME, tls_context=issue(NAME, by=ROOT).context(), require_starttls=True,
                authenticator=authenticate, auth_require_tls=True, data_size_limit=5000, enable_SMTPUTF8=True,
            )  # fmt: skip

    loop = asyncio.get_running_loop()
    server = await loop.create_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        options = SessionOptions(transcript=True, message=message)
        record = await Session(plan, Endpoint("127.0.0.1", port), 10.0, options).run()
    finally:
        server.close()
    return host_result(HostIdentity(NAME, "127.0.0.1", port, "default"), record)


def plan(*steps: State, password: str = "secret", **arguments: Any) -> Plan:
    tls = TlsPlan(NAME, required=True, verify=True)
    return Plan(b"me.example", steps, tls=tls, credentials=Credentials("me", password), **arguments)


@pytest.mark.filterwarnings("ignore")
async def test_it_is_asked_everything_and_nothing_is_delivered() -> None:
    mailbox = Mailbox()
    asked = plan(*STEPS, recipients=("a@mx.example", "nobody@mx.example"), vrfy="a", expn="b", size=100)
    host = await talk(asked, mailbox)
    assert host.failure is not None
    assert (host.failure.stage, host.failure.failure_class) == (Stage.RCPT, FailureClass.MAILBOX_UNKNOWN)
    assert host.facts.recipients == (("a@mx.example", 250), ("nobody@mx.example", 550))
    codes = dict(host.facts.reply_codes)
    assert (codes[Stage.STARTTLS], codes[Stage.AUTH], codes[Stage.RSET], codes[Stage.QUIT]) == (220, 235, 250, 221)
    assert host.facts.tls is not None
    assert host.facts.tls.verified
    assert mailbox.messages == []


@pytest.mark.filterwarnings("ignore")
async def test_it_takes_a_message_whole() -> None:
    mailbox = Mailbox()
    text = b"Subject: x\r\n\r\n.\r\n..\r\nend\r\n"
    host = await talk(plan(*STEPS[:2], S.MAIL, S.RCPT, S.DATA, recipients=("a@mx.example",)), mailbox, text)
    assert host.failure is None
    assert mailbox.messages == [text]


@pytest.mark.filterwarnings("ignore")
async def test_it_refuses_a_wrong_password() -> None:
    host = await talk(plan(*STEPS[:3], password="wrong"), Mailbox())
    assert host.failure is not None
    assert host.failure.failure_class is FailureClass.AUTH_FAILED
