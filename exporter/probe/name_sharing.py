"""The MX names of one address: which of them share a session with TLS, and which need one of their own.

A front end may have a certificate for each name, and chooses it by the name in the handshake (SNI). So a shared session
counts for a name that its certificate is for (exporter.probe.name_coverage). Another name is parted: it has sessions of
its own, until a shared one shows its state again. So is a name whose TLSA records bind it to a certificate (RFC 7672
3.1), for they say nothing about that of another name. Most servers with a wrong certificate know only one, whatever
name is asked for: a name whose own session shows the certificate of the shared one shares it again, and is asked by
itself once a day.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.policy import TlsaLookup, TlsaStatus
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.hosts import Host, HostKey, HostTable
from exporter.probe.name_coverage import leaf, record_for
from exporter.probe.session_record import SessionRecord
from exporter.tls.roots import Roots

# A name whose certificate is the wrong one of all is asked by itself once in so long.
OWN_SESSION_SECONDS: Final = 86400.0
# Whether a handshake fails for one name or for all is asked once in so long.
CONTROL_SECONDS: Final = 3600.0
# Names and addresses about which that is known. Beyond it the oldest are asked again.
_MAX_NAMES: Final = 100_000
_MAX_CONTROLS: Final = 10_000
_ROOTS_SECONDS: Final = 1.0
# RFC 7672 2.1.1: without an answer to the question for TLSA records it is not known which certificate counts.
_BINDING: Final = frozenset({TlsaStatus.FOUND, TlsaStatus.FAILED})


class NameSharing:
    """Decides for the names of all addresses. Used by one event loop."""

    def __init__(self, table: HostTable, roots: Callable[[], Roots]) -> None:
        self._table = table
        self._roots = roots
        self._roots_read: tuple[float, Roots] | None = None
        self._time = asyncio.get_running_loop().time
        # The certificate, as a digest, that a name's own session and the shared one have in common, and until when.
        self._wrong: BoundedDict[HostKey, tuple[bytes, float]] = BoundedDict(_MAX_NAMES)
        self._controlled: BoundedDict[ConversationKey, float] = BoundedDict(_MAX_CONTROLS)

    def record_for(self, host: Host, record: SessionRecord, tlsa: TlsaLookup | None) -> SessionRecord | None:
        """The record of a session with another name of the address as that of `host`; None: it needs its own."""
        if record.tls is None or host.key.dialogue.module.starttls.server_name:
            return record
        if record.plan is not None and record.plan.tls is not None and record.plan.tls.server_name == host.key.mx:
            return record
        if tlsa is not None and tlsa.status in _BINDING:
            return None
        roots = self._trusted()
        found = record_for(record, host.key.mx, roots)
        if found is None and self._is_wrong_for_all(host, record):
            return record_for(record, host.key.mx, roots, despite_mismatch=True)
        return found

    def may_unite(self, host: Host, own: SessionRecord, tlsa: TlsaLookup | None) -> bool:
        """After a session of its own: `host` may share those of its address again."""
        shared = self._table.shared(host)
        if shared is None:
            return True  # it leads them
        record = shared.record
        if record is None:
            return False
        if own.tls is None or record.tls is None:
            # Without TLS all names are one; a session that failed on its way there shows nothing.
            return own.tls is record.tls and _passed(own) and _passed(record)
        if leaf(own) == leaf(record):
            self._wrong[host.key] = _digest(own), self._time() + OWN_SESSION_SECONDS
        return self.record_for(host, record, tlsa) is not None

    def wants_control(self, conversation: Conversation) -> bool:
        """The next name of a conversation is to show whether a failed handshake is that of one name or of all."""
        now = self._time()
        if len(conversation.hosts) < 2 or conversation.dialogue.module.starttls.server_name:
            return False
        if self._controlled.get(conversation.key, 0.0) > now:
            return False
        self._controlled[conversation.key] = now + CONTROL_SECONDS
        return True

    def worked(self, conversation: Conversation) -> None:
        """Its handshake is done: the next failure is a new one."""
        if self._controlled:
            self._controlled.pop(conversation.key)

    def _trusted(self) -> Roots:
        """The system's authorities, looked at once a second: many names are compared at once."""
        now = self._time()
        if self._roots_read is None or now - self._roots_read[0] > _ROOTS_SECONDS:
            self._roots_read = now, self._roots()
        return self._roots_read[1]

    def _is_wrong_for_all(self, host: Host, record: SessionRecord) -> bool:
        known = self._wrong.get(host.key)
        return known is not None and known[1] > self._time() and known[0] == _digest(record)


def _passed(record: SessionRecord) -> bool:
    return record.connect is None and record.problem is None and record.failed_tls is None


def _digest(record: SessionRecord) -> bytes:
    return hashlib.sha256(leaf(record)).digest()
