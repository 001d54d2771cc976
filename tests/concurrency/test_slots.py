"""How we behave towards one address, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency import shared_results
from exporter.concurrency.session_limiter import SessionLimiter
from exporter.concurrency.shared_results import SharedResults
from exporter.concurrency.slots import ProbeSlots
from exporter.probe.session_record import SessionRecord
from tests.support.virtual_time import run_virtually


class Visits:
    """Sessions that take a while, and when they were."""

    def __init__(self, turnstile: SessionLimiter, takes: float) -> None:
        self.turnstile = turnstile
        self.takes = takes
        self.starts: list[tuple[str, float]] = []
        self.inside = 0
        self.most_inside = 0

    async def visit(self, address: str) -> None:
        way = await self.turnstile.enter(address)
        try:
            self.starts.append((address, asyncio.get_running_loop().time()))
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            await asyncio.sleep(self.takes)
        finally:
            self.inside -= 1
            way.leave()


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
        turnstile = SessionLimiter(1, 0.0)
        order: list[int] = []

        async def visit(number: int) -> None:
            way = await turnstile.enter("192.0.2.1")
            order.append(number)
            await asyncio.sleep(1.0)
            way.leave()

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
        turnstile = SessionLimiter(1, 0.0)
        inside: list[str] = []
        most: list[int] = []

        async def visit(address: str, name: str) -> None:
            way = await turnstile.enter(address, name)
            inside.append(name)
            most.append(inside.count(name))
            await asyncio.sleep(1.0)
            inside.remove(name)
            way.leave()

        began = asyncio.get_running_loop().time()
        pairs = [(f"192.0.2.{number}", name) for name in ("a", "b") for number in range(4)]
        await asyncio.gather(*(visit(*pair) for pair in pairs))
        assert max(most) == 1
        # The two names share the four addresses: whoever finds one taken lets another of its name go.
        assert asyncio.get_running_loop().time() - began == pytest.approx(5.0, abs=1.1)

    run_virtually(main())


def test_who_gets_no_answer_lends_the_turn_and_has_it_back_before_newcomers() -> None:
    async def main() -> None:
        turnstile = SessionLimiter(1, 0.0)
        order: list[str] = []
        slow = await turnstile.enter("192.0.2.1", "mx")
        assert turnstile.enter_nowait("192.0.2.2", "mx") is None
        slow.let_by()
        second = await turnstile.enter("192.0.2.2", "mx")
        third = asyncio.create_task(turnstile.enter("192.0.2.3", "mx"))
        await asyncio.sleep(0)
        assert not slow.regain(lambda: order.append("slow"))
        second.leave()
        await asyncio.sleep(0)
        assert order == ["slow"]
        assert not third.done()
        slow.leave()
        (await third).leave()
        assert turnstile.enter_nowait("192.0.2.1", "mx") is not None

    run_virtually(main())


def test_who_leaves_while_it_waits_for_the_turn_back_blocks_nobody() -> None:
    async def main() -> None:
        turnstile = SessionLimiter(1, 0.0)
        slow = await turnstile.enter("192.0.2.1", "mx")
        slow.let_by()
        second = await turnstile.enter("192.0.2.2", "mx")
        assert not slow.regain(lambda: pytest.fail("it has gone"))
        slow.leave()
        second.leave()
        assert turnstile.enter_nowait("192.0.2.3", "mx") is not None

    run_virtually(main())


def test_a_place_that_is_free_in_the_moment_of_giving_up_goes_to_the_next() -> None:
    async def main() -> None:
        turnstile = SessionLimiter(1, 0.0)
        first = await turnstile.enter("192.0.2.1", "mx")
        second, third = (asyncio.create_task(turnstile.enter("192.0.2.1", "mx")) for _ in range(2))
        await asyncio.sleep(0)
        second.cancel()
        first.leave()
        (await third).leave()
        await asyncio.gather(second, return_exceptions=True)
        assert turnstile.enter_nowait("192.0.2.1", "mx") is not None

    run_virtually(main())


def test_who_waits_for_the_turn_of_a_name_keeps_the_distance_of_its_address() -> None:
    """The interval is between sessions, not between their places in the queue."""

    async def main() -> None:
        turnstile = SessionLimiter(1, 10.0)
        now = asyncio.get_running_loop().time
        starts: list[float] = []

        async def visit(address: str) -> None:
            way = await turnstile.enter(address, "mx")
            if address == "192.0.2.1":
                starts.append(now())
            await asyncio.sleep(7.0)
            way.leave()

        await asyncio.gather(*(visit(address) for address in ("192.0.2.2", "192.0.2.1", "192.0.2.1")))
        assert starts[1] - starts[0] >= 10.0

    run_virtually(main())


def test_slots_are_a_limit_and_waiting_ones_go_first() -> None:
    async def main() -> None:
        freed: list[int] = []
        slots = ProbeSlots(1, lambda: freed.append(1))
        await slots.take()
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0.0)
        assert not slots.take_nowait()
        slots.free()
        await waiting
        assert slots.used == 1
        assert freed == []
        slots.free()
        assert freed == [1]
        assert slots.used == 0

    run_virtually(main())


def test_giving_up_a_wait_for_a_slot_loses_none() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0.0)
        waiting.cancel()
        slots.free()
        await asyncio.gather(waiting, return_exceptions=True)
        assert slots.used == 0
        assert slots.take_nowait()

    run_virtually(main())


class Sessions:
    """Counts what was really begun."""

    def __init__(self, takes: float = 1.0) -> None:
        self.takes = takes
        self.begun = 0
        self.ended = 0

    async def begin(self) -> SessionRecord:
        self.begun += 1
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.ended += 1
        return SessionRecord(at=float(self.begun))


def test_all_who_ask_for_one_address_share_one_session() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions()
        records = await asyncio.gather(*(shared.get("a", 60.0, sessions.begin) for _ in range(5)))
        await asyncio.sleep(30.0)
        records.append(await shared.get("a", 60.0, sessions.begin))
        assert sessions.begun == 1
        assert {record.at for record in records} == {1.0}
        await shared.get("b", 60.0, sessions.begin)
        assert sessions.begun == 2

    run_virtually(main())


def test_a_session_is_shared_for_one_interval() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions()
        for turn in range(1, 4):
            record = await shared.get("a", 60.0, sessions.begin)
            assert record.at == turn
            await asyncio.sleep(59.0)

    run_virtually(main())


def test_where_one_gives_up_the_others_share_the_session_that_the_next_begins() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions()
        first, *others = (asyncio.create_task(shared.get("a", 60.0, sessions.begin)) for _ in range(4))
        await asyncio.sleep(0.5)
        first.cancel()
        assert [(await other).at for other in others] == [2.0, 2.0, 2.0]
        assert (sessions.begun, sessions.ended) == (2, 2)


def test_one_that_gives_up_waiting_does_not_end_the_session_of_another() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions()
        first, second, third = (asyncio.create_task(shared.get("a", 60.0, sessions.begin)) for _ in range(3))
        await asyncio.sleep(0.5)
        second.cancel()
        assert [(await first).at, (await third).at] == [1.0, 1.0]

    run_virtually(main())


def test_a_session_that_crashed_is_not_shared_further() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions()

        async def crash() -> SessionRecord:
            raise RuntimeError("a bug")

        with pytest.raises(RuntimeError):
            await shared.get("a", 60.0, crash)
        assert (await shared.get("a", 60.0, sessions.begin)).at == 1.0

    run_virtually(main())


def test_what_nobody_else_asked_for_is_not_kept_until_somebody_does() -> None:
    async def main() -> None:
        shared, sessions = SharedResults[SessionRecord](), Sessions(takes=0.0)

        async def ask() -> float:
            return (await shared.get("a", 60.0, sessions.begin)).at

        # Alone, a target has a session of its own each interval; at first somebody may still come.
        seen = [await ask(), await ask()]
        for pause in (60.0, 60.0):
            await asyncio.sleep(pause)
            seen.append(await ask())
        # Another one, whom nobody expected: from now on what is shown is kept for both.
        for pause in (30.0, 30.0, 30.0, 30.0):
            await asyncio.sleep(pause)
            seen.append(await ask())
        assert seen == [1, 1, 2, 3, 4, 4, 5, 5]

    run_virtually(main())


def test_of_addresses_that_were_shared_once_no_more_is_kept_than_twice_what_counts() -> None:
    async def main() -> None:
        shared: SharedResults[int] = SharedResults()

        async def work() -> int:
            return 1

        most = 0
        for number in range(5000):
            await shared.get(number, 10.0, work)
            await asyncio.sleep(0.1)  # 100 count at a time
            most = max(most, len(shared))
        assert most <= 250

    run_virtually(main())


def test_however_long_an_interval_is_what_is_kept_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_results, "MAX_ENTRIES", 100)

    async def main() -> None:
        shared: SharedResults[int] = SharedResults()

        async def work() -> int:
            return 1

        for number in range(1000):
            await shared.get(number, 1e9, work)
        assert len(shared) <= 101

    run_virtually(main())
