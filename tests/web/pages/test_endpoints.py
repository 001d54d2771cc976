"""The pages as HTML, without a browser: every page, its links, and that no text of a server can act on it."""

from __future__ import annotations

import asyncio
import html
import re
from dataclasses import replace
from urllib.parse import quote

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.failure import Confidence
from exporter.model.target import TargetKind
from exporter.web.backend import NoFreeSlot
from exporter.web.pages.probe_requests import MAX_PROBES
from tests.results import AT, domain, down_host, result, up_host
from tests.support.markup import Markup
from tests.support.waiting import until
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    BROWSER,
    FLEET,
    HOSTILE,
    OURS,
    C,
    browse,
    get,
    host,
    hostile_fleet,
    known,
    links_of,
    text,
)


async def test_hosts_and_references_have_pages_of_their_own(backend: FakeBackend) -> None:
    backend.kept = known((host("[2001:db8::1]:25"), result(up_host("2001:db8::1", "2001:db8::1"))), (domain(), None))
    reference = replace(host("mx.reference.example"), kind=TargetKind.REFERENCE)
    backend.references = known((reference, result(up_host("mx.reference.example", "192.0.2.9"))))
    async with browse(backend) as client:
        for page, name in (("/", "[2001:db8::1]:25"), ("/egress", "mx.reference.example")):
            answer = await client.get(page)
            link = next(link for link in links_of(answer.text) if link.endswith(quote(name, safe="")))
            target = await client.get(answer.url.join(link))
            assert f"{name} is up: 1 of 1 address takes mail" in text(target.text)


@pytest.mark.parametrize(
    "path",
    ["/domain/nope.example", "/host/healthy.example", "/reference/x", "/domain/%3Cb%3E", "/mx/nope.example", "/mx/-"],
)
async def test_what_is_not_configured_has_no_page_and_is_not_repeated(backend: FakeBackend, path: str) -> None:
    backend.kept = known((domain(), None))
    page = await get(backend, path, 404)
    assert "No target or MX host of this name is configured." in text(page)
    assert "nope" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    "path", ["/", "/domain/evil.example", "/egress", f"/?q={quote(HOSTILE)}&label={quote('a=' + HOSTILE)}"]
)
async def test_nothing_a_stranger_says_can_act_on_a_page(backend: FakeBackend, path: str) -> None:
    hostile_fleet(backend)
    page = await get(backend, path)
    assert not set(page) & set("\x1b\x00\u202e\u200b")
    page, scripts = re.subn(r'<script src="(\.\./)?static/(refresh|times|copy)\.js" defer></script>', "", page)
    assert scripts == 2 + path.startswith("/domain/")
    seen = Markup()
    seen.feed(page)
    assert not seen.tags & {"script", "style", "img", "iframe", "object", "base"}
    assert not {name for name in seen.attributes if name.startswith("on") or name == "style"}
    assert not [link for link in seen.links if ":" in link.partition("?")[0]]


async def test_a_hostile_line_is_shown_escaped(backend: FakeBackend) -> None:
    hostile_fleet(backend)
    page = text(await get(backend, "/domain/evil.example"))
    assert r"< server <script>alert(1)</script>" in page
    assert r"\x1b[31m\x00\u202egnp\u200b&lt;img src=x>\xff" in page


@pytest.mark.parametrize("prefix", ["/", "/mx"])
async def test_every_link_leads_somewhere_whatever_is_before_it(backend: FakeBackend, prefix: str) -> None:
    """Relative, so also behind a proxy that puts the pages below a path of its own."""
    backend.kept = known(*FLEET)
    async with browse(backend, prefix) as client:
        seen: set[str] = set()
        left = [f"{prefix.rstrip('/')}/"]
        while left:
            page = await client.get(left.pop())
            assert page.status_code == 200, page.url
            if not page.headers["content-type"].startswith("text/html"):
                continue
            links = links_of(page.text)
            assert links
            for link in links:
                assert not link.startswith(("/", "http"))
                url = str(page.url.join(link)).partition("#")[0]
                if url not in seen and len(seen) < 200:
                    seen.add(url)
                    left.append(url)
    assert any("/host/relay.example%3A25" in url for url in seen)


