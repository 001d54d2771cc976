"""The pages as HTML, without a browser: how the tests of this room ask for them and read them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import httpx

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressStateChange, EgressView
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import DomainResult, HostResult, Said, TlsResult, TranscriptLine
from exporter.model.target import Settings, Target, TargetKind
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from exporter.store.transcripts import StoredTranscript, TranscriptStore
from exporter.web.app import AppOptions, create_app
from tests.results import AT, changed, domain, down_host, lookup_failed, result, up_host
from tests.support.steps import at_once
from tests.web.fake_backend import FakeBackend

C = FailureClass


# What a server may try: markup, an attribute's end, an ANSI escape, NUL, an override of the direction, an invisible
# character, and an entity.
HOSTILE = "<script>alert(1)</script>\"' onload=x \x1b[31m\x00\u202egnp\u200b&lt;img src=x>"


def browse(backend: FakeBackend, route_prefix: str = "/", *, probes: bool = True) -> httpx.AsyncClient:
    app = create_app(backend, options=AppOptions(route_prefix=route_prefix, probes=probes))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://client.example")


# As a browser asks for a page.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"}


async def get(backend: FakeBackend, path: str, status: int = 200) -> str:
    async with browse(backend) as client:
        answer = await client.get(path, headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def known(*targets: tuple[Target, DomainResult | None]) -> list[TargetRecord]:
    store = TargetStore(lambda record, before: NO_ROW)
    at_once(store.replacing([target for target, _ in targets]))  # one that comes again is probed again
    for target, probed in targets:
        if probed is not None:
            store.record(target, probed, turn=True)
    return list(store.records())


def host(name: str) -> Target:
    return Target(TargetKind.HOST, name, name.rpartition(":")[0], Settings())


def took(seconds: float, *hosts: HostResult) -> DomainResult:
    return result(*hosts)._replace(duration=seconds)


def text(page: str) -> str:
    """The text of a page, on one line."""
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
    (host("relay.example:25"), result(up_host("relay.example", "192.0.2.77"))),
)


def spoken(*lines: bytes) -> HostResult:
    said = tuple(TranscriptLine(0.25 * number, number % 2 == 1, line) for number, line in enumerate(lines))
    return replace(up_host(), transcript=said)


def heard_of(probed: DomainResult) -> Sequence[StoredTranscript]:
    """The transcripts of the hosts as a store has them."""
    dialogues = TranscriptStore()
    for host in probed.hosts:
        dialogues.keep(host.identity, host, Said.of(host.transcript))
    return dialogues.of(host.identity for host in probed.hosts)


def links_of(page: str) -> Iterable[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', page)]


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
    target = domain("evil.example")
    probed = result(evil)
    backend.kept = known((target, probed))
    backend.transcripts = heard_of(probed)
    view = EgressView(
        EgressState.INTERCEPTED, common_fingerprint=f"name:{HOSTILE}", passing_traffic=HOSTILE, networks=4
    )
    backend.families = dict.fromkeys(Family, view)
    backend.changes = [EgressStateChange(AT, Family.IPV4, view)]
    backend.references = backend.kept


OURS = {"Origin": "http://client.example"}
