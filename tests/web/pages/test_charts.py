"""The charts on the pages."""

from __future__ import annotations

import re
from dataclasses import replace

from exporter.model.evidence import ConnectEvidence, Evidence
from exporter.model.failure import Stage
from exporter.model.path_trace import HopKind
from tests.paths import path
from tests.results import changed, domain, down_host, result, tls_host, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import (
    C,
    get,
    known,
    text,
    took,
)


async def test_a_long_silence_is_drawn_short_and_told_whole(backend: FakeBackend) -> None:
    lost = path(HopKind.TIME_EXCEEDED, *[HopKind.SILENT] * 20)
    silent = replace(down_host(C.PORT_FILTERED), evidence=Evidence(25, ConnectEvidence("192.0.2.9", None), path=lost))
    backend.kept = known((domain(), result(silent)))
    page = await get(backend, "/domain/healthy.example")
    assert page.count('<circle class="hop silent"') == 3
    assert text(page).count("no answer") >= 20


async def test_recent_results_have_the_colours_of_their_verdicts(backend: FakeBackend) -> None:
    past = [result(up_host()), result(up_host()), result(down_host(C.RATE_LIMITED)), result(down_host())]
    backend.kept = known(*((domain(), probed) for probed in past))
    spark = (await get(backend, "/")).partition('<svg class="spark"')[2].partition("</svg>")[0]
    assert "<title>last 4 probes: 2 up, 1 degraded, 1 blocked</title>" in spark
    assert re.findall(r'<path class="(\w+)"', spark) == ["track", "up", "degraded", "blocked"]


async def test_one_slow_probe_leaves_the_others_their_differences(backend: FakeBackend) -> None:
    backend.kept = known(*((domain(), took(seconds, up_host())) for seconds in (0.02, 0.01, 30.0, 0.02, 0.031)))
    spark = (await get(backend, "/")).partition('<svg class="spark"')[2].partition("</svg>")[0]
    assert [int(height) for height in re.findall(r"v-(\d+)", spark)] == [5, 2, 20, 5, 8]


async def test_the_waterfall_has_what_is_no_published_phase_too(backend: FakeBackend) -> None:
    waits = ((Stage.CONNECT, 0.01), (Stage.TLS, 0.02), (Stage.EHLO_TLS, 0.4), (Stage.QUIT, 0.03))
    phases = tuple((stage, seconds) for stage, seconds in waits if stage is not Stage.EHLO_TLS)
    backend.kept = known((domain(), result(changed(tls_host(), phases=phases, waits=waits))))
    page = await get(backend, "/domain/healthy.example")
    assert 'aria-label="phases: connect 10 ms, tls 20 ms, ehlo_tls 400 ms, quit 30 ms"' in page
    assert "ehlo_tls 400 ms" in text((await get(backend, "/")).partition("<tbody>")[2])