@pytest.mark.parametrize("path", ["/", "/domain/healthy.example", "/egress", "/classes", "/domain/absent.example"])
async def test_while_our_own_side_is_at_fault_every_page_begins_with_it(backend: FakeBackend, path: str) -> None:
    backend.kept = known((domain(), result(down_host(C.EGRESS_BLOCKED))))
    async with browse(backend) as client:
        assert "behind it" not in (await client.get(path, headers=BROWSER)).text
        view = EgressView(EgressState.BLOCKED, Confidence.LIKELY, networks=5)
        backend.families = {Family.IPV4: view, Family.IPV6: EgressView()}
        backend.changes = [
            EgressStateChange(AT, Family.IPV4, view),
            EgressStateChange(AT + 60, Family.IPV4, replace(view, networks=6)),
        ]
        backend.failing = {C.EGRESS_BLOCKED: 1234}
        page = (await client.get(path, headers=BROWSER)).text
    shown = text(page.partition("<main")[2]).partition(">")[2].strip()
    assert shown.startswith(
        "Port 25 is blocked on OUR side since 2023-11-14 22:13 UTC (IPv4, likely): 1,234 targets behind it . Next: "
        "set egress.references to be certain; then call our provider"
    )
    assert "Egress IPv4 blocked? IPv6 unknown" in text(page)
    assert any(link.endswith("?class=egress_blocked") for link in links_of(page))


@pytest.mark.parametrize("state", [EgressState.OPEN, EgressState.UNKNOWN])
async def test_nothing_is_said_of_an_egress_that_is_open_or_unknown(backend: FakeBackend, state: EgressState) -> None:
    backend.families = dict.fromkeys(Family, EgressView(state, Confidence.CERTAIN))
    page = await get(backend, "/")
    assert "own-side" not in page
    assert f"Egress IPv4 {state} IPv6 {state}" in text(page)


@pytest.mark.parametrize("headers", [OURS, {"Sec-Fetch-Site": "same-origin"}, {}])
async def test_probe_now_probes_and_leads_back(backend: FakeBackend, headers: dict[str, str]) -> None:
    backend.kept = known((domain(), None), (host("relay.example:25"), None))
    async with browse(backend, "/mx") as client:
        for path, key in (
            ("/mx/domain/healthy.example", (TargetKind.DOMAIN, "healthy.example")),
            ("/mx/host/relay.example%3A25", (TargetKind.HOST, "relay.example:25")),
            ("/mx/host/relay.example%3A25?refresh=off", (TargetKind.HOST, "relay.example:25")),  # and stays paused
        ):
            page = await client.get(path)
            (action,) = re.findall(r'<form method="post" action="([^"]*)"', page.text)
            answer = await client.post(page.url.join(action), headers=headers)
            assert answer.status_code == 303
            assert answer.url.join(answer.headers["location"]) == page.url
            assert backend.probed[-1] == key


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", **OURS},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://client.example:8080"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
)
async def test_another_site_cannot_have_anything_probed(backend: FakeBackend, headers: dict[str, str]) -> None:
    backend.kept = known((domain(), None))
    async with browse(backend) as client:
        answer = await client.post("/domain/healthy.example/probe", headers=headers)
    assert answer.status_code == 403
    assert backend.probed == []


async def test_where_probing_is_switched_off_there_is_no_button_and_no_probe(backend: FakeBackend) -> None:
    backend.kept = known((domain(), None))
    async with browse(backend, probes=False) as client:
        assert "<form" not in (await client.get("/domain/healthy.example")).text
        assert (await client.post("/domain/healthy.example/probe", headers=OURS)).status_code == 403
    assert backend.probed == []


