"""The owner of the engine: it keeps what the engine finds out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, MxLookup, Said
from exporter.model.target import Target
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host
from exporter.probe.watched_session import SessionWatcher


class Audience(Protocol):
    """The person who watches probes as they happen; the server has none."""

    def turned(self, target: Target, lookup: MxLookup | None, hosts: Sequence[Host]) -> None:
        """A target has its hosts; `lookup` None: it is named by its host."""

    def session_begins(self, conversation: Conversation, leader: Host) -> SessionWatcher:
        """A session with the name of `leader` begins soon; others of the conversation may have been before."""


class EngineOwner(Protocol):
    """The calls of the engine; none may take long."""

    def turn_started(self, lag: float) -> None:
        """A turn or a session has begun, so many seconds late."""

    def internal_error(self) -> None:
        """A bug of the exporter has shown, which is logged already."""

    def session_begun(self) -> None:
        """A session begins; a turn may have a second one, as without TLS after a handshake that failed."""

    def session_made(self, conversation: Conversation, leader: HostResult, said: Said) -> None:
        """A session has ended; `leader` is the result of the host whose name was used."""

    def host_told(self, host: Host, *, session: bool) -> None:
        """A host has another result: of a `session`, or judged again. Also one that no configured target holds."""

    def host_before(self, identity: HostIdentity) -> HostResult | None:
        """The last result of a host, be it of before the start; None: none is known."""

    def host_gone(self, host: Host) -> None:
        """No configured target holds a host any more. Of one that none has ever held nothing is told."""

    def domain_told(self, target: Target, result: DomainResult, *, turn: bool) -> None:
        """A target has another result: of its turn, or because the state of a host has changed."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """The egress of a family has another state."""

    def resolver_changed(self, view: ResolverView) -> None:
        """The resolver has another state."""
