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


async def test_two_hosts_of_a_domain_are_on_one_scale(backend: FakeBackend) -> None:
    quick = changed(up_host(), phases=((Stage.CONNECT, 0.02), (Stage.BANNER, 0.02)))
    slow = changed(down_host(C.BANNER_TIMEOUT), failure=None, phases=((Stage.CONNECT, 0.1), (Stage.BANNER, 0.3)))
    backend.kept = known((domain(), result(quick, slow)), (domain("one.example"), result(quick)))
    page = await get(backend, "/domain/healthy.example")
    chart = page.partition('<svg class="comparison"')[2].partition("</svg>")[0]
    bars = re.findall(r'x="([\d.]+)%" y="(\d+)" width="([\d.]+)%" height="12"><title>([^<]*)<', chart)
    assert [title for *_, title in bars] == ["connect 20 ms", "banner 20 ms", "connect 100 ms", "banner 300 ms"]
    widths = [float(width) for _, _, width, _ in bars]
    assert [width / widths[0] for width in widths] == [1.0, 1.0, 5.0, 15.0]
    assert (bars[0][1], bars[2][1], bars[0][0], bars[2][0]) == ("19", "57", "0.00", "0.00")
    assert "mx1.healthy.example 192.0.2.1: connect 20 ms, banner 20 ms; mx2.healthy.example 2001:db8::2" in chart
    # Their waterfalls as well.
    axes = re.findall(r'<svg class="waterfall".*?</svg>', page)
    assert [re.findall(r'class="tick"[^>]*>([^<]*)<', axis)[-1] for axis in axes] == ["400 ms", "400 ms"]
    assert "comparison" not in await get(backend, "/domain/one.example")
