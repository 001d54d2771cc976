"""The lifetime of a policy, and the moment of its next fetch. Time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from exporter.model.policy import MtaStsProblem as P
from exporter.policies.mtasts.cache import MAX_QUICK_TRIES, REFRESH_SECONDS, RETRY_SECONDS, CachedPolicy, PolicyCache
from exporter.policies.mtasts.fetch import FetchFault
from tests.support.virtual_time import run_virtually

DAY = 86400
BROKEN = FetchFault(P.CONNECT, "refused")


def _text(mx: str = "mx.a.example", max_age: int = 10 * DAY) -> bytes:
    return f"version: STSv1\nmode: enforce\nmx: {mx}\nmax_age: {max_age}\n".encode()


class Host:
    """Answers what it is told, and counts."""

    def __init__(self, answer: bytes | FetchFault, takes: float = 0.0) -> None:
        self.answer = answer
        self.takes = takes
        self.fetches = 0
        self.at_once = 0
        self.at_once_max = 0

    async def fetch(self) -> bytes | FetchFault:
        self.fetches += 1
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        await asyncio.sleep(self.takes)
        self.at_once -= 1
        return self.answer


def _mx(held: CachedPolicy) -> tuple[str, ...] | None:
    return held.policy.mx if held.policy is not None else None


def _problem(held: CachedPolicy) -> P | None:
    return held.fault.problem if held.fault is not None else None


def _run(scenario: Callable[[PolicyCache, Host], Awaitable[None]], answer: bytes | FetchFault | None = None) -> None:
    async def main() -> None:
        memory = PolicyCache()
        await scenario(memory, Host(_text() if answer is None else answer))
        await memory.close()

    run_virtually(main())


def test_a_policy_is_fetched_once_while_its_id_stays() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        for _ in range(20):
            held = await memory.policy("a.example", "1", host.fetch)
            assert (_mx(held), held.fault) == (("mx.a.example",), None)
            await asyncio.sleep(3600)
        assert host.fetches == 1

    _run(scenario)


def test_a_new_id_fetches_at_once() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        await memory.policy("a.example", "1", host.fetch)
        host.answer = _text("mx2.a.example")
        assert _mx(await memory.policy("a.example", "1", host.fetch)) == ("mx.a.example",)
        assert _mx(await memory.policy("a.example", "2", host.fetch)) == ("mx2.a.example",)
        assert host.fetches == 2

    _run(scenario)


def test_it_is_fetched_again_after_a_day() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        await memory.policy("a.example", "1", host.fetch)
        host.answer = _text("mx2.a.example")
        await asyncio.sleep(REFRESH_SECONDS + 1)
        assert _mx(await memory.policy("a.example", "1", host.fetch)) == ("mx2.a.example",)

    _run(scenario)


@pytest.mark.parametrize("max_age", [0, 1, 60])
def test_a_short_max_age_counts_for_the_moment_and_is_not_asked_for_all_the_time(max_age: int) -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        for _ in range(3):
            assert _mx(await memory.policy("a.example", "1", host.fetch)) == ("mx.a.example",)
            await asyncio.sleep(RETRY_SECONDS / 4)
        assert host.fetches == 1
        assert memory.held("a.example") is None
        await asyncio.sleep(RETRY_SECONDS)
        await memory.policy("a.example", "1", host.fetch)
        assert host.fetches == 2

    _run(scenario, _text(max_age=max_age))


@pytest.mark.parametrize("fault", [BROKEN, b"<html>", _text("*.*")])
@pytest.mark.parametrize("new_id", ["1", "2"])
def test_while_the_new_one_cannot_be_had_the_old_one_holds_until_its_max_age(
    fault: bytes | FetchFault, new_id: str
) -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        await memory.policy("a.example", "1", host.fetch)
        host.answer = fault
        await asyncio.sleep(REFRESH_SECONDS + 1)
        held = await memory.policy("a.example", new_id, host.fetch)
        assert _mx(held) == ("mx.a.example",)
        assert _problem(held) is (P.CONNECT if fault is BROKEN else P.POLICY_INVALID)
        await asyncio.sleep(9 * DAY)
        held = await memory.policy("a.example", new_id, host.fetch)
        assert _mx(held) is None
        assert held.fault is not None

    _run(scenario)


def test_after_a_failure_the_host_is_left_alone_for_a_while() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        for _ in range(4):
            assert _problem(await memory.policy("a.example", "1", host.fetch)) is P.CONNECT
            await asyncio.sleep(RETRY_SECONDS / 4)
        assert host.fetches == 1
        host.answer = _text()
        await asyncio.sleep(1)
        held = await memory.policy("a.example", "1", host.fetch)
        assert (_mx(held), held.fault) == (("mx.a.example",), None)
        assert host.fetches == 2

    _run(scenario, BROKEN)


def test_a_new_id_after_a_failure_is_tried_at_once() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        await memory.policy("a.example", "1", host.fetch)
        host.answer = _text()
        assert (await memory.policy("a.example", "2", host.fetch)).fault is None

    _run(scenario, BROKEN)


def test_a_policy_holds_though_its_record_is_gone() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        assert memory.held("a.example") is None
        await memory.policy("a.example", "1", host.fetch)
        await asyncio.sleep(10 * DAY - 1)
        assert memory.held("a.example") is not None
        await asyncio.sleep(2)
        assert memory.held("a.example") is None

    _run(scenario)


def test_a_fetch_is_shared_by_all_who_wait_and_goes_on_without_one_of_them() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        host.takes = 10.0
        impatient = asyncio.create_task(memory.policy("a.example", "1", host.fetch))
        patient = [asyncio.create_task(memory.policy("a.example", "1", host.fetch)) for _ in range(20)]
        await asyncio.sleep(1)
        impatient.cancel()
        assert {_mx(held) for held in await asyncio.gather(*patient)} == {("mx.a.example",)}
        assert host.fetches == 1

    _run(scenario)


def test_those_are_forgotten_that_nobody_has_asked_for() -> None:
    """Configured domains are asked for in each interval; names that a stranger makes up, once."""

    async def main() -> None:
        memory = PolicyCache(max_bytes=3000)
        host = Host(_text())
        await memory.policy("configured", "1", host.fetch)
        for number in range(20):
            await memory.policy(f"x{number}", "1", host.fetch)
            await memory.policy("configured", "1", host.fetch)
        assert memory.held("configured") is not None
        assert memory.held("x0") is None
        assert memory.held("x19") is not None
        assert host.fetches == 21

    run_virtually(main())


def test_failures_without_end_take_no_memory_without_end() -> None:
    async def main() -> None:
        memory = PolicyCache(max_bytes=20_000)
        host = Host(BROKEN)
        for number in range(100):
            await memory.policy(f"x{number}", "1", host.fetch)
        for number in range(100):
            await memory.policy(f"x{number}", "1", host.fetch)
        assert host.fetches == 200  # each was forgotten by then

    run_virtually(main())


def test_who_fails_again_and_again_is_not_asked_at_once_for_each_new_id() -> None:
    async def scenario(memory: PolicyCache, host: Host) -> None:
        for number in range(20):
            assert _problem(await memory.policy("a.example", str(number), host.fetch)) is P.CONNECT
            await asyncio.sleep(1)
        assert host.fetches == MAX_QUICK_TRIES
        host.answer = _text()
        await asyncio.sleep(RETRY_SECONDS)
        assert (await memory.policy("a.example", "20", host.fetch)).fault is None

    _run(scenario, BROKEN)
