"""The order and the slots of fetches: time is virtual, a fetch takes as long as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from exporter.model.policy import MtaStsProblem as P
from exporter.policies.mtasts.fetch import FetchFault
from exporter.policies.mtasts.fetch_slots import (
    LONG_SECONDS,
    PROMPT_SECONDS,
    PROMPT_SLOTS,
    SLOTS_PER_ADDRESS,
    SLOW_SLOTS,
    FetchSlots,
)
from tests.support.virtual_time import run_virtually

POLICY = b"version: STSv1\nmode: none\nmax_age: 60\n"
SILENCE = FetchFault(P.TIMEOUT, "", timed_out=True)


class Work:
    """Takes its time, and counts who is at work."""

    def __init__(self, seconds: float, result: bytes | FetchFault = POLICY) -> None:
        self.seconds = seconds
        self.result = result
        self.at_once = self.most = self.begun = 0

    async def __call__(self) -> bytes | FetchFault:
        self.begun += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        return self.result


def _address(number: int) -> str:
    return f"198.51.{number // 250}.{number % 250}"


def _many(
    places: FetchSlots, count: int, work: Work, address: Callable[[int], str], name: str = "host"
) -> list[asyncio.Task[bytes | FetchFault]]:
    return [asyncio.create_task(places.fetch(f"{name}{n}", address(n), work)) for n in range(count)]


def test_three_hundred_silent_strangers_hold_up_others_for_seconds_and_the_next_time_not_at_all() -> None:
    async def main() -> None:
        places, loop = FetchSlots(), asyncio.get_running_loop()
        silent, honest = Work(15.0, SILENCE), Work(0.2)
        for most in (300 * PROMPT_SECONDS / PROMPT_SLOTS + 2.0, 1.0):
            waiting = _many(places, 300, silent, _address)
            await asyncio.sleep(0)
            began = loop.time()
            fetched = await asyncio.gather(*_many(places, 20, honest, lambda n: f"203.0.113.{n}", "honest"))
            assert fetched == [POLICY] * 20
            assert loop.time() - began <= most
            await asyncio.gather(*waiting)
        assert silent.most <= PROMPT_SLOTS + SLOW_SLOTS

    run_virtually(main())


@pytest.mark.parametrize("address", [lambda n: "198.51.100.1", lambda n: f"2001:db8:1:{n:x}::1"])
def test_one_owner_holds_few_places_and_others_come_at_once(address: Callable[[int], str]) -> None:
    """An IPv4 address, or an IPv6 network of the size that anybody is given."""

    async def main() -> None:
        places, loop = FetchSlots(), asyncio.get_running_loop()
        silent = Work(15.0, SILENCE)
        waiting = _many(places, 300, silent, address)
        await asyncio.sleep(0.1)
        assert silent.begun == SLOTS_PER_ADDRESS
        began = loop.time()
        assert await places.fetch("honest", "203.0.113.1", Work(0.2)) == POLICY
        assert loop.time() - began < 0.3
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    run_virtually(main())


def test_a_provider_with_the_policies_of_thousands_is_served_promptly() -> None:
    async def main() -> None:
        places, loop = FetchSlots(), asyncio.get_running_loop()
        began = loop.time()
        assert await asyncio.gather(*_many(places, 1000, Work(0.1), lambda n: "198.51.100.1")) == [POLICY] * 1000
        assert loop.time() - began <= 1000 * 0.1 / SLOTS_PER_ADDRESS + 1.0

    run_virtually(main())


def test_a_slow_host_is_heard_out() -> None:
    async def main() -> None:
        assert await FetchSlots().fetch("slow", "198.51.100.1", Work(10.0)) == POLICY

    run_virtually(main())


def test_the_longest_at_a_slow_place_makes_room_and_is_not_blamed() -> None:
    async def main() -> None:
        places = FetchSlots(slow=2)
        first, *others = _many(places, 3, Work(15.0, SILENCE), _address)
        done, _ = await asyncio.wait((first,), timeout=PROMPT_SECONDS * 2)
        assert done
        fault = first.result()
        assert isinstance(fault, FetchFault)
        assert (fault.problem, fault.timed_out) == (P.LOCAL, True)
        assert await asyncio.gather(*others) == [SILENCE, SILENCE]

    run_virtually(main())


@pytest.mark.parametrize("work", [Work(1.0, SILENCE), Work(LONG_SECONDS + 1.0)])
def test_who_kept_us_waiting_waits_beside_the_others_until_it_answers(work: Work) -> None:
    async def main() -> None:
        places = FetchSlots(slow=1)
        await places.fetch("host", "198.51.100.1", work)
        other = asyncio.create_task(places.fetch("other", "198.51.100.2", Work(100.0)))
        await asyncio.sleep(PROMPT_SECONDS + 0.1)
        # The slow place is taken, and a prompt one is none of its own now.
        refused = await places.fetch("host", "198.51.100.1", Work(0.1))
        assert isinstance(refused, FetchFault)
        assert (refused.problem, refused.timed_out) == (P.LOCAL, False)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)
        assert await places.fetch("host", "198.51.100.1", Work(0.1)) == POLICY
        blocker = asyncio.create_task(places.fetch("other", "198.51.100.2", Work(100.0)))
        await asyncio.sleep(0)
        assert await places.fetch("host", "198.51.100.1", Work(0.1)) == POLICY
        blocker.cancel()
        await asyncio.gather(blocker, return_exceptions=True)

    run_virtually(main())


def test_who_is_given_up_leaves_its_place() -> None:
    async def main() -> None:
        places = FetchSlots(prompt=1, slow=1)
        for seconds in (0.1, PROMPT_SECONDS + 0.1):
            holder, waiter = _many(places, 2, Work(100.0), _address)
            await asyncio.sleep(seconds)
            for task in (waiter, holder):
                task.cancel()
            await asyncio.gather(holder, waiter, return_exceptions=True)
        assert await places.fetch("another", "203.0.113.1", Work(0.1)) == POLICY

    run_virtually(main())


def test_a_bug_of_ours_is_told_and_leaves_no_place_taken() -> None:
    async def broken() -> bytes:
        raise RuntimeError("bug")

    async def main() -> None:
        places = FetchSlots(prompt=1)
        with pytest.raises(RuntimeError):
            await places.fetch("host", "198.51.100.1", broken)
        assert await places.fetch("host", "198.51.100.1", Work(0.1)) == POLICY

    run_virtually(main())
