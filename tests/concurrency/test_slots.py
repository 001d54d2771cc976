"""The slots of probes, on a virtual clock."""

from __future__ import annotations

import asyncio

from exporter.concurrency.slots import HeldSlot, ProbeSlots
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


def test_a_held_slot_is_free_for_others_while_all_its_parts_wait() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        held = HeldSlot(slots, parts=2)
        async with held.paused():
            assert not slots.take_nowait(), "the other part is at work"
            async with held.paused():
                assert slots.take_nowait(), "none is"
                slots.free()
            assert slots.used == 1
        held.part_ended()
        held.part_ended()
        held.close()
        slots.free()
        assert slots.used == 0

    run_virtually(main())


def test_a_held_slot_that_is_closed_during_a_pause_is_there_for_its_owner() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        held = HeldSlot(slots, parts=1)
        async with held.paused():
            assert slots.used == 0
            held.close()
            assert slots.used == 1
        slots.free()
        assert slots.used == 0

    run_virtually(main())


def test_a_part_that_is_done_takes_no_slot_from_the_one_that_waits() -> None:
    async def main() -> None:
        slots = ProbeSlots(1)
        await slots.take()
        held = HeldSlot(slots, parts=2)
        async with held.paused():
            held.part_ended()
            assert slots.take_nowait()
            slots.free()
        assert slots.used == 1
        held.part_ended()
        held.close()
        slots.free()
        assert slots.used == 0

    run_virtually(main())
