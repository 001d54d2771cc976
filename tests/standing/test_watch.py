"""The watch over our standing: the address by what hosts tell, its checks, and the view that follows."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from exporter.model.address import Family
from exporter.model.standing import NO_STANDING, AddressSource, ListAnswer, ListingState, StandingView
from exporter.resolver.answer import DnsAnswer
from exporter.standing.agreement import Told
from exporter.standing.checks import Pace, StandingPlan
from exporter.standing.watch import ListMemory, StandingSettings, StandingWatch
from tests.standing.zones import Zones
from tests.support.virtual_time import run_virtually

PACE = Pace(look=1.0, names=0.0, lists=3600.0, between=0.0)
ZONE = "bl.example"
SETTINGS = StandingSettings(StandingPlan(lists=(ZONE,)), families=(Family.IPV4,))


def told(address: str) -> list[Told]:
    return [Told(f"mx.{number}.example", f"{number}.1.0.1", address) for number in (8, 9, 11)]


def listing(*addresses: str) -> Zones:
    entries = {(f"{'.'.join(reversed(address.split('.')))}.{ZONE}", "A"): ["127.0.0.2"] for address in addresses}
    return Zones({(f"2.0.0.127.{ZONE}", "A"): ["127.0.0.2"], **entries})


class Watched:
    def __init__(self, zones: Zones, lists: ListMemory | None = None) -> None:
        self.zones = zones
        self.views: list[StandingView] = []
        self.watch = StandingWatch(lambda: self.zones, lambda before, view: self.views.append(view), PACE, lists)

    async def look(self, settings: StandingSettings | None, *hosts: Told, refusing: int = 0) -> StandingView:
        self.watch.follow(settings, hosts, refusing)
        for _ in range(5):  # each check that is due again at once is made again
            check = self.watch.due
            if check is None:
                break
            await self.watch.check(check)
        return self.watch.view


async def test_an_agreed_address_is_checked() -> None:
    watched = Watched(listing("192.0.2.1"))
    view = await watched.look(SETTINGS, *told("192.0.2.1"), refusing=4)
    ours = view.of(Family.IPV4)
    assert (ours.address, ours.source, ours.organisations) == ("192.0.2.1", AddressSource.TOLD, 3)
    assert ours.reverse is not None
    assert [each.state for each in ours.lists] == [ListingState.LISTED]
    assert (view.refusing, view.lists) == (4, (ZONE,))


async def test_without_an_address_nothing_is_asked() -> None:
    watched = Watched(listing())
    view = await watched.look(SETTINGS, *told("10.0.0.5"))
    assert view.of(Family.IPV4).source is AddressSource.NONE
    assert view.of(Family.IPV4).told[0].address == "10.0.0.5"
    assert not watched.zones.asked


async def test_a_configured_address_needs_nobody() -> None:
    watched = Watched(listing())
    view = await watched.look(replace(SETTINGS, addresses=("192.0.2.7",)))
    assert (view.of(Family.IPV4).address, view.of(Family.IPV4).source) == ("192.0.2.7", AddressSource.CONFIGURED)
    assert [each.state for each in view.of(Family.IPV4).lists] == [ListingState.CLEAR]


async def test_of_another_address_nothing_is_taken_over_and_the_list_is_asked_about_each_once_an_hour() -> None:
    watched = Watched(listing("192.0.2.1"))
    await watched.look(SETTINGS, *told("192.0.2.1"))
    view = await watched.look(SETTINGS, *told("192.0.2.2"))
    assert [each.state for each in view.of(Family.IPV4).lists] == [ListingState.CLEAR]
    view = await watched.look(SETTINGS, *told("192.0.2.1"))
    assert [each.state for each in view.of(Family.IPV4).lists] == [ListingState.LISTED]
    assert watched.zones.asked[f"1.2.0.192.{ZONE}", "A"] == 1


@pytest.mark.parametrize(("age", "asked"), [(3000.0, False), (3700.0, True), (-3700.0, True)])
async def test_a_list_that_was_asked_before_a_restart_is_not_asked_within_the_hour(age: float, asked: bool) -> None:
    lists = ListMemory()
    lists["192.0.2.1", ZONE] = ListAnswer(ZONE, ListingState.LISTED, time.time() - age, ("127.0.0.2",))
    watched = Watched(listing(), lists)
    view = await watched.look(SETTINGS, *told("192.0.2.1"))
    state = ListingState.CLEAR if asked else ListingState.LISTED
    assert [each.state for each in view.of(Family.IPV4).lists] == [state]
    assert watched.zones.asked[f"1.2.0.192.{ZONE}", "A"] == asked
    assert lists["192.0.2.1", ZONE].state is state


async def test_a_list_that_comes_back_into_the_configuration_has_its_answer() -> None:
    watched = Watched(listing("192.0.2.1"))
    await watched.look(SETTINGS, *told("192.0.2.1"))
    assert (await watched.look(replace(SETTINGS, plan=StandingPlan()), *told("192.0.2.1"))).of(Family.IPV4).lists == ()
    view = await watched.look(SETTINGS, *told("192.0.2.1"))
    assert [each.state for each in view.of(Family.IPV4).lists] == [ListingState.LISTED]
    assert watched.zones.asked[f"1.2.0.192.{ZONE}", "A"] == 1


async def test_switched_off_it_says_nothing() -> None:
    watched = Watched(listing())
    await watched.look(SETTINGS, *told("192.0.2.1"))
    assert await watched.look(None) == NO_STANDING
    assert watched.views[-1] == NO_STANDING
    assert watched.watch.due is None


async def test_each_view_is_told_for_the_times_of_its_answers_and_equal_ones_are_equal() -> None:
    watched = Watched(listing())
    await watched.look(SETTINGS, *told("192.0.2.1"))
    first = watched.views[-1]
    await watched.look(SETTINGS, *told("192.0.2.1"))
    assert watched.views[-1] is not first
    assert watched.views[-1] == first
    watched.zones = listing("192.0.2.1")
    await watched.look(replace(SETTINGS, plan=StandingPlan(lists=(ZONE, "other.bl"))), *told("192.0.2.1"))
    assert watched.views[-1] != first


async def test_a_bug_of_ours_asks_no_list_more_often() -> None:
    class Broken(Zones):
        async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
            if name.endswith(ZONE):
                raise RuntimeError("bug")
            return await super().lookup_records(name, kind)

    watched = Watched(Broken({}))
    settings = replace(SETTINGS, addresses=("192.0.2.7",))
    with pytest.raises(RuntimeError):
        await watched.look(settings)
    view = await watched.look(settings)
    assert view.of(Family.IPV4).reverse is not None
    assert view.of(Family.IPV4).lists == ()


def test_checks_that_take_long_do_not_put_off_the_next_look() -> None:
    class Slow(Zones):
        async def lookup_records(self, name: str, kind: str) -> DnsAnswer:
            await asyncio.sleep(10.0)
            return await super().lookup_records(name, kind)

    async def seconds() -> float:
        watched = Watched(Slow({}))
        plan = StandingPlan(lists=tuple(f"bl{number}.example" for number in range(100)))
        watched.watch.follow(replace(SETTINGS, plan=plan, addresses=("192.0.2.7",)), ())
        begun = asyncio.get_running_loop().time()
        await watched.watch.check_due()
        return asyncio.get_running_loop().time() - begun

    assert run_virtually(seconds()) <= 20.0
