"""The page of certificates by the day they end."""

from __future__ import annotations

import re

from exporter.model.result import HostResult, TlsResult
from exporter.web.pages.certificates_view import PAGE_ROWS, certificates_page
from tests.results import AT, changed, domain, result, tls_host, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import HOSTILE, browse, get, known, links_of, text

DAY = 86400.0


def ending(number: int, ends: float | None, **values: object) -> HostResult:
    tls = TlsResult("TLSv1.3", "AES", True, not_after=ends, subject=f"mx{number}.a.example", issuer="CN=A")
    return changed(up_host(f"mx{number}.a.example", f"192.0.2.{number % 250}"), tls=tls, **values)


async def test_the_earliest_end_stands_first_under_its_day(backend: FakeBackend) -> None:
    hosts = [ending(1, AT + 40 * DAY), tls_host(), ending(2, AT + 40 * DAY + 60), ending(3, None), up_host()]
    backend.kept = known((domain("a.example", team="x"), result(*hosts)), (domain("b.example"), None))
    page = await get(backend, "/certificates")
    days = re.findall(r'<tr class="day"><th scope="rowgroup" colspan="6">(\S+)', page)
    assert days == ["2023-11-13", "2023-12-24"]
    rows = [text(row) for row in re.findall(r'<tr class="(?:dead|up|misconfigured)">.*?</tr>', page, re.DOTALL)]
    assert [row.split()[0] for row in rows] == ["mx.secure.example", "mx1.a.example", "mx2.a.example"]
    assert rows[0].startswith("mx.secure.example 192.0.2.3 2023-11-13 22:13:20 UTC tls_expired 1 target")
    assert "1\u20133 of 3, 3 of them expired." in text(page)  # by the clock of now
    assert {"./?group=provider", "./?group=host", "./?group=label%3Ateam", "classes#tls_expired"} <= set(links_of(page))


def test_what_several_targets_and_dialogues_see_is_one_row_as_the_latest_session_saw_it() -> None:
    old, new = ending(1, AT + DAY), ending(1, AT + 90 * DAY, at=AT + 60, module="full")
    kept = known((domain("a.example"), result(old, new)), (domain("b.example"), result(old)))
    ((day,), total) = (found := certificates_page(kept, 1, AT + 2 * DAY)).days, found.total
    assert [(row.mx, row.ends, row.targets) for row in day.rows] == [("mx1.a.example", AT + 90 * DAY, 2)]
    assert (total, found.expired) == (1, 0)


async def test_many_are_paged(backend: FakeBackend) -> None:
    backend.kept = known(*((domain(f"d{n}.example"), result(ending(n, AT + n * DAY))) for n in range(PAGE_ROWS + 20)))
    async with browse(backend) as client:
        first = (await client.get("/certificates")).text
        last = (await client.get("/certificates?page=99")).text
    assert (first.count('<th scope="row">'), last.count('<th scope="row">')) == (PAGE_ROWS, 20)
    assert re.findall(r'rel="(\w+)" href="\?page=(\d)"', first + last) == [("next", "2"), ("prev", "1")]


async def test_without_any_the_page_says_what_sees_them(backend: FakeBackend) -> None:
    assert "None was seen: a module with starttls among its stages" in text(await get(backend, "/certificates"))


async def test_words_of_a_certificate_are_escaped(backend: FakeBackend) -> None:
    tls = TlsResult("TLSv1.3", "AES", False, not_after=AT, subject=HOSTILE, issuer=HOSTILE)
    backend.kept = known((domain(), result(changed(up_host(), tls=tls))))
    page = await get(backend, "/certificates")
    assert not set(page) & set("\x1b\x00\u202e\u200b")
    assert "<script>alert" not in page
