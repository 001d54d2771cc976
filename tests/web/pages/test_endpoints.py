"""The pages for people as HTML, without a browser: what they show, in which order, and that nothing on them can act."""

from __future__ import annotations

import asyncio
import errno
import html
import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.path_trace import HopKind
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, TlsRpt
from exporter.model.resolver import ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import HostResult, ProbeResult, TlsResult, TranscriptLine
from exporter.model.target import Settings, Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.report.local_state import local_state_lines
from exporter.store.targets import TargetRecord, TargetStore
from exporter.store.transcripts import TranscriptStore
from exporter.web.app import AppOptions, create_app
from exporter.web.backend import NoFreeSlot
from exporter.web.pages.endpoints import MAX_PROBES
from exporter.web.pages.fleet import PAGE_ROWS
from tests.paths import OPEN_443, path
from tests.results import AT, changed, domain, down_host, host_of, lookup_failed, result, tls_host, up_host
from tests.support.markup import Markup
from tests.support.waiting import until
from tests.web.fake_backend import FakeBackend

C = FailureClass
# What a server may try: markup, an attribute's end, an ANSI escape, NUL, an override of the direction, an invisible
# character, and an entity.
HOSTILE = "<script>alert(1)</script>\"' onload=x \x1b[31m\x00\u202egnp\u200b&lt;img src=x>"


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


def browse(backend: FakeBackend, route_prefix: str = "/", *, probes: bool = True) -> httpx.AsyncClient:
    app = create_app(backend, options=AppOptions(route_prefix=route_prefix, probes=probes))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://client.example")


async def get(backend: FakeBackend, path: str, status: int = 200) -> str:
    async with browse(backend) as client:
        answer = await client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def known(*targets: tuple[Target, ProbeResult | None]) -> list[TargetRecord]:
    store = TargetStore(lambda record, before: ())
    store.replace_targets([target for target, _ in targets])  # one that comes again is probed again
    for target, probed in targets:
        if probed is not None:
            store.record(target, probed)
    return list(store.records())


def host(name: str) -> Target:
    return Target(TargetKind.HOST, name, name.rpartition(":")[0], Settings())


def took(seconds: float, *hosts: HostResult) -> ProbeResult:
    return replace(result(*hosts), duration=seconds)


