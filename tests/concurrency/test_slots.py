"""The slots of probes, on a virtual clock."""

from __future__ import annotations

import asyncio

import pytest

from exporter.concurrency.slots import ProbeSlots
from tests.support.virtual_time import run_virtually


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


def test_a_slot_given_back_is_free_for_others_and_had_again() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        async with slots.given_back():
            assert slots.take_nowait()
            assert not slots.take_nowait()
            slots.free()
        assert slots.used == 1
        assert not slots.take_nowait()
        slots.free()
        assert slots.used == 0

    run_virtually(main())


@pytest.mark.parametrize("waits_for_slot", [True, False])
def test_who_is_cancelled_while_its_slot_is_given_back_has_one_to_give_back(waits_for_slot: bool) -> None:
    async def holder(slots: ProbeSlots, event: asyncio.Event) -> None:
        await slots.take()
        try:
            async with slots.given_back():
                await event.wait()
        finally:
            slots.free()

    async def main() -> None:
        slots, event = ProbeSlots(1), asyncio.Event()
        task = asyncio.create_task(holder(slots, event))
        await asyncio.sleep(0)
        await slots.take()
        if waits_for_slot:
            event.set()
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert slots.used == 1, "that of the other"
        slots.free()
        assert slots.used == 0
        assert slots.take_nowait()

    run_virtually(main())


def test_who_is_cancelled_in_the_moment_of_its_grant_loses_no_slot() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)

        async def holder() -> None:
            await slots.take()
            try:
                async with slots.given_back():
                    await asyncio.sleep(1.0)
            finally:
                slots.free()

        task = asyncio.create_task(holder())
        await asyncio.sleep(0)
        await slots.take()
        await asyncio.sleep(2.0)
        slots.free()  # granted to the holder
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert slots.used == 0

    run_virtually(main())


def test_an_error_while_the_slot_is_given_back_leaves_it_to_its_holder() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        with pytest.raises(RuntimeError):
            async with slots.given_back():
                raise RuntimeError
        assert slots.used == 1

    run_virtually(main())


def test_a_higher_limit_is_for_those_that_wait_already() -> None:
    async def main() -> None:
        freed: list[int] = []
        slots = ProbeSlots(1, lambda: freed.append(1))
        await slots.take()
        waiting = asyncio.create_task(slots.take())
        await asyncio.sleep(0)
        slots.resize(3)
        await waiting
        assert (slots.used, freed) == (2, [1])
        slots.resize(1)
        assert not slots.take_nowait()
        slots.free()
        slots.free()
        assert slots.take_nowait()

    run_virtually(main())
