"""The pages in a real browser, served by the demo: they load, everybody can use them, and nothing on them acts."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from exporter.demo.domains import DEMO
from exporter.demo.domains.provider import PROVIDER, PROVIDERS
from exporter.lab.host import listening_in_thread
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary, reply
from tests.support.browser import Browser
from tests.support.exporter_process import ExporterProcess, exporter

pytestmark = pytest.mark.long

PAGES = {
    "fleet": "/",
    "by-provider": "/?group=provider",
    "by-host": "/?group=host",
    "by-label": "/?group=label:group&verdict=dead",
    "mx": "/mx/mx1.bigmail.example",
    "shared": "/domain/customer01.example",
    "domain": "/domain/healthy.example",
    "halfdown": "/domain/halfdown.example",
    "filtered": "/domain/filtered.example",
    "certificate": "/domain/expired.example",
    "way-out": "/egress",
    "standing": "/standing",
    "certificates": "/certificates",
    "warned": "/?verdict=warned",
    "classes": "/classes",
    "sorted": "/?sort=-changed",
    "no-match": "/?q=nobody&verdict=deaf",
    "report": "/domain/blocklisted.example/report",
    "configuration": "/config",
    "dialogue": "/probe?target=healthy.example&debug=true",
    "wrong": "/probe?target=&debug=true",
    "nothing": "/no/such/page",
    "missing": "/domain/absent.example",
}
ERRORS = {"wrong": "400", "nothing": "404", "missing": "404"}

# Those that the demo configures by name, beside its domains.
HOST_TARGETS = 2
RIGHT = "element => element.getBoundingClientRect().right"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_complaint_and_bars_nobody(
    demo: ExporterProcess, page: Browser, name: str, dark: bool
) -> None:
    page.look(dark=dark)
    page.open(demo.url + PAGES[name])
    assert page.title.endswith("mx-exporter")
    assert {address.rpartition("/")[0] for address in page.asked()} <= {f"{demo.url}/static"}
    assert page.barriers() == []
    page.picture(f"{name}-dark" if dark else name)
    # Of a page that is not there, the browser says so.
    assert [line for line in page.complaints() if name not in ERRORS or ERRORS[name] not in line] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone(demo: ExporterProcess, page: Browser, name: str) -> None:
    page.look(width=360, height=740)
    page.open(demo.url + PAGES[name])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # Nothing of a row or a waterfall is beyond its edge.
    seen = ".cards td:not(:empty), svg.waterfall :is(text, rect)"
    assert page.evaluate(f"Math.max(0, ...[...document.querySelectorAll('{seen}')].map({RIGHT}))") <= 360
    assert page.barriers() == []
    page.picture(f"{name}-narrow")


def test_a_row_has_all_its_cells_for_who_hears_it_on_a_telephone_too(demo: ExporterProcess, page: Browser) -> None:
    page.look(width=360, height=740)
    page.open(demo.url)
    assert page.roles()["rowheader"] == len(DEMO) + HOST_TARGETS
    assert page.roles()["cell"] == (len(DEMO) + HOST_TARGETS) * 7


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_search_and_filters_find_what_they_name(demo: ExporterProcess, page: Browser, scripts: bool) -> None:
    page.scripts(allowed=scripts)
    page.open(demo.url)
    assert len(targets(page)) == len(DEMO) + HOST_TARGETS
    page.find("input[name=q]").send_keys("FILTERED")
    page.leave_by(lambda: page.find("input[name=q]").send_keys(Keys.ENTER))
    assert targets(page) == ["filtered.example"]
    page.leave_by(page.link("Clear").click)
    Select(page.find("select[name=verdict]")).select_by_value("blocked")
    page.leave_by(page.find(".filters button").click)
    assert sorted(targets(page)) == ["blocklisted.example", "filtered.example", "nameless.example"]
    Select(page.find("select[name=class]")).select_by_value("reputation_blocked")
    page.leave_by(page.find(".filters button").click)
    assert targets(page) == ["blocklisted.example"]
    # What the page asks for when it comes again by itself is its address.
    page.reload()
    assert targets(page) == ["blocklisted.example"]
    assert Select(page.find("select[name=verdict]")).first_selected_option.get_attribute("value") == "blocked"
    page.leave_by(page.find(".tile.all").click)
    page.leave_by(page.link("Clear").click)
    page.leave_by(page.find("a.label").click)
    assert set(page.texts("tbody a.label")) == {page.text_of("tbody a.label")}
    assert page.complaints() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_groups_lead_to_their_targets_and_hosts_to_those_behind_them(
    demo: ExporterProcess, page: Browser, scripts: bool
) -> None:
    page.scripts(allowed=scripts)
    page.open(demo.url)
    Select(page.find("select[name=group]")).select_by_value("host")
    page.leave_by(page.find(".filters button").click)
    assert page.url.endswith("group=host")
    row = page.link("mx2.bigmail.example")
    page.leave_by(row.click)
    assert len(targets(page)) == len(PROVIDERS)
    assert all("customer" in name or name == PROVIDER for name in targets(page))
    page.leave_by(page.link("customer07.example").click)
    page.leave_by(page.link(f"shared by {len(PROVIDERS)} domains").click)
    assert page.url == f"{demo.url}/mx/mx1.bigmail.example"
    assert "127.53.60.2" in page.text
    assert len(targets(page)) == len(PROVIDERS)
    page.leave_by(page.link("customer40.example").click)
    assert page.url == f"{demo.url}/domain/customer40.example"
    assert page.complaints() == []


def test_a_target_leads_to_its_page_and_back(demo: ExporterProcess, page: Browser) -> None:
    page.open(demo.url)
    page.leave_by(page.link("blocklisted.example").click)
    assert page.url == f"{demo.url}/domain/blocklisted.example"
    assert "blocklisted.example: mx.blocklisted.example [127.54.30.1] said: 554 5.7.1 Service unavailable;" in page.text
    assert "< 554 5.7.1 Service unavailable; Client host [203.0.113.25] blocked using zen.spamhaus.org" in spoken(page)
    assert "> QUIT" in spoken(page)
    page.leave_by(page.link("Targets").click)
    assert page.url == f"{demo.url}/"


def test_it_can_be_walked_with_the_keyboard(demo: ExporterProcess, page: Browser) -> None:
    page.open(demo.url)
    page.press(Keys.TAB)
    assert page.focused.text == "Skip to the content"
    page.press(Keys.ENTER)
    assert page.focused.get_attribute("id") == "content"
    page.press(Keys.TAB)
    assert "tile" in (page.focused.get_attribute("class") or "")
    reached = {page.focused.tag_name}
    for _ in range(60):
        page.press(Keys.TAB)
        reached.add(page.focused.tag_name)
    assert {"a", "input", "select", "button"} <= reached


def test_refreshing_can_be_stopped(demo: ExporterProcess, page: Browser) -> None:
    page.open(f"{demo.url}/?verdict=up")
    assert page.all("body[data-refresh]")
    page.leave_by(page.find(".refresh a").click)
    assert not page.all("body[data-refresh], noscript")
    assert page.url == f"{demo.url}/?verdict=up&refresh=off"
    page.leave_by(page.find(".refresh a").click)
    assert page.url == f"{demo.url}/?verdict=up"


def test_the_first_row_is_on_the_first_screen_of_a_telephone(demo: ExporterProcess, page: Browser) -> None:
    row = "document.querySelector('tbody tr').getBoundingClientRect().bottom"
    for scripts in (True, False):
        page.scripts(allowed=scripts)
        page.look(width=390, height=700)
        page.open(demo.url)
        assert page.evaluate(row) <= 700
        # What is folded is a key or a touch away.
        assert not page.find("input[name=q]").is_displayed()
        page.find("label[for=fold-filters]").click()
        page.find("input[name=q]").send_keys("filtered")
        page.evaluate("document.getElementById('fold-day').focus()")
        page.press(Keys.SPACE)
        assert page.find("svg.timeline").is_displayed()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.leave_by(lambda: page.find("input[name=q]").send_keys(Keys.ENTER))
        assert targets(page) == ["filtered.example"]
        assert page.text_of("label[for=fold-filters]") == "Search and filters (1 set)"
    page.scripts(allowed=True)
    page.reload()
    assert page.barriers() == []


@pytest.mark.parametrize(("width", "rows"), [(1440, 1), (1265, 1), (1009, 2)])
def test_tiles_fill_whole_rows_and_the_pages_fit_into_one(
    demo: ExporterProcess, page: Browser, width: int, rows: int
) -> None:
    page.zone("Europe/Berlin")  # so that two times are in the head of the page
    page.look(width=width)  # a window of 1280 or 1024 pixels, less its scroll bar
    page.open(demo.url)
    tops = page.evaluate("[...document.querySelectorAll('.tile')].map(tile => tile.getBoundingClientRect().top)")
    assert len(set(tops)) == rows
    assert tops.count(min(tops)) == (11 if rows == 1 else 5)  # that of all has the room of two
    assert page.evaluate("document.querySelector('.top').getBoundingClientRect().height") < 60
    wide = "Math.max(...[...document.querySelectorAll('.tile')].map(tile => tile.scrollWidth - tile.clientWidth))"
    assert page.evaluate(wide) <= 0


def test_what_is_unfolded_stays_so(demo: ExporterProcess, page: Browser) -> None:
    page.look(width=390, height=700)
    page.open(demo.url)
    page.find("label[for=fold-panel]").click()
    page.evaluate("document.querySelector('main > :last-child').old = true; 0")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait(lambda: page.evaluate("!document.querySelector('main > :last-child').old"))
    assert page.find(".panel h2").is_displayed()
    assert page.focused.get_attribute("id") == "fold-panel"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_table_is_sorted_by_its_heads(demo: ExporterProcess, page: Browser, scripts: bool) -> None:
    page.scripts(allowed=scripts)
    for width in (1280, 390):
        page.look(width=width, height=800)
        page.open(demo.url)
        page.leave_by(page.link("Target").click)
        assert targets(page) == sorted(targets(page))
        page.leave_by(page.find("thead [aria-sort=ascending] a").click)
        assert targets(page) == sorted(targets(page), reverse=True)
        page.leave_by(page.link("Slowest phase").click)
        assert page.url.endswith("?sort=slowest")
        page.leave_by(page.link("State").click)
        assert targets(page)[0] in page.text_of("tbody tr")
        assert page.url == f"{demo.url}/"


def test_what_is_no_page_leads_back(demo: ExporterProcess, page: Browser) -> None:
    for path in ("/domain/absent.example", "/no/such/page", "/probe?debug=true"):
        page.open(demo.url + path)
        page.leave_by(page.link("All targets").click)
        assert page.url == f"{demo.url}/"
    page.leave_by(page.link("Configuration").click)
    assert "interval: 5s" in page.text
    page.leave_by(page.link("Targets").click)
    assert page.url == f"{demo.url}/"


def test_another_sites_form_cannot_have_anything_probed(demo: ExporterProcess, page: Browser) -> None:
    form = f'<form method="post" action="{demo.url}/domain/nullmx.example/probe"><button>Win</button></form>'
    with site(form) as url:
        page.open(url)
        page.leave_by(page.find("button").click)
        assert page.text_of(".message") == "this request comes from another site (403)"


# Markup, an ANSI escape, an override of the direction, the end of an attribute, and a name that is an entity.
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)>" onclick=alert(3) \x1b[31m\u202egnp.exe &lt;b&gt;'


def test_a_hostile_server_does_nothing_to_who_looks_at_it(page: Browser, tmp_path: Path) -> None:
    script = ordinary("mx.evil.example", greeting=reply(554, HOSTILE), QUIT=reply(221, HOSTILE))
    with listening_in_thread(SmtpHost(script), "127.53.200.1") as port:
        path = tmp_path / "config.yaml"
        path.write_text(
            "defaults: {interval: 1s, helo: probe.example, allow_addresses: [127.0.0.0/8]}\n"
            f"hosts: ['127.53.200.1:{port}']\n"
        )
        with exporter(f"--config.file={path}") as process:
            page.open(process.url)
            page.until(lambda: page.text_of("tbody .badge") == "undetermined?")
            page.leave_by(page.link(f"127.53.200.1:{port}").click)
            assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in page.text
            assert r"\x1b[31m\u202egnp.exe &lt;b&gt;" in page.text
            assert not page.all("body script, img, [onclick], [onerror], b b")
            assert not set(page.evaluate("document.documentElement.textContent")) & set("\x1b\u202e")
            assert page.barriers() == []
            page.picture("hostile")
    assert page.complaints() == []  # an alert would have failed every step above


def test_long_names_and_markup_in_labels_break_no_page(page: Browser, tmp_path: Path) -> None:
    """A table of customers gives both the names of labels and their values."""
    domain = ".".join(["a" * 60] * 4)
    path = tmp_path / "config.yaml"
    path.write_text('resolver: {nameservers: ["127.0.0.1:9"]}\ndomain_files: [customers]\n')
    (tmp_path / "customers").write_text(f"domain;{'team' * 60};team\n{domain};a;<img src=x>{'&b' * 200}\n")
    with exporter(f"--config.file={path}") as process:
        page.look(width=390, height=800)
        for shown in ("/", "/?group=label:team", "/?group=provider", f"/domain/{domain}"):
            page.open(process.url + shown)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, shown
            assert not page.all("img")
        assert f"<img src=x>{'&b' * 200}"[:100] in page.text


def targets(page: Browser) -> list[str]:
    return page.texts("tbody th > a:first-child")


def spoken(page: Browser) -> list[str]:
    lines = [
        [cell.text for cell in row.find_elements("css selector", "td")] for row in page.all(".transcript tbody tr")
    ]
    return [f"{way.partition(' ')[0][:1]} {text}" for _, way, text in lines]


def probes(page: Browser) -> int:
    found = re.search(r"probes\s+(\d+) \(", page.text)
    assert found is not None
    return int(found[1])


@contextmanager
def site(body: str) -> Iterator[str]:
    """Another site that shows this."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.2", 0), Page) as server, in_thread(server.serve_forever, server.shutdown):
        yield f"http://127.0.0.2:{server.server_port}/"


@contextmanager
def in_thread(work: Callable[[], object], stop: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join()
