"""Searches beside probes: one for all that ask at once, and its result remembered."""

from __future__ import annotations

import asyncio

from exporter.model.policy import Tlsa, TlsaLookup, TlsaStatus
from exporter.policies.search import PolicySearch, Searches, key_of
from exporter.policies.target_policies import TargetPolicies
from tests.policies.lookups import target_of

KEY = key_of(target_of())
KNOWN = TargetPolicies()
SMALL, LARGE = (TlsaLookup(TlsaStatus.FOUND, (Tlsa(3, 1, 0, bytes(size)),)) for size in (32, 5000))


async def test_probes_of_one_target_share_a_search_and_its_result_is_remembered() -> None:
    searches, gate = Searches(), asyncio.Event()

    async def search() -> TargetPolicies:
        await gate.wait()
        return TargetPolicies(tlsa={"mx1": SMALL, "mx2": LARGE})

    task = searches.get_or_start(KEY, search)
    assert task is not None
    assert searches.get_or_start(KEY, search) is task
    assert searches.last(KEY) is None
    gate.set()
    await task
    await asyncio.sleep(0)
    last = searches.last(KEY)
    assert last is not None
    assert set(last.tlsa) == {"mx1"}
    assert searches.get_or_start(KEY, search) is not task
    await searches.close()


async def test_a_result_is_settled_once_for_all_sessions_of_a_probe() -> None:
    gate = asyncio.Event()

    async def search() -> TargetPolicies:
        await gate.wait()
        return TargetPolicies(tlsa={"mx1": SMALL})

    task = asyncio.create_task(search())
    late = PolicySearch(task, 0.0, lambda: KNOWN)
    assert late.found is KNOWN
    gate.set()
    await task
    assert late.found is KNOWN
    assert PolicySearch(task, 0.0, lambda: KNOWN).found.tlsa == {"mx1": SMALL}
