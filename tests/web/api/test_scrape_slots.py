from __future__ import annotations

import asyncio
import contextlib

import pytest

from exporter.web.api import scrape_slots as scrapes_module
from exporter.web.api.scrape_slots import MAX_WAITING, ScrapeSlots, TooManyScrapesError
from exporter.web.server.unread_bytes import Client
from tests.support.waiting import until


class FakeClient:
    def __init__(self, waited: float = 0.0, *, reading: bool = False) -> None:
        self.seconds = waited
        self.is_reading = reading
        self.is_gone = False
        self.was_reset = asyncio.Event()

    def waited(self) -> float:
        return self.seconds

    def reset(self) -> None:
        self.is_gone = True
        self.was_reset.set()


_: type[Client] = FakeClient


async def hold(scrapes: ScrapeSlots, client: FakeClient, address: str = "a") -> None:
    async with scrapes.slot(client, address):
        await client.was_reset.wait()


async def test_the_one_that_has_kept_its_answer_waiting_for_longest_is_cut_for_the_next() -> None:
    scrapes = ScrapeSlots(3)
    clients = [FakeClient(1.0), FakeClient(3.0), FakeClient(9.0, reading=True)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hold(scrapes, client)) for client in clients]
        await asyncio.sleep(0)
        async with scrapes.slot(FakeClient(), "b"):
            assert [client.was_reset.is_set() for client in clients] == [False, True, False]
        for task in tasks:
            task.cancel()


async def test_who_reads_is_not_cut_and_the_next_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrapes_module, "SLOT_SECONDS", 0.05)
    scrapes = ScrapeSlots(1)
    client = FakeClient(9.0, reading=True)
    holding = asyncio.ensure_future(hold(scrapes, client))
    await asyncio.sleep(0)
    with pytest.raises(TooManyScrapesError, match="1 scrapes are in progress"):
        async with scrapes.slot(FakeClient()):
            pass
    assert not client.was_reset.is_set()
    client.reset()
    await holding
    async with scrapes.slot(FakeClient()):
        pass


async def test_addresses_take_turns_and_of_one_the_newest_comes_first() -> None:
    scrapes = ScrapeSlots(1)
    first, order = FakeClient(reading=True), []

    async def scrape(name: str) -> None:
        async with scrapes.slot(FakeClient(), name[0]):
            order.append(name)

    holding = asyncio.ensure_future(hold(scrapes, first))
    await asyncio.sleep(0)
    waiting = []
    for name in ("a1", "a2", "a3", "b1"):
        waiting.append(asyncio.ensure_future(scrape(name)))
        await asyncio.sleep(0)
    first.reset()
    await asyncio.gather(holding, *waiting)
    assert order == ["a3", "b1", "a2", "a1"]


async def test_many_that_wait_from_one_address_leave_room_for_another() -> None:
    scrapes = ScrapeSlots(1)
    first = FakeClient(reading=True)
    holding = asyncio.ensure_future(hold(scrapes, first))
    await asyncio.sleep(0)
    done = []

    async def scrape(address: str) -> None:
        with contextlib.suppress(TooManyScrapesError):
            async with scrapes.slot(FakeClient(), address):
                done.append(address)

    crowd = [asyncio.ensure_future(scrape("a")) for _ in range(2 * MAX_WAITING)]
    await asyncio.sleep(0)
    other = asyncio.ensure_future(scrape("b"))
    await until(lambda: sum(task.done() for task in crowd) == MAX_WAITING + 1)
    first.reset()
    await asyncio.gather(holding, other, *crowd)
    assert done.count("b") == 1
    assert done.count("a") == MAX_WAITING - 1


async def test_who_is_gone_waits_no_more_and_nobody_is_cut_for_it() -> None:
    scrapes = ScrapeSlots(1)
    slow, gone = FakeClient(0.0), FakeClient()
    holding = asyncio.ensure_future(hold(scrapes, slow))
    await asyncio.sleep(0)
    waiting = asyncio.ensure_future(hold(scrapes, gone))
    await asyncio.sleep(0)
    gone.is_gone = True
    slow.seconds = 9.0
    await asyncio.sleep(3 * scrapes_module._CHECK_SECONDS)
    assert not slow.was_reset.is_set()
    for task in (holding, waiting):
        task.cancel()


async def test_who_has_hung_up_in_line_waits_no_longer() -> None:
    scrapes = ScrapeSlots(1)
    client = FakeClient(reading=True)
    holding = asyncio.ensure_future(hold(scrapes, client))
    await asyncio.sleep(0)
    waiting = [FakeClient() for _ in range(20)]
    tasks = [asyncio.ensure_future(hold(scrapes, each)) for each in waiting]
    await asyncio.sleep(0)
    for each in waiting:
        each.is_gone = True
    # Long before their time is over, and though the place is never free.
    await until(lambda: all(task.done() for task in tasks), 2.0)
    assert {type(task.exception()) for task in tasks} == {TooManyScrapesError}
    client.reset()
    await holding


async def test_places_that_were_just_handed_on_are_no_reason_to_send_the_next_away() -> None:
    scrapes = ScrapeSlots(2)
    first, second, third = ([FakeClient() for _ in range(2)] for _ in range(3))
    tasks = [asyncio.ensure_future(hold(scrapes, client)) for client in (*first, *second)]
    await asyncio.sleep(0)
    # Both end in one turn of the loop, and who comes in the same one finds nobody under way.
    for client in first:
        client.was_reset.set()
    late = [asyncio.ensure_future(hold(scrapes, client)) for client in third]
    await asyncio.gather(*tasks[:2])
    for client in (*second, *third):
        client.was_reset.set()
    await asyncio.gather(*tasks, *late)
