"""`mx-exporter probe` that waits in a terminal for its message to arrive: an interrupt, a mailbox that refuses us."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.demo.mailbox import NAME
from exporter.lab.certificates import Authority
from exporter.lab.host import listening_in_thread
from exporter.lab.imap_host import ImapHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from tests.support.exporter_process import command
from tests.support.terminal import interrupted, interruptible, on_terminal, terminal, wishing
from tests.support.waiting import until_sync

_USER, _PASSWORD = "canary@mail.example", "hidden words"
_CONFIGURATION = """\
defaults: {{allow_addresses: [127.0.0.0/8], helo: probe.example}}
modules:
  canary:
    stages: [ehlo, mail, rcpt, data]
    mail_from: probe@example.net
    rcpt_to: {user}
    data: {{arrival: {{host: "{name}:{imap}", username: {user}, password_file: password, within: 1h}}}}
"""


@dataclass
class Place:
    """A mail host that loses what it accepts, and the mailbox in which that is looked for."""

    mailbox: ImapHost
    argv: list[str]
    environ: dict[str, str]
    password: Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    authority = Authority()
    (tmp_path / "roots.pem").write_text(authority.pem)
    (tmp_path / "password").write_text(_PASSWORD)
    mailbox = ImapHost(_USER, _PASSWORD, context=authority.server_context(NAME))
    with listening_in_thread(mailbox) as imap, listening_in_thread(SmtpHost(ordinary("mx.mail.example"))) as smtp:
        path = tmp_path / "config.yaml"
        path.write_text(_CONFIGURATION.format(user=_USER, name=NAME, imap=imap))
        argv = command("probe", f"127.0.0.1:{smtp}", "--module=canary", f"--config.file={path}")
        environ = wishing({"SSL_CERT_FILE": str(tmp_path / "roots.pem"), "NO_COLOR": "1"})
        yield Place(mailbox, [*argv], environ, tmp_path / "password")


def test_an_interrupt_ends_the_wait_and_claims_nothing(place: Place) -> None:
    with terminal(120) as (ours, theirs):
        running = subprocess.Popen(
            place.argv, stdout=theirs, stderr=theirs, env=place.environ, preexec_fn=interruptible
        )
        text = interrupted(running, ours, theirs)
    text = " ".join(text.split())
    assert "looking in the mailbox, for up to 1h … 1 s" in text
    assert "UTC it is not known yet whether it arrives" in text
    assert "not_arrived" not in text
    assert "Traceback" not in text
    assert _PASSWORD not in text
    assert place.mailbox.sessions == 1
    until_sync(lambda: place.mailbox.logouts == 1)


def test_nobody_waits_for_a_mailbox_that_refuses_the_password(place: Place) -> None:
    place.password.write_text("no such words")
    shown = on_terminal(place.argv, environ=place.environ)
    assert shown.returncode == 0
    assert "its mailbox cannot be looked into (login): it refuses our user name or password" in shown.plain
    assert "no such words" not in shown.plain
    assert place.mailbox.sessions == 1
