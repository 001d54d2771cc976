"""Sessions shared by all probes that ask for equal ones within an interval, and those spared for their CPU cost.

Big providers answer for thousands of domains with the same addresses: one session shows the state of all of them.
"""

from __future__ import annotations

from functools import partial

from exporter.concurrency.shared_results import SharedResults
from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest, TimeBudget
from exporter.probe.session_runner import CostPauseError
from exporter.probe.tls_fallback import TlsFallback


class SharedSessions:
    """A record for each request: of a session that is begun now, or of an earlier one that answers it as well."""

    def __init__(self, sessions: TlsFallback, costs: CpuCosts[SessionRecord], *, share: bool) -> None:
        self._sessions = sessions
        self._costs = costs
        self._share = share
        self._results: SharedResults[SessionRecord] = SharedResults()

    async def record(self, request: SessionRequest, budget: TimeBudget, *, fresh: bool) -> SessionRecord:
        """The record that answers `request`; `fresh`: of no other probe's session. Raises NoPermitError."""
        if self._costs.pause(request.address) > 0:
            return self._seen_before(request)
        if fresh or not self._share:
            return await self._begin(request, budget)
        begin = partial(self._begin, request, budget)
        return await self._results.get(request.sharing_key, request.interval, begin, budget.paused)

    def expire(self, *, routes_changed: bool) -> None:
        """Share no session that began before now; after a change of the routes, no record of a costly host either."""
        self._results.expire()
        if routes_changed:
            self._costs.forget_seen()

    async def _begin(self, request: SessionRequest, budget: TimeBudget) -> SessionRecord:
        try:
            record = await self._sessions.run(request, budget)
        except CostPauseError:
            return self._seen_before(request)
        self._costs.settle(request.address, request.dialogue_key, record.cost, record)
        return record

    def _seen_before(self, request: SessionRequest) -> SessionRecord:
        """The last record of an address that is left alone for its cost, even where a fresh one is wanted."""
        seen = self._costs.seen(request.address, request.dialogue_key)
        if seen is None:
            raise CostPauseError(self._costs.pause(request.address))
        return seen


def weight(record: SessionRecord) -> int:
    """The bytes of a record that strangers have filled."""
    lines = sum(len(line) for _, reply in record.replies for line in reply.lines)
    chain = sum(map(len, record.tls.chain)) if record.tls is not None else 0
    return lines + chain + sum(len(line.data) for line in record.transcript)
