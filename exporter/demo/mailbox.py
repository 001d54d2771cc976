"""The mailbox of the demo's canaries: what their mail host takes is filed in it, and read by IMAP."""

from __future__ import annotations

import secrets
from enum import Enum
from typing import Final

from exporter.demo.domain import works
from exporter.lab import imap_host
from exporter.lab.certificates import Authority
from exporter.lab.imap_host import ImapHost

_DOMAIN: Final = "canary.example"
# Their mail host, and the name in the results of authentication that it writes. A target of its own, for it is probed
# once a minute: a canary asks for no less, and all domains are to be known sooner.
CANARY_HOST: Final = works(f"mx.{_DOMAIN}", "127.55.15.1")
USER: Final = f"canary@{_DOMAIN}"
# The name that the system's resolver knows on every machine: the demo's own DNS is not asked for mailboxes.
NAME: Final = "localhost"
# Beside the configuration.
PASSWORD_FILE: Final = "canary-password"  # noqa: S105 - no password


class Filing(Enum):
    """The folder that messages are filed in."""

    INBOX = imap_host.INBOX
    JUNK = imap_host.JUNK
    LOST = None  # they are accepted, and end nowhere


class DemoMailbox:
    """The mailbox and its IMAP server, which belongs to one event loop. `filing` may be set from any thread."""

    def __init__(self, authority: Authority) -> None:
        self.filing = Filing.INBOX
        self.password = secrets.token_hex(16)
        self.port = 0
        self._imap = ImapHost(USER, self.password, context=authority.server_context(NAME))

    async def start(self) -> None:
        """Listen on a port that is free, the same one after a stop."""
        self.port = await self._imap.start(port=self.port)

    async def stop(self) -> None:
        """Drop every session, and file as at the start."""
        await self._imap.stop()
        self.filing = Filing.INBOX

    def take(self, message: bytes) -> None:
        """File a message that was accepted, with what the host thinks of it (RFC 8601)."""
        folder = self.filing.value
        if folder is None:
            return
        # As the page of our own standing has it: the policy of the demo's sender allows its address.
        results = f"Authentication-Results: {CANARY_HOST.name}; spf=pass; dkim=none; dmarc=pass\r\n"
        self._imap.deliver(folder, results.encode() + message)
