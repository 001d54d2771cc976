"""The mailbox of the demo's canaries: what their host takes is where the levers have it, as the exporter looks."""

from __future__ import annotations

import secrets
import smtplib
from pathlib import Path

import pytest

from exporter.arrival.mailbox_session import MailboxSession
from exporter.demo.mailbox import CANARY_HOST, NAME, USER, Filing
from exporter.demo.world import DemoWorld
from exporter.model.arrival import AuthenticationMethod, AuthenticationResult, Folder, Found
from exporter.model.target import CANARY_ID_PREFIX, CanaryMailbox

SPF, DKIM, DMARC = AuthenticationMethod.SPF, AuthenticationMethod.DKIM, AuthenticationMethod.DMARC
PASS, NONE = AuthenticationResult.PASS, AuthenticationResult.NONE


@pytest.fixture
def mailbox(world: DemoWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CanaryMailbox:
    roots = tmp_path / "roots.pem"
    roots.write_text(world.authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    return CanaryMailbox(NAME, world.mailbox.port, USER, world.mailbox.password, authserv_ids=(CANARY_HOST.name,))


@pytest.mark.parametrize(
    ("filing", "where"),
    [
        (Filing.INBOX, (Folder.INBOX, ((SPF, PASS), (DKIM, NONE), (DMARC, PASS)))),
        (Filing.JUNK, (Folder.JUNK, ((SPF, PASS), (DKIM, NONE), (DMARC, PASS)))),
        (Filing.LOST, None),
    ],
    ids=lambda value: value.name if isinstance(value, Filing) else "",
)
def test_a_message_is_filed_as_the_lever_says(
    world: DemoWorld,
    mailbox: CanaryMailbox,
    filing: Filing,
    where: tuple[Folder, tuple[tuple[AuthenticationMethod, AuthenticationResult], ...]] | None,
) -> None:
    message_id = f"{CANARY_ID_PREFIX}{secrets.token_hex(16)}@probe.example"
    world.mailbox.filing = filing
    try:
        with smtplib.SMTP(world.hosts[CANARY_HOST.key].address, world.smtp_port, timeout=10.0) as client:
            client.sendmail("probe@probe.example", [USER], f"Message-ID: <{message_id}>\r\n\r\n.\r\n")
    finally:
        world.mailbox.filing = Filing.INBOX
    session = MailboxSession(mailbox)
    try:
        assert session.knows_junk
        found = session.look((message_id,))
        assert session.look((message_id,)) == ()
        assert session.remove_old() == 0
    finally:
        session.close()
    assert found == (() if where is None else (Found(message_id, *where),))
