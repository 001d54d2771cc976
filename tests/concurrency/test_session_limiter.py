"""The limits of sessions to one address and one MX name, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency.session_limiter import SessionLimiter
from tests.support.virtual_time import run_virtually


class Visits:
    """Sessions that take a while, and when they were."""

    def __init__(self, limiter: SessionLimiter, takes: float) -> None:
        self.limiter = limiter
        self.takes = takes
        self.starts: list[tuple[str, float]] = []
        self.inside = 0
        self.most_inside = 0

    async def visit(self, address: str) -> None:
        permit = await self.limiter.acquire(address)
        try:
            self.starts.append((address, asyncio.get_running_loop().time()))
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            await asyncio.sleep(self.takes)
        finally:
            self.inside -= 1
            permit.release()


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_sessions_at_once_than_allowed(at_once: int) -> None:
    async def main() -> None:
        visits = Visits(SessionLimiter(at_once, 0.0), takes=1.0)
        await asyncio.gather(*(visits.visit("192.0.2.1") for _ in range(9)))
        assert visits.most_inside == at_once
        assert len(visits.starts) == 9

    run_virtually(main())


def test_addresses_do_not_wait_for_each_other() -> None:
    async def main() -> None:
        visits = Visits(SessionLimiter(1, 0.0), takes=1.0)
        await asyncio.gather(*(visits.visit(f"192.0.2.{number}") for number in range(9)))
        assert visits.most_inside == 9

    run_virtually(main())


def test_sessions_keep_their_distance() -> None:
    async def main() -> None:
        visits = Visits(SessionLimiter(5, 10.0), takes=1.0)
        await asyncio.gather(*(visits.visit("192.0.2.1") for _ in range(4)))
        times = [at for _, at in visits.starts]
        assert [at - times[0] for at in times] == pytest.approx([0.0, 10.0, 20.0, 30.0], abs=0.01)

    run_virtually(main())


def test_the_first_to_ask_is_the_first_to_enter() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 0.0)
        order: list[int] = []

        async def visit(number: int) -> None:
            permit = await limiter.acquire("192.0.2.1")
            order.append(number)
            await asyncio.sleep(1.0)
            permit.release()

        await asyncio.gather(*(visit(number) for number in range(5)))
        assert order == [0, 1, 2, 3, 4]

    run_virtually(main())


def test_who_gives_up_waiting_blocks_nobody() -> None:
    async def main() -> None:
        visits = Visits(SessionLimiter(1, 0.0), takes=10.0)
        first = asyncio.create_task(visits.visit("192.0.2.1"))
        second = asyncio.create_task(visits.visit("192.0.2.1"))
        third = asyncio.create_task(visits.visit("192.0.2.1"))
        await asyncio.sleep(1.0)
        second.cancel()
        await asyncio.gather(first, third)
        assert len(visits.starts) == 2

    run_virtually(main())


def test_addresses_of_one_name_take_turns_and_other_names_do_not_wait() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 0.0)
        inside: list[str] = []
        most: list[int] = []

        async def visit(address: str, name: str) -> None:
            permit = await limiter.acquire(address, name)
            inside.append(name)
            most.append(inside.count(name))
            await asyncio.sleep(1.0)
            inside.remove(name)
            permit.release()

        began = asyncio.get_running_loop().time()
        pairs = [(f"192.0.2.{number}", name) for name in ("a", "b") for number in range(4)]
        await asyncio.gather(*(visit(*pair) for pair in pairs))
        assert max(most) == 1
        # The two names share the four addresses: whoever finds one taken lets another of its name go.
        assert asyncio.get_running_loop().time() - began == pytest.approx(5.0, abs=1.1)

    run_virtually(main())


def test_who_gets_no_answer_lends_the_turn_and_has_it_back_before_newcomers() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 0.0)
        order: list[str] = []
        slow = await limiter.acquire("192.0.2.1", "mx")
        assert limiter.acquire_nowait("192.0.2.2", "mx") is None
        slow.lend_name()
        second = await limiter.acquire("192.0.2.2", "mx")
        third = asyncio.create_task(limiter.acquire("192.0.2.3", "mx"))
        await asyncio.sleep(0)
        assert not slow.regain_name(lambda: order.append("slow"))
        second.release()
        await asyncio.sleep(0)
        assert order == ["slow"]
        assert not third.done()
        slow.release()
        (await third).release()
        assert limiter.acquire_nowait("192.0.2.1", "mx") is not None

    run_virtually(main())


def test_who_leaves_while_it_waits_for_the_turn_back_blocks_nobody() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 0.0)
        slow = await limiter.acquire("192.0.2.1", "mx")
        slow.lend_name()
        second = await limiter.acquire("192.0.2.2", "mx")
        assert not slow.regain_name(lambda: pytest.fail("it has gone"))
        slow.release()
        second.release()
        assert limiter.acquire_nowait("192.0.2.3", "mx") is not None

    run_virtually(main())


def test_a_place_that_is_free_in_the_moment_of_giving_up_goes_to_the_next() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 0.0)
        first = await limiter.acquire("192.0.2.1", "mx")
        second, third = (asyncio.create_task(limiter.acquire("192.0.2.1", "mx")) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        first.release()
        (await third).release()
        await asyncio.gather(second, return_exceptions=True)
        assert limiter.acquire_nowait("192.0.2.1", "mx") is not None

    run_virtually(main())


def test_who_waits_for_the_turn_of_a_name_keeps_the_distance_of_its_address() -> None:
    """The interval is between sessions, not between their places in the queue."""

    async def main() -> None:
        limiter = SessionLimiter(1, 10.0)
        now = asyncio.get_running_loop().time
        starts: list[float] = []

        async def visit(address: str) -> None:
            permit = await limiter.acquire(address, "mx")
            if address == "192.0.2.1":
                starts.append(now())
            await asyncio.sleep(7.0)
            permit.release()

        await asyncio.gather(*(visit(address) for address in ("192.0.2.2", "192.0.2.1", "192.0.2.1")))
        assert starts[1] - starts[0] >= 10.0

    run_virtually(main())


def test_other_limits_count_for_those_that_wait_already() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 100.0)
        began = asyncio.get_running_loop().time()
        first = await limiter.acquire("192.0.2.1", "mx")
        second = asyncio.create_task(limiter.acquire("192.0.2.1", "mx"))
        await asyncio.sleep(1.0)
        limiter.configure(2, 10.0)
        await second
        assert asyncio.get_running_loop().time() - began == pytest.approx(10.0, abs=0.01)
        limiter.configure(1, 0.0)
        assert limiter.acquire_nowait("192.0.2.1") is None
        first.release()
        assert limiter.acquire_nowait("192.0.2.1") is None, "two were under way"
        (await second).release()
        assert limiter.acquire_nowait("192.0.2.1") is not None

    run_virtually(main())


def test_a_longer_distance_counts_from_the_last_session() -> None:
    async def main() -> None:
        limiter = SessionLimiter(1, 10.0)
        began = asyncio.get_running_loop().time()
        (await limiter.acquire("192.0.2.1")).release()
        waiting = asyncio.create_task(limiter.acquire("192.0.2.1"))
        await asyncio.sleep(1.0)
        limiter.configure(1, 30.0)
        await waiting
        assert asyncio.get_running_loop().time() - began == pytest.approx(30.0, abs=0.01)

    run_virtually(main())