def text(page: str) -> str:
    """What is to be read on it, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def names(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page)


def tiles(page: str) -> dict[str, int]:
    nav = page.partition('<nav class="tiles"')[2].partition("</nav>")[0]
    return {name.strip(): int(count) for count, name in re.findall(r"<b>(\d+)</b>([^<]*)</a>", nav)}


FLEET = (
    (domain("up.example", team="web"), took(0.0421, up_host(), down_host())),
    (domain("new.example"), None),
    (domain("blocked.example", team="mail", site="x"), result(down_host())),
    (domain("silent.example", team="mail"), took(9.0, down_host(C.CONNECT_TIMEOUT))),
    (domain("mute.example"), took(9.5, down_host(C.BANNER_CLOSED))),
    (domain("gone.example"), lookup_failed(C.DNS_NXDOMAIN)),
    (host("relay.example:25"), result(up_host("relay.example:25", "192.0.2.77", None))),
)


@pytest.fixture
def fleet(backend: FakeBackend) -> FakeBackend:
    backend.kept = known(*FLEET)
    return backend


async def test_templates_are_read_at_the_start(fleet: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browse(fleet)

    def unreadable(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("builtins.open", unreadable)
    async with client:
        for page in ("/", "/egress", "/domain/up.example", "/domain/absent.example"):
            assert (await client.get(page)).headers["content-type"].startswith("text/html")
    monkeypatch.setattr("jinja2.loaders.FileSystemLoader.get_source", unreadable)
    with pytest.raises(OSError, match="Too many"):
        browse(fleet)


async def test_the_worst_are_first_and_the_slowest_among_equals(fleet: FakeBackend) -> None:
    assert names(await get(fleet, "/")) == [
        "blocked.example",
        "mute.example",
        "silent.example",
        "gone.example",
        "new.example",
        "up.example",  # one of its addresses is down
        "relay.example:25",
    ]


async def test_a_row_says_state_class_addresses_and_the_slowest_phase(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?q=up.example")
    row = text(page.partition("<tbody>")[2])
    assert row.startswith("up.example team=web up starttls_not_offered 1/2 banner 250 ms")
    assert "last probe: 1 up" in row


async def test_the_slowest_phase_may_be_one_that_came_to_no_end(backend: FakeBackend) -> None:
    mute = changed(down_host(C.BANNER_TIMEOUT), phases=((Stage.CONNECT, 0.02),), unfinished=(Stage.BANNER, 29.98))
    backend.kept = known((domain(), result(mute)))
    assert "banner 30.0 s" in text((await get(backend, "/")).partition("<tbody>")[2])
    page = await get(backend, "/domain/healthy.example")
    assert 'aria-label="phases: connect 20 ms, banner 30.0 s"' in page
    assert len(re.findall(r'class="phase bad"', page)) == 1


async def test_the_counts_are_those_of_the_fleet(fleet: FakeBackend) -> None:
    assert tiles(await get(fleet, "/")) == {
        "all": 7,
        "local": 0,
        "blocked": 1,
        "undetermined": 2,
        "dead": 0,
        "misconfigured": 1,
        "degraded": 0,
        "declined": 0,
        "not probed yet": 1,
        "up": 2,
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=MUTE", ["mute.example"]),
        ("q=192.0.2.77", ["relay.example:25"]),  # an address of its hosts
        ("q=mx1.healthy", ["up.example"]),  # the name of one
        ("q=++gone++", ["gone.example"]),
        ("q=nobody", []),
        ("verdict=undetermined", ["silent.example", "mute.example"]),
        ("verdict=waiting", ["new.example"]),
        ("verdict=up", ["up.example", "relay.example:25"]),
        ("class=dns_nxdomain", ["gone.example"]),
        ("label=team%3Dmail", ["blocked.example", "silent.example"]),
        ("label=team%3Dmail&verdict=undetermined", ["silent.example"]),
        ("label=team", [target.name for target, _ in FLEET]),  # no pair: no filter
        ("verdict=%3Cscript%3E&class=x&page=-1", [target.name for target, _ in FLEET]),  # neither are these
    ],
)
async def test_filters_leave_what_matches_all_of_them(fleet: FakeBackend, query: str, found: list[str]) -> None:
    page = await get(fleet, f"/?{query}")
    assert sorted(names(page)) == sorted(found)
    if not found:
        assert "None of 7 targets matches." in text(page)


async def test_a_label_that_turns_the_text_around_is_escaped_and_can_be_asked_for(backend: FakeBackend) -> None:
    backend.kept = known((domain("odd.example", team="a\u202eb"), None), (domain("other.example", team="c"), None))
    page = await get(backend, "/")
    assert "\u202e" not in page
    (link,) = [link for link in links_of(page) if "label=team%3Da" in link]
    assert names(await get(backend, link.removeprefix("."))) == ["odd.example"]


async def test_a_filters_counts_are_those_with_all_others(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?verdict=undetermined&label=team%3Dmail")
    assert tiles(page)["blocked"] == 1
    assert tiles(page)["undetermined"] == 1
    assert "connect_timeout (1)" in page
    assert "banner_closed" not in page
    assert "team=mail (1)" in page


async def test_the_form_shows_what_was_asked_for_and_the_page_comes_again_with_it(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?q=e&verdict=undetermined&class=connect_timeout&label=team%3Dmail")
    assert 'name="q" value="e"' in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["undetermined", "connect_timeout", "team=mail"]
    # Without an address of its own, a refresh is to the page itself, its query included.
    assert '<meta http-equiv="refresh" content="30">' in page


async def test_refreshing_can_be_paused_and_stays_so(fleet: FakeBackend) -> None:
    page = await get(fleet, "/?verdict=dead")
    assert 'href="./?verdict=dead&amp;refresh=off"' in page
    paused = await get(fleet, "/?verdict=dead&refresh=off")
    assert "http-equiv" not in paused
    assert 'href="./?verdict=dead"' in paused
    assert '<input type="hidden" name="refresh" value="off">' in paused
    assert all("refresh=off" in link for link in re.findall(r'class="tile[^"]*" href="([^"]*)"', paused))


@pytest.mark.parametrize(
    ("page", "first", "last", "links"),
    [(1, 0, 99, ["next", "last"]), (2, 100, 199, ["first", "prev", "next", "last"]), (3, 200, 249, ["first", "prev"])],
)
async def test_a_large_fleet_is_paged(backend: FakeBackend, page: int, first: int, last: int, links: list[str]) -> None:
    backend.kept = known(*((domain(f"d{number:03}.example"), result(up_host())) for number in range(250)))
    got = await get(backend, f"/?page={page}")
    assert len(names(got)) == min(PAGE_ROWS, last - first + 1)
    assert (names(got)[0], names(got)[-1]) == (f"d{first:03}.example", f"d{last:03}.example")
    assert re.findall(r'rel="(\w+)"', got.partition('<nav class="pages"')[2]) == links
    assert f"{first + 1}\u2013{last + 1} of 250 targets" in text(got)


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "999999999999", "٣", ""])
async def test_a_page_that_is_none_is_the_nearest_that_is(backend: FakeBackend, page: str) -> None:
    backend.kept = known(*((domain(f"d{number}.example"), None) for number in range(150)))
    assert len(names(await get(backend, f"/?page={quote(page)}"))) in (50, PAGE_ROWS)


async def test_an_international_name_is_found_as_it_is_written(backend: FakeBackend) -> None:
    backend.kept = known((domain("xn--bcher-kva.example"), None), (domain("other.example"), None))
    assert names(await get(backend, "/?q=b%C3%BCcher.example")) == ["xn--bcher-kva.example"]


async def test_without_targets_the_page_says_where_they_come_from(backend: FakeBackend) -> None:
    assert "No target is configured" in text(await get(backend, "/"))


async def test_a_domains_page_says_the_verdict_with_its_evidence_and_confidence(backend: FakeBackend) -> None:
    silent = host_of(
        mx="mx.filtered.example",
        address="192.0.2.9",
        preference=10,
        failure=Failure(Stage.CONNECT, C.PORT_FILTERED, "port 25 is silent", Confidence.LIKELY),
        own_failure=Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "no answer to the SYN within 9.0 s"),
        evidence=Evidence(
            25,
            ConnectEvidence("192.0.2.9", None, elapsed=9.0),
            (Witness(443, ConnectOutcome.ANSWERED), Witness(587, ConnectOutcome.SILENT)),
            path(HopKind.TIME_EXCEEDED, HopKind.TIME_EXCEEDED, against=OPEN_443),
        ),
        last_hop="203.0.113.9",
        at=AT,
    )
    backend.kept = known((domain("filtered.example"), result(silent)))
    page = await get(backend, "/domain/filtered.example")
    shown = text(page)
    assert "filtered.example: mx.filtered.example [192.0.2.9]: port 25 is silent; likely we are kept out" not in shown
    assert "filtered.example: port 25 of mx.filtered.example [192.0.2.9] is silent; likely we are kept out" in shown
    assert "class port_filtered stage connect confidence likely" in shown
    assert '<a href="../classes#port_filtered">' in page
    assert (
        "Next: see with mx-exporter trace 192.0.2.9 --port 25 where port 25 is lost; call the owner of 203.0.113.9"
        in shown
    )
    for evidence in (
        "by itself the session showed connect_timeout: no answer to the SYN within 9.0 s",
        "port 443 of the same address answers",
        "port 587 of the same address is silent",
        "likely we are kept out",
    ):
        assert shown.count(evidence) == 1
    # The mark of what is not certain, with what the word means.
    assert re.findall(
        r'<span class="badge blocked" title="likely: [^"]*others may well get through">blocked\?</span>', page
    )
    assert re.search(r'<svg class="waterfall" role="img" aria-label="phases: connect 9.0 s"', page)
    assert '<svg class="path" role="img" aria-label="port 25: ' in page
    assert len(re.findall(r'<circle class="hop passed"', page)) == 5  # two of port 25, three of port 443
    assert re.search(r'<text class="below"[^>]*>hop 1</text><text class="below"[^>]*>[0-9.]{7,}</text>', page)
    assert page.count(">reached</text>") == 1
    assert "Hop Port 25 Port 443 1 " in shown


async def test_a_domains_page_shows_hosts_phases_replies_extensions_and_certificate(backend: FakeBackend) -> None:
    probed = result(up_host(), changed(tls_host(), preference=20), down_host(preference=30))
    backend.kept = known((domain("healthy.example"), probed))
    page = await get(backend, "/domain/healthy.example")
    shown = text(page)
    assert re.findall(r'<h2 id="host\d"><span class="preference" title="MX preference">(\d+)</span> (\S+)', page) == [
        ("10", "mx1.healthy.example"),
        ("20", "mx.secure.example"),
        ("30", "mx2.healthy.example"),
    ]
    assert 'aria-label="phases: connect 10 ms, banner 250 ms, ehlo 11 ms, quit 12 ms"' in page
    assert "banner 220, ehlo 250, quit 221" in shown
    assert "banner 554 5.7.1" in shown
    assert "PIPELINING SIZE" in shown
    assert "size limit 10,240,000 bytes" in shown
    assert "Certificate not verified" in shown
    assert "issuer CN=Authority" in shown
    assert "tls_expired : the server's certificate has expired" in shown
    assert "valid until 2023-11-13 22:13:20 UTC expired" in shown
    assert "AUTH with TLS PLAIN LOGIN" in shown


async def test_without_a_path_the_last_router_is_named(backend: FakeBackend) -> None:
    silent = changed(
        down_host(C.PORT_FILTERED),
        evidence=Evidence(25, ConnectEvidence("192.0.2.9", None, elapsed=9.0)),
        last_hop="203.0.113.9",
    )
    backend.kept = known((domain(), result(silent)))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "the last router that answered on the way is 203.0.113.9" in shown


async def test_a_long_silence_is_drawn_short_and_told_whole(backend: FakeBackend) -> None:
    lost = path(HopKind.TIME_EXCEEDED, *[HopKind.SILENT] * 20)
    silent = replace(down_host(C.PORT_FILTERED), evidence=Evidence(25, ConnectEvidence("192.0.2.9", None), path=lost))
    backend.kept = known((domain(), result(silent)))
    page = await get(backend, "/domain/healthy.example")
    assert page.count('<circle class="hop silent"') == 3
    assert text(page).count("no answer") >= 20


async def test_policies_and_dane_are_told(backend: FakeBackend) -> None:
    host = changed(tls_host(), dane=Dane(DaneState.MISMATCH, ("3 1 1 AB",), "no TLSA record matches"))
    probed = replace(result(host), mta_sts=MtaSts(MtaStsMode.ENFORCE, mx=("*.example",)), tls_rpt=TlsRpt(False))
    backend.kept = known((domain(), probed))
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "MTA-STS: enforce, mx *.example TLS-RPT: absent" in shown
    assert "DANE: mismatch: no TLSA record matches TLSA 3 1 1 AB" in shown


async def test_the_history_is_told_from_the_latest_backwards(backend: FakeBackend) -> None:
    store = TargetStore(lambda record, before: ())
    target = domain()
    store.replace_targets([target])
    for number, each in enumerate((up_host(), down_host(), up_host())):
        store.record(target, replace(result(each), at=AT + 2000 * number))
    backend.kept = store.records()
    page = await get(backend, "/domain/healthy.example")
    history = page.partition('<ol class="history"')[2].partition("</ol>")[0]
    assert re.findall(r'<li class="(\w+)">', history) == ["up", "blocked", "up"]
    assert "reputation_blocked at banner, certain" in text(page)
    assert text(page).count("for 33 min") == 2


def spoken(*lines: bytes) -> HostResult:
    said = tuple(TranscriptLine(0.25 * number, number % 2 == 1, line) for number, line in enumerate(lines))
    return replace(up_host(), transcript=said)


def heard_of(probed: ProbeResult) -> dict[tuple[str, str], tuple[TranscriptLine, ...]]:
    return {(host.mx, host.address): host.transcript for host in probed.hosts}


async def test_the_last_dialogues_are_shown_line_by_line_with_their_times(backend: FakeBackend) -> None:
    target, dialogues = domain(), TranscriptStore()
    probed = result(spoken(b"220 mx ESMTP\r\n", b"QUIT\r\n"))
    dialogues.keep(target, probed, heard_of(probed))
    backend.kept = known((target, probed))
    backend.transcripts = dialogues.of(target.key)
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "mx1.healthy.example [192.0.2.1] worked" in shown
    assert "0.0 ms < server 220 mx ESMTP 250.0 ms > exporter QUIT" in shown


async def test_hosts_and_references_have_pages_of_their_own(backend: FakeBackend) -> None:
    backend.kept = known(
        (host("[2001:db8::1]:25"), result(up_host("[2001:db8::1]:25", "2001:db8::1", None))), (domain(), None)
    )
    reference = replace(host("mx.reference.example"), kind=TargetKind.REFERENCE)
    backend.references = known((reference, result(up_host("mx.reference.example", "192.0.2.9", None))))
    async with browse(backend) as client:
        for page, name in (("/", "[2001:db8::1]:25"), ("/egress", "mx.reference.example")):
            answer = await client.get(page)
            link = next(link for link in links_of(answer.text) if link.endswith(quote(name, safe="")))
            target = await client.get(answer.url.join(link))
            assert f"{name} is up: 1 of 1 address takes mail" in text(target.text)


@pytest.mark.parametrize("path", ["/domain/nope.example", "/host/healthy.example", "/reference/x", "/domain/%3Cb%3E"])
async def test_what_is_not_configured_has_no_page_and_is_not_repeated(backend: FakeBackend, path: str) -> None:
    backend.kept = known((domain(), None))
    page = await get(backend, path, 404)
    assert "No target of this name is configured." in text(page)
    assert "nope" not in page
    assert "<b>" not in page


def hostile_fleet(backend: FakeBackend) -> None:
    """Every text that a stranger can choose is hostile."""
    failure = Failure(Stage.BANNER, C.BANNER_REJECTED, f"the server said: {HOSTILE}")
    tls = TlsResult("TLSv1.3", "AES", False, (failure,), AT, AT, subject=HOSTILE, issuer=HOSTILE)
    evil = changed(
        down_host(),
        failure=failure,
        own_failure=replace(failure, failure_class=C.NOT_SMTP),
        tls=tls,
        enhanced=((Stage.BANNER, HOSTILE),),
        recipients=((HOSTILE, 250), (HOSTILE, 550)),
        transcript=(TranscriptLine(0.0, False, HOSTILE.encode() + b"\xff\r\n"),),
    )
    target, dialogues = domain("evil.example"), TranscriptStore()
    probed = result(evil)
    dialogues.keep(target, probed, heard_of(probed))
    backend.kept = known((target, probed))
    backend.transcripts = dialogues.of(target.key)
    view = EgressView(EgressState.INTERCEPTED, speaker=f"name:{HOSTILE}", others_out=HOSTILE, networks=4)
    backend.families = dict.fromkeys(Family, view)
    backend.changes = [EgressStateChange(AT, Family.IPV4, view)]
    backend.references = backend.kept


@pytest.mark.parametrize(
    "path", ["/", "/domain/evil.example", "/egress", f"/?q={quote(HOSTILE)}&label={quote('a=' + HOSTILE)}"]
)
async def test_nothing_a_stranger_says_can_act_on_a_page(backend: FakeBackend, path: str) -> None:
    hostile_fleet(backend)
    page = await get(backend, path)
    assert not set(page) & set("\x1b\x00\u202e\u200b")
    page, scripts = re.subn(r'<script src="(\.\./)?static/refresh\.js" defer></script>', "", page)
    assert scripts == 1
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


def links_of(page: str) -> Iterable[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


async def test_the_egress_page_tells_state_evidence_witnesses_and_turns(backend: FakeBackend) -> None:
    view = EgressView(
        EgressState.BLOCKED, Confidence.CERTAIN, frozenset({ConnectOutcome.SILENT}), 7, 2, "port 443 of 192.0.2.9"
    )
    silent = changed(
        down_host(C.EGRESS_BLOCKED),
        evidence=Evidence(25, ConnectEvidence("2001:db8::2", None), (Witness(443, ConnectOutcome.RESET),)),
        last_hop="203.0.113.1",
    )
    opened = EgressView(EgressState.OPEN, Confidence.CERTAIN)
    backend.kept = known((domain(), result(silent)), (domain("other.example"), result(silent)))
    backend.families = {Family.IPV4: view, Family.IPV6: EgressView()}
    backend.changes = [EgressStateChange(AT, Family.IPV4, opened), EgressStateChange(AT + 60, Family.IPV4, view)]
    shown = text(await get(backend, "/egress"))
    assert "IPv4 blocked A filter blocks outgoing connections to port 25, while other ports work." in shown
    assert "7 unrelated networks, 2 of them of references, each silent" in shown
    assert "port 443 of 192.0.2.9 gets through" in shown
    assert "IPv6 unknown Too few results to compare" in shown
    assert "healthy.example mx2.healthy.example 2001:db8::2 25 silent 443 reset 203.0.113.1 egress_blocked" in shown
    assert "other.example" not in shown  # the address is told of once
    assert shown.index("blocked IPv4 certain") < shown.index("open IPv4")


@pytest.mark.parametrize("path", ["/", "/domain/healthy.example", "/egress", "/classes", "/domain/absent.example"])
async def test_while_our_own_side_is_at_fault_every_page_says_so_first(backend: FakeBackend, path: str) -> None:
    backend.kept = known((domain(), result(down_host(C.EGRESS_BLOCKED))))
    async with browse(backend) as client:
        assert "hidden by it" not in (await client.get(path)).text
        view = EgressView(EgressState.BLOCKED, Confidence.LIKELY, networks=5)
        backend.families = {Family.IPV4: view, Family.IPV6: EgressView()}
        backend.changes = [
            EgressStateChange(AT, Family.IPV4, view),
            EgressStateChange(AT + 60, Family.IPV4, replace(view, networks=6)),
        ]
        backend.hidden = 1234
        page = (await client.get(path)).text
    shown = text(page.partition("<main")[2])
    (trouble,) = backend.local_state().troubles
    first = f"{trouble.text} since 2023-11-14 22:13:20 UTC (likely) 1,234 targets are hidden by it. Egress and resolver"
    assert shown.partition(">")[2].strip().startswith(first)


async def test_the_configuration_says_so_first_in_a_comment(backend: FakeBackend) -> None:
    backend.configuration = "domains: []\n"
    backend.families = {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.LIKELY, networks=5)}
    backend.hidden = 7
    async with browse(backend) as client:
        shown = (await client.get("/config")).text
    (line,) = local_state_lines(backend.local_state())
    assert shown.startswith(f"# {line}\n")
    assert shown.count("\n") == 2
    assert shown.endswith("\ndomains: []\n")


@pytest.mark.parametrize("state", [EgressState.OPEN, EgressState.UNKNOWN])
async def test_nothing_is_said_of_a_way_out_that_is_open_or_not_known(backend: FakeBackend, state: EgressState) -> None:
    backend.families = dict.fromkeys(Family, EgressView(state, Confidence.CERTAIN))
    assert "own-side" not in await get(backend, "/")


async def test_every_class_has_a_section_with_what_makes_it_sure_and_what_to_do(backend: FakeBackend) -> None:
    page = await get(backend, "/classes")
    assert re.findall(r'<section class="card" id="(\w+)"', page) == list(FailureClass)
    shown = text(page)
    assert "undetermined? settle it before you call: set egress.references and egress.witness_ports" in shown
    assert "likely every witness port is silent too, while unrelated networks greet" in shown


async def test_the_resolver_is_told_with_the_way_out(backend: FakeBackend) -> None:
    backend.resolver = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 5, since=AT)
    shown = text(await get(backend, "/egress"))
    (trouble,) = backend.local_state().troubles
    assert f"{trouble.text} since 2023-11-14 22:13:20 UTC (likely)" in shown
    assert "Resolver failing? Unrelated names fail in the same way" in shown
    assert "5 unrelated names: no answer" in shown


async def test_without_references_the_egress_page_says_what_they_are_for(backend: FakeBackend) -> None:
    assert "None is configured." in text(await get(backend, "/egress"))


OURS = {"Origin": "http://client.example"}


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


async def test_a_probe_that_has_no_turn_says_so(backend: FakeBackend) -> None:
    backend.error = NoFreeSlot("no turn within 60 s")
    async with browse(backend) as client:
        answer = await client.post("/domain/healthy.example/probe", headers=OURS)
        assert (answer.status_code, answer.text) == (503, "no turn within 60 s\n")
        assert (await client.get("/domain/healthy.example/probe")).status_code == 405


async def test_one_person_too_many_is_told_to_come_again(backend: FakeBackend) -> None:
    backend.hold_probes = asyncio.Event()
    async with browse(backend) as client:
        probes = [asyncio.create_task(client.post("/domain/healthy.example/probe")) for _ in range(MAX_PROBES)]
        await until(lambda: backend.probes_under_way == MAX_PROBES)
        refused = await client.post("/domain/healthy.example/probe")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        backend.hold_probes.set()
        assert {answer.status_code for answer in await asyncio.gather(*probes)} == {303}


async def test_warnings_of_a_host_that_is_up_are_shown(backend: FakeBackend) -> None:
    warned = changed(up_host(), warnings=(HostWarning.HELO_ONLY, HostWarning.BARE_LF))
    backend.kept = known((domain(), result(warned)))
    assert "helo_only bare_lf" in text(await get(backend, "/domain/healthy.example"))
    page = await get(backend, "/")
    assert "up helo_only and 1 more" in text(page)
    assert 'title="works, with warnings: helo_only, bare_lf"' in page


async def test_recent_results_have_the_colours_of_their_verdicts(backend: FakeBackend) -> None:
    past = [result(up_host()), result(up_host()), result(down_host(C.RATE_LIMITED)), result(down_host())]
    backend.kept = known(*((domain(), probed) for probed in past))
    spark = (await get(backend, "/")).partition('<svg class="spark"')[2].partition("</svg>")[0]
    assert "<title>last 4 probes: 2 up, 1 degraded, 1 blocked</title>" in spark
    assert re.findall(r'<path class="(\w+)"', spark) == ["track", "up", "degraded", "blocked"]


async def test_one_slow_probe_leaves_the_others_their_differences(backend: FakeBackend) -> None:
    backend.kept = known(*((domain(), took(seconds, up_host())) for seconds in (0.02, 0.01, 30.0, 0.02, 0.03)))
    spark = (await get(backend, "/")).partition('<svg class="spark"')[2].partition("</svg>")[0]
    assert [int(height) for height in re.findall(r"v-(\d+)", spark)] == [5, 2, 20, 5, 8]


async def test_the_waterfall_has_what_is_no_published_phase_too(backend: FakeBackend) -> None:
    waits = ((Stage.CONNECT, 0.01), (Stage.TLS, 0.02), (Stage.EHLO_TLS, 0.4), (Stage.QUIT, 0.03))
    phases = tuple((stage, seconds) for stage, seconds in waits if stage is not Stage.EHLO_TLS)
    backend.kept = known((domain(), result(changed(tls_host(), phases=phases, waits=waits))))
    page = await get(backend, "/domain/healthy.example")
    assert 'aria-label="phases: connect 10 ms, tls 20 ms, ehlo_tls 400 ms, quit 30 ms"' in page
    assert "ehlo_tls 400 ms" in text((await get(backend, "/")).partition("<tbody>")[2])


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ((), "no other port is tried"),
        ((443,), "its port 443 is tried"),
        ((80, 443, 587), "its ports 80, 443 and 587 are tried"),
    ],
)
async def test_the_witness_ports_are_named(backend: FakeBackend, ports: tuple[int, ...], said: str) -> None:
    backend.witness_ports = ports
    assert f"does not answer, {said}" in text(await get(backend, "/egress"))
