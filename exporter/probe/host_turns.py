"""The turns of all conversations: by callbacks where they are enough, else by a task."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome
from exporter.probe.conversation import Conversation
from exporter.probe.derived_results import DerivedResults
from exporter.probe.express_turn import begun_turn
from exporter.probe.host_tools import HostTools
from exporter.probe.host_turn import HostTurn
from exporter.probe.hosts import Host
from exporter.schedule.scheduled import TurnEnds, TurnSteps


class HostTurns:
    """Has the turns of conversations, and the results of hosts without one."""

    def __init__(self, tools: HostTools) -> None:
        self._tools = tools
        self._derived = DerivedResults(tools)

    def begin(self, conversation: Conversation, ends: TurnEnds) -> TurnSteps | None:
        """Begin a turn by callbacks, where what the host says is expected; None: :meth:`run` it."""
        familiar = conversation.familiar
        return None if familiar is None else begun_turn(self._tools, conversation, familiar, ends)

    async def run(self, conversation: Conversation) -> None:
        """Have the turn of a conversation. Its slot is held at the begin and at the end."""
        with self._tools.lookups_of(conversation):
            await HostTurn(self._tools, conversation).run()

    def failed(self, conversation: Conversation, error: Exception) -> None:
        """Tell of all hosts of a conversation that a bug of the exporter ended its turn."""
        failure = Failure(Stage.CONNECT, FailureClass.INTERNAL, f"a bug of the exporter: {type(error).__name__}")
        outcome = HostOutcome(failure, failure)
        self._tools.tell_without_session(conversation, conversation.hosts.values(), outcome)

    def derive(self, host: Host) -> bool:
        """See :class:`DerivedResults`."""
        return self._derived.derive(host)

    def derivations(self, hosts: Collection[Host]) -> list[asyncio.Task[None]]:
        """See :class:`DerivedResults`."""
        return self._derived.under_way(hosts)

    async def close(self) -> None:
        """See :class:`DerivedResults`."""
        await self._derived.close()
