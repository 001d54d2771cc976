"""The page of an MX name: its addresses, and the targets behind them."""

from __future__ import annotations

from exporter.web.pages.mx_view import MAX_HOSTS
from tests.results import changed, down_host, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import HOSTILE, C, get, host, known, links_of, names, text
from tests.web.pages.shared import ALIVE, DEAD, MX1, Known, at, big


async def test_it_has_each_address_and_the_targets_behind_it_the_worst_first(backend: FakeBackend) -> None:
    backend.kept = known(*big(4), *big(1, DEAD, first=4), (host(f"{MX1}:25"), at("", ALIVE[0])))
    second = down_host(C.CONNECT_REFUSED, MX1, "192.0.2.200")
    backend.known_hosts = [Known(second, 5), Known(ALIVE[0], 5), Known(ALIVE[1], 5)]
    page = await get(backend, f"/mx/{MX1}")
    shown = text(page)
    assert f"{MX1} MX host, 1 of 2 up" in shown
    assert shown.index(f"{MX1} 192.0.2.200 dead") < shown.index(f"{MX1} 192.0.2.1 up")
    assert "connect_refused at banner" in shown
    assert "banner 220, ehlo 250, quit 221" in shown
    assert "6 targets provider big.example 1 dead 5 up" in shown
    assert names(page)[0] == "t004.example"
    assert len(names(page)) == 6
    assert {
        f"../?verdict=dead&mx={MX1}",
        f"../?mx={MX1}",
        "../?provider=big.example",
        "../domain/t004.example",
    } <= set(links_of(page))


async def test_of_many_the_first_are_shown_and_the_rest_is_a_search_away(backend: FakeBackend) -> None:
    backend.kept = known(*big(412))
    backend.known_hosts = [Known(ALIVE[0], 412)]
    page = await get(backend, f"/mx/{MX1}")
    assert len(names(page)) == 100
    assert "All 412 of them, with search and filters" in text(page)


async def test_of_dialogues_about_a_domain_each_the_first_are_shown_and_those_that_fail_before_them(
    backend: FakeBackend,
) -> None:
    alive = [changed(ALIVE[0], domain=f"d{number:04}.example") for number in range(2000)]
    dead = down_host(C.CONNECT_REFUSED, MX1, "192.0.2.200")
    backend.known_hosts = [Known(each, 1) for each in (*alive, dead)]
    page = await get(backend, f"/mx/{MX1}")
    assert page.count('<section class="card host') == MAX_HOSTS
    assert page.index("192.0.2.200") < page.index("192.0.2.1<")
    assert f"{2001 - MAX_HOSTS:,} more, each with a dialogue of its own" in text(page)


async def test_it_is_there_before_the_first_session(backend: FakeBackend) -> None:
    backend.known_hosts = [Known(up_host(MX1), 1)]
    assert "0 targets" in text(await get(backend, f"/mx/{MX1}"))
    backend.known_hosts, backend.kept = (), known(*big(1))
    assert "There was no session with it yet." in text(await get(backend, f"/mx/{MX1}"))


async def test_a_dialogue_about_one_domain_says_so(backend: FakeBackend) -> None:
    backend.known_hosts = [Known(changed(ALIVE[0], module="full", domain="t000.example", port=2525), 1)]
    shown = text(await get(backend, f"/mx/{MX1}"))
    assert "module and port full, 2525 dialogue about t000.example" in shown


async def test_what_a_stranger_wrote_is_escaped(backend: FakeBackend) -> None:
    evil = changed(ALIVE[0], mx=HOSTILE.replace("/", ""))
    backend.kept, backend.known_hosts = known(*big(1, (evil,))), [Known(evil, 1)]
    page = await get(backend, "/?group=host")
    (link,) = [link for link in links_of(page) if link.startswith("mx/")]
    shown = await get(backend, f"/{link}")
    assert "<script>alert" not in shown
    assert "\u202e" not in shown
