"""Levers on the status page, moved over HTTP; and none where nobody offers any."""

from __future__ import annotations

import asyncio
import re
import threading
from dataclasses import dataclass, field

import httpx
import pytest

from exporter.web.app import AppOptions, create_app
from exporter.web.pages.panel import Lever, LeverStuck, Panel
from tests.results import domain, result, up_host
from tests.support.waiting import until
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import known, text


@dataclass
class Machine:
    """Something with two levers."""

    thrown: set[str] = field(default_factory=set)
    stuck: str = ""
    together: bool = False  # to mend one makes the others look whole
    moves: list[str] = field(default_factory=list)
    hold: threading.Event | None = None

    def lever(self, key: str) -> Lever:
        def move(name: str) -> None:
            self.moves.append(f"{name} {key}")
            if self.hold is not None:
                assert self.hold.wait(30)
            if self.stuck:
                raise LeverStuck(self.stuck)
            (self.thrown.add if name == "throw" else self.thrown.discard)(key)
            if name == "restore" and self.together:
                self.thrown.clear()

        return Lever(
            key=key,
            throw_text=f"Break {key}",
            restore_text=f"Mend {key}",
            thrown_text=f"{key} is broken",
            effect=f"See {key} fail.",
            watch=("egress", "The egress"),
            is_thrown=lambda: key in self.thrown,
            throw=lambda: move("throw"),
            restore=lambda: move("restore"),
        )


@pytest.fixture
def machine() -> Machine:
    return Machine()


def browse(machine: Machine | None, route_prefix: str = "/") -> httpx.AsyncClient:
    backend = FakeBackend()
    backend.kept = known((domain(), result(up_host())))
    panel = None
    if machine is not None:
        panel = Panel("Break it", "All of it is yours.", (machine.lever("pump"), machine.lever("gate")), 5)
    app = create_app(backend, options=AppOptions(route_prefix=route_prefix, panel=panel))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://client.example")


def actions(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<form method="post" action="([^"]*)"><button type="submit"[^>]*>([^<]*)</button>', page)


async def test_an_exporter_has_no_levers() -> None:
    async with browse(None) as client:
        assert "levers" not in (await client.get("/")).text
        assert (await client.post("/levers/pump/throw")).status_code == 404
        assert (await client.post("/levers/all/restore")).status_code == 404


@pytest.mark.parametrize("prefix", ["/", "/mx/"])
async def test_a_lever_is_thrown_and_restored_by_the_forms_of_the_page(machine: Machine, prefix: str) -> None:
    async with browse(machine, prefix) as client:
        page = await client.get(prefix)
        assert actions(page.text) == [("levers/pump/throw", "Break pump"), ("levers/gate/throw", "Break gate")]
        assert "Break it All of it is yours." in text(page.text)
        assert "See pump fail. The egress" in text(page.text)
        assert "Nothing is broken now." in text(page.text)
        pressed = await client.post(page.url.join("levers/gate/throw"))
        assert pressed.status_code == 303
        assert pressed.url.join(pressed.headers["location"]) == page.url
        page = await client.get(prefix)
        assert actions(page.text) == [
            ("levers/pump/throw", "Break pump"),
            ("levers/gate/restore", "Mend gate"),
            ("levers/all/restore", "Repair everything"),
        ]
        assert "Now gate is broken." in text(page.text)
        await client.post(page.url.join("levers/gate/restore"))
        assert "Nothing is broken now." in text((await client.get(prefix)).text)
    assert machine.moves == ["throw gate", "restore gate"]


async def test_all_that_is_broken_is_repaired_at_once(machine: Machine) -> None:
    machine.thrown = {"gate"}
    async with browse(machine) as client:
        assert (await client.post("/levers/all/restore")).status_code == 303
    assert machine.moves == ["restore gate"]


async def test_levers_that_share_what_they_break_are_all_repaired(machine: Machine) -> None:
    machine.thrown = {"pump", "gate"}
    machine.together = True
    async with browse(machine) as client:
        await client.post("/levers/all/restore")
    assert machine.moves == ["restore pump", "restore gate"]


async def test_what_was_being_looked_at_still_is(machine: Machine) -> None:
    async with browse(machine) as client:
        page = await client.get("/?verdict=up&refresh=off")
        action = actions(page.text)[0][0].replace("&amp;", "&")
        assert action == "levers/pump/throw?verdict=up&refresh=off"
        assert (await client.post(f"/{action}")).headers["location"] == "../../?verdict=up&refresh=off"
        # And nothing else that somebody may have put there.
        answer = await client.post("/levers/pump/throw?verdict=//evil.example&x=%0d%0aSet-Cookie:a")
        assert answer.headers["location"] == "../../"


async def test_pages_come_again_as_often_as_all_is_probed(machine: Machine) -> None:
    async with browse(machine) as client:
        for path in ("/", "/egress", "/domain/healthy.example"):
            assert '<meta http-equiv="refresh" content="5">' in (await client.get(path)).text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}, {"Origin": "http://a.example"}]
)
async def test_another_site_moves_none(machine: Machine, headers: dict[str, str]) -> None:
    machine.thrown = {"gate"}
    async with browse(machine) as client:
        for path in ("/levers/pump/throw", "/levers/gate/restore", "/levers/all/restore"):
            assert (await client.post(path, headers=headers)).status_code == 403
    assert machine.moves == []


async def test_what_is_no_lever_is_not_found_and_a_look_moves_none(machine: Machine) -> None:
    async with browse(machine) as client:
        for path in ("/levers/nothing/throw", "/levers/all/throw", "/levers/pump/else"):
            assert (await client.post(path)).status_code == 404
        assert (await client.get("/levers/pump/throw")).status_code == 405
    assert machine.moves == []


async def test_a_lever_that_is_stuck_says_why(machine: Machine) -> None:
    machine.stuck = "port 25 is in use"
    async with browse(machine) as client:
        answer = await client.post("/levers/pump/throw")
    assert (answer.status_code, answer.text) == (500, "port 25 is in use\n")


async def test_one_is_moved_at_a_time(machine: Machine) -> None:
    machine.hold = threading.Event()
    async with browse(machine) as client:
        first = asyncio.ensure_future(client.post("/levers/pump/throw"))
        await until(lambda: machine.moves)
        second = await client.post("/levers/gate/throw")
        machine.hold.set()
        assert (second.status_code, (await first).status_code) == (503, 303)
    assert machine.moves == ["throw pump"]
