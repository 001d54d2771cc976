"""Probes under way for tests: hosts with conversations, and the lines that are shown of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from exporter.commands.live import LiveProbes
from exporter.commands.terminal import Line
from exporter.model.failure import Stage
from exporter.model.result import DomainResult, HostResult, TranscriptLine
from exporter.model.target import Target
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.dialogue import HostDialogue
from exporter.probe.hosts import Host, HostKey
from tests.results import domain


async def _nothing(conversation: Conversation) -> None:
    """No session is begun."""


class Watched:
    """A target whose hosts are those of a result, none of which has been seen yet."""

    def __init__(self, result: DomainResult, target: Target | None = None) -> None:
        self.target = target or domain()
        self.result = result
        self.live = LiveProbes()
        dialogue = HostDialogue(self.target, "", "default")
        self.hosts = [Host(HostKey(each.mx, each.address, dialogue)) for each in result.hosts]
        for host in self.hosts:
            host.conversation = Conversation(ConversationKey(host.key.address, dialogue, ""), _nothing)

    def turn(self) -> None:
        """The lookup is there."""
        self.live.turned(self.target, self.result.lookup, self.hosts)

    def greet(self, place: int, text: bytes = b"220 mx ESMTP\r\n") -> None:
        """A session begins and hears the greeting."""
        host = self.hosts[place]
        assert host.conversation is not None
        session = self.live.session_begins(host.conversation, host)
        session.awaits(Stage.CONNECT)
        session.connected(0.01, 0.009)
        session.awaits(Stage.BANNER)
        session.said(TranscriptLine(0.02, False, text))

    def end(self, place: int) -> HostResult:
        """A session ends with its result."""
        host, result = self.hosts[place], self.result.hosts[place]
        assert host.conversation is not None
        if (session := self.live.sessions.get(host.conversation)) is not None:
            session.ended()
        host.result = replace(result, identity=host.identity)
        return host.result


def texts(lines: Iterable[Line]) -> list[str]:
    """The lines as they are in a file."""
    return [line.text for line in lines]
