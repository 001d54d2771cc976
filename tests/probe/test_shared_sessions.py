"""Records shared by all that ask for equal sessions, and by all that an expensive host keeps waiting."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import cast

import pytest

from exporter.probe.cpu_cost import CpuCosts
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import SessionRequest, TimeBudget
from exporter.probe.session_runner import CostPauseError
from exporter.probe.shared_sessions import SharedSessions, weight
from exporter.probe.tls_fallback import TlsFallback
from exporter.smtp.plan import Plan

REQUEST = SessionRequest("192.0.2.1", 25, "mx.example:25", "", Plan(b"me.example"), None, 30.0, 60.0, False)
OTHER = REQUEST._replace(plan=Plan(b"other.example"))
BUDGET = TimeBudget(None, nullcontext)


class _Sessions:
    """Sessions that need no host: the number of each is its time."""

    def __init__(self, cost: float = 0.0) -> None:
        self.cost = cost
        self.begun = 0

    async def run(self, request: SessionRequest, budget: TimeBudget) -> SessionRecord:
        self.begun += 1
        number = self.begun
        await asyncio.sleep(0)
        return SessionRecord(float(number), cost=self.cost)


def _shared(sessions: _Sessions, *, share: bool = True) -> SharedSessions:
    costs: CpuCosts[SessionRecord] = CpuCosts(weight)
    return SharedSessions(cast(TlsFallback, sessions), costs, share=share)


async def _at(shared: SharedSessions, request: SessionRequest = REQUEST, *, fresh: bool = False) -> float:
    return (await shared.record(request, BUDGET, fresh=fresh)).at


async def test_equal_requests_share_one_session_until_it_expires() -> None:
    shared = _shared(_Sessions())
    assert tuple(await asyncio.gather(_at(shared), _at(shared), _at(shared, OTHER))) == (1.0, 1.0, 2.0)
    assert await _at(shared, fresh=True) == 3.0
    assert await _at(shared) == 1.0
    shared.expire(routes_changed=False)
    assert await _at(shared) == 4.0


async def test_where_sharing_is_off_each_has_its_own() -> None:
    shared = _shared(_Sessions(), share=False)
    assert tuple(await asyncio.gather(_at(shared), _at(shared))) == (1.0, 2.0)


async def test_a_costly_host_is_left_alone_and_its_last_record_given_to_all() -> None:
    sessions = _Sessions(cost=1.0)
    shared = _shared(sessions)
    assert [await _at(shared, fresh=True) for _ in range(3)] == [1.0, 1.0, 1.0]
    with pytest.raises(CostPauseError, match="far more of this exporter's CPU"):
        await _at(shared, OTHER)
    shared.expire(routes_changed=True)
    with pytest.raises(CostPauseError):
        await _at(shared)
    assert sessions.begun == 1