async def test_a_probe_that_has_no_turn_says_so_on_the_page(backend: FakeBackend) -> None:
    backend.kept = known((domain(), None))
    backend.error = NoFreeSlot("no free slot within 60 s: <b>busy</b>")
    async with browse(backend) as client:
        assert (await client.post("/domain/healthy.example/probe", headers=OURS)).status_code == 303
        page = (await client.get("/domain/healthy.example")).text
        assert "gave no result: no free slot within 60 s: <b>busy</b> ." in text(page)
        assert (await client.get("/domain/healthy.example/probe")).status_code == 405
        assert (await client.post("/domain/absent.example/probe", headers=OURS)).status_code == 404
    assert len(backend.probed) == 1


async def test_a_probe_is_answered_at_once_and_shown_while_it_runs(backend: FakeBackend) -> None:
    backend.kept = known((domain(), None))
    backend.hold_probes = asyncio.Event()
    async with browse(backend) as client:
        for paused in ("", "?refresh=off"):
            answer = await client.post(f"/domain/healthy.example/probe{paused}")
            assert answer.status_code == 303
            page = (await client.get(answer.url.join(answer.headers["location"]))).text
            assert "is running. Its result will be shown here." in text(page)
            assert '<button type="submit" aria-disabled="true">Probing …</button>' in page
            # It is looked at again soon, by a person who has paused the page too.
            assert '<meta http-equiv="refresh" content="1">' in page
        assert len(backend.probed) == 1  # who asks twice is shown the same
        backend.hold_probes.set()
        await until(lambda: backend.probes_under_way == 0)
        page = (await client.get("/domain/healthy.example?refresh=off")).text
        assert "has ended after" in text(page)
        assert "Probe now</button>" in page
        assert "http-equiv" not in page


async def test_one_person_too_many_is_told_to_come_again(backend: FakeBackend) -> None:
    backend.hold_probes = asyncio.Event()
    names = [f"d{number}.example" for number in range(MAX_PROBES + 1)]
    backend.kept = known(*((domain(name), None) for name in names))
    async with browse(backend) as client:
        probes = [asyncio.create_task(client.post(f"/domain/{name}/probe")) for name in names[1:]]
        await until(lambda: backend.probes_under_way == MAX_PROBES)
        refused = await client.post(f"/domain/{names[0]}/probe")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        backend.hold_probes.set()
        assert {answer.status_code for answer in await asyncio.gather(*probes)} == {303}


async def test_the_report_is_text_to_copy(backend: FakeBackend) -> None:
    backend.kept = known((domain(), result(down_host())), (host("relay.example:25"), result(up_host())))
    async with browse(backend, "/mx") as client:
        for path in ("/mx/domain/healthy.example", "/mx/host/relay.example%3A25"):
            page = await client.get(path)
            (action,) = re.findall(r'<form class="copy" method="get" action="([^"]*)"', page.text)
            answer = await client.get(page.url.join(action))
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            name = path.rpartition("/")[2].replace("%3A", ":")
            assert answer.text.startswith(f"Report on {name}, made at ")
            # For a browser it is in the frame, with the same text, and a way back.
            framed = await client.get(answer.url, headers={"Accept": "text/html,*/*;q=0.8"})
            assert (framed.headers["vary"], answer.headers["vary"]) == ("Accept", "Accept")
            assert [*links_of(framed.text)][-1] == f"../../{path.removeprefix('/mx/')}"
            shown = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", framed.text, re.DOTALL)[0]
            assert html.unescape(shown).splitlines()[1:] == answer.text.splitlines()[1:]  # the first has the time


async def test_without_a_result_there_is_no_report(backend: FakeBackend) -> None:
    backend.kept = known((domain(), None))
    async with browse(backend) as client:
        assert "Copy report" not in (await client.get("/domain/healthy.example")).text
        for name in ("healthy.example", "absent.example"):
            assert (await client.get(f"/domain/{name}/report")).status_code == 404
