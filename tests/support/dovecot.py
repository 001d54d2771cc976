"""A real Dovecot, a private instance on ports of 127.0.0.1: IMAP over TLS and LMTP, with a rule that files as junk."""

from __future__ import annotations

import contextlib
import shutil
import smtplib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from tests.support.certificates import authority, issue
from tests.support.daemons import accepts, free_port, running
from tests.support.require import missing, require_program, require_root

USER: Final = "canary@mail.example"
PASSWORD: Final = 'corr"ect \\ hörse'
_MODULES: Final = Path("/usr/lib/dovecot/modules")
_RULE: Final = 'require "fileinto";\nif header :contains "Subject" "as junk" { fileinto "Spam folder"; }\n'


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running instance."""

    imap: int
    lmtp: int
    roots: Path  # to verify its certificate, for localhost, with
    mails: Path
    log: Path

    def deliver(self, message_id: str, subject: str = "a message", *more: tuple[str, str]) -> None:
        """Deliver a message as a mail server does."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "probe@example.net", USER, subject
        message["Message-ID"] = message_id
        for name, value in more:
            message[name] = value
        message.set_content("text\n")
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            client.send_message(message)

    def kept(self) -> list[bytes]:
        """The messages in all folders."""
        return [path.read_bytes() for path in self.mails.rglob("*") if path.parent.name in ("new", "cur")]


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[Dovecot]:
    """An instance with one user, whose messages about "as junk" go to a folder that it marks as the one for junk."""
    require_root()
    program = require_program("dovecot")
    if not (_MODULES / "lib90_sieve_plugin.so").exists() or not Path("/usr/lib/dovecot/lmtp").exists():
        missing("dovecot-sieve and dovecot-lmtpd are not installed")
    imap, lmtp = free_port(), free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mx-dovecot-") as name:
        place = Path(name)
        place.chmod(0o755)  # its processes are not root
        root = authority()
        chain, key = issue("localhost", by=root).write(place)
        (place / "roots.pem").write_text(root.pem)
        (place / "rule.sieve").write_text(_RULE)
        (place / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (place / "mails").mkdir()
        for path in (place / "mails", place / "rule.sieve", place / "users"):
            shutil.chown(path, "nobody", "nogroup")
        (place / "dovecot.conf").write_text(_configuration(place, imap, lmtp, chain, key))
        argv = [program, "-F", "-c", str(place / "dovecot.conf")]
        log = folder / "dovecot.log"
        with running(argv, lambda: accepts(imap) and accepts(lmtp), log, place / "run" / "master.pid"):
            yield Dovecot(imap, lmtp, place / "roots.pem", place / "mails", log)


def _configuration(place: Path, imap: int, lmtp: int, chain: Path, key: Path) -> str:
    return f"""\
base_dir = {place}/run
state_dir = {place}/run
log_path = /dev/stderr
protocols = imap lmtp
listen = 127.0.0.1
ssl = required
auth_failure_delay = 0
ssl_cert = <{chain}
ssl_key = <{key}
mail_location = maildir:{place}/mails
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {place}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={place}/mails/home
}}
namespace inbox {{
  inbox = yes
  mailbox "Spam folder" {{
    auto = create
    special_use = \\Junk
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imap}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  # Without it an address that has given a wrong password waits at its next logins, those of other tests.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
protocol lmtp {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{place}/rule.sieve
}}
"""
