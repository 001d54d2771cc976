"""The page of a target: verdict, history and transcripts."""

from __future__ import annotations

import re

from exporter.model.evidence import ConnectEvidence, ConnectOutcome, Evidence, Witness
from exporter.model.failure import Confidence, Failure, Stage
from exporter.model.path_trace import HopKind
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from tests.paths import OPEN_443, path
from tests.results import AT, domain, down_host, host_of, result, up_host
from tests.support.steps import at_once
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    C,
    get,
    heard_of,
    known,
    spoken,
    text,
)


async def test_a_domains_page_says_the_verdict_with_its_evidence_and_confidence(backend: FakeBackend) -> None:
    silent = host_of(
        mx="mx.filtered.example",
        address="192.0.2.9",
        failure=Failure(Stage.CONNECT, C.PORT_FILTERED, "port 25 is silent", Confidence.LIKELY),
        own_failure=Failure(Stage.CONNECT, C.CONNECT_TIMEOUT, "no answer to the SYN within 9.0 s"),
        evidence=Evidence(
            25,
            ConnectEvidence("192.0.2.9", None, elapsed=9.0),
            (Witness(443, ConnectOutcome.ANSWERED), Witness(587, ConnectOutcome.NO_ANSWER)),
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


async def test_the_history_is_told_from_the_latest_backwards(backend: FakeBackend) -> None:
    store = TargetStore(lambda record, before: NO_ROW)
    target = domain()
    at_once(store.replacing([target]))
    for number, each in enumerate((up_host(), down_host(), up_host())):
        store.record(target, result(each)._replace(at=AT + 2000 * number), turn=True)
    backend.kept = store.records()
    page = await get(backend, "/domain/healthy.example")
    history = page.partition('<ol class="history"')[2].partition("</ol>")[0]
    assert re.findall(r'<li class="(\w+)">', history) == ["up", "blocked", "up"]
    assert "reputation_blocked at banner, certain" in text(page)
    assert text(page).count("for 33 min") == 2


async def test_the_last_dialogues_are_shown_line_by_line_with_their_times(backend: FakeBackend) -> None:
    target = domain()
    probed = result(spoken(b"220 mx ESMTP\r\n", b"QUIT\r\n"))
    backend.kept = known((target, probed))
    backend.transcripts = heard_of(probed)
    shown = text(await get(backend, "/domain/healthy.example"))
    assert "mx1.healthy.example [192.0.2.1] worked" in shown
    assert "0.0 ms < server 220 mx ESMTP 250.0 ms > exporter QUIT" in shown
