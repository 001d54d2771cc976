"""The results of hosts that come to a conversation of which something is known: a session each would tell the same."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection
from contextlib import nullcontext

from exporter.model.result import Said
from exporter.probe.conversation import FRESH_SHARE, Conversation
from exporter.probe.host_tools import HostTools
from exporter.probe.hosts import Host
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_results import SessionResults
from exporter.probe.tlsa_answers import NOT_ASKED, TlsaAnswers

log = logging.getLogger(__name__)


class DerivedResults:
    """Derives results from the newest sessions of conversations. One event loop's."""

    def __init__(self, tools: HostTools) -> None:
        self._tools = tools
        self._deriving: dict[asyncio.Task[None], Host] = {}

    def derive(self, host: Host) -> bool:
        """Have the result of a host from a session that shows it: the newest, or the one under way.

        False: the conversation of the host needs a session soon. The result is told at once or, where something has to
        be looked up for it, a moment later.
        """
        tools, conversation = self._tools, host.conversation
        if conversation is None or conversation.dialogue.retired:
            return False
        if conversation.takes_in:
            return True
        record, now = conversation.record, asyncio.get_running_loop().time()
        # The last session with an address that is left alone for its cost is the newest for a while.
        never_ages = tools.once or tools.costs.pause(conversation.address) > 0
        age = math.inf if never_ages else conversation.interval * FRESH_SHARE
        if record is None or not conversation.answers(age, conversation.timeout, now):
            return False
        results = tools.results_of(conversation, record)
        if tools.wants_tlsa(conversation):
            self._derive_later(host, conversation, record, results)
            return True
        found = tools.sharing.record_for(host, record, None)
        if found is None:
            tools.table.part(host)
            return True
        result = results.of(host, found)
        if results.is_doubtful(result):
            self._derive_later(host, conversation, record, results)
        else:
            tools.on_results(conversation, None, {host: result}, Said())
        return True

    def under_way(self, hosts: Collection[Host]) -> list[asyncio.Task[None]]:
        """The lookups for results of these hosts that are to come a moment later."""
        return [task for task, host in self._deriving.items() if host in hosts]

    async def close(self) -> None:
        """End the lookups for results that are to come a moment later."""
        tasks = [*self._deriving]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _derive_later(
        self, host: Host, conversation: Conversation, record: SessionRecord, results: SessionResults
    ) -> None:
        task = asyncio.get_running_loop().create_task(self._look_up_and_derive(host, conversation, record, results))
        self._deriving[task] = host
        task.add_done_callback(self._deriving.pop)

    async def _look_up_and_derive(
        self, host: Host, conversation: Conversation, record: SessionRecord, results: SessionResults
    ) -> None:
        tools, tlsa = self._tools, NOT_ASKED
        try:
            if tools.tlsa is not None and tools.wants_tlsa(conversation):
                answers = TlsaAnswers(tools.tlsa, conversation.timeout, nullcontext)
                await answers.wait((host,))
                tlsa = answers.of(host)
            found = tools.sharing.record_for(host, record, tlsa.lookup)
            result = None if found is None else results.of(host, found, tlsa)
            if result is not None and results.is_doubtful(result):
                result = await results.looked_up(result)
            if host.conversation is not conversation or host.result is not None:
                return  # let go, or told by a session meanwhile
            if result is None:
                tools.table.part(host)
            else:
                tools.on_results(conversation, None, {host: result}, Said())
        except Exception:
            log.exception("internal error in the result of a host", extra={"fields": {"mx": host.key.mx}})
            tools.on_internal_error()
        finally:
            conversation.wake()
