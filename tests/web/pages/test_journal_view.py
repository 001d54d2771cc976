"""The card "What changed" of the pages of targets and of MX names."""

from __future__ import annotations

from exporter.concurrency import steady_clock
from exporter.model.change import DomainChange, HostChange
from exporter.store.journal import JournalEntry
from exporter.web.backend import KnownChange
from exporter.web.pages.journal_view import MAX_LINES, journal_lines
from tests.results import domain, result, up_host
from tests.web.fake_backend import FakeBackend
from tests.web.pages.browsing import HOSTILE, get, known, text

HOST = up_host().identity


def test_the_latest_changes_come_first_and_are_bounded() -> None:
    entries = [JournalEntry(float(number), HostChange.SOFTWARE, "a", "b") for number in range(3 * MAX_LINES)]
    lines = journal_lines([KnownChange(entry, HOST) for entry in entries])
    assert len(lines) == MAX_LINES
    assert lines[0].at == steady_clock.unix(3.0 * MAX_LINES - 1)
    assert lines[0].host == "mx1.healthy.example [192.0.2.1]"


async def test_the_page_of_a_target_has_its_changes_and_those_of_its_hosts(backend: FakeBackend) -> None:
    backend.kept = known((domain("a.example"), result(up_host())))
    assert "What changed" not in await get(backend, "/domain/a.example")
    now = steady_clock.now()
    backend.journal = (
        KnownChange(JournalEntry(now - 60.0, DomainChange.MX, "mx1.a.example", "mx.b.example")),
        KnownChange(JournalEntry(now - 30.0, HostChange.CERTIFICATE, HOSTILE, "other"), HOST),
        KnownChange(JournalEntry(now, HostChange.STARTTLS_LOST, "offered", "not offered"), HOST),
    )
    page = await get(backend, "/domain/a.example")
    shown = text(page)
    assert "<script>alert" not in page
    words = (
        "STARTTLS is no longer offered to us starttls_lost mx1.healthy.example [192.0.2.1]",
        "another certificate certificate mx1.healthy.example",
        "other MX hosts mx",
    )
    places = [shown.index(each) for each in words]
    assert places == sorted(places)
    assert "mx1.a.example → then mx.b.example" in shown
    assert shown.count("Takes protection away: ") == 1
    assert "→ then not offered Takes protection away: ask the postmaster of the mail host" in shown


async def test_the_page_of_an_mx_name_has_the_changes_of_its_hosts(backend: FakeBackend) -> None:
    backend.kept = known((domain("a.example"), result(up_host())))
    assert "What changed" not in await get(backend, f"/mx/{HOST.mx}")
    now = steady_clock.now()
    other = HOST._replace(mx="mx.other.example")
    backend.journal = (
        KnownChange(JournalEntry(now, DomainChange.MX, "mx1.a.example", "mx.b.example")),
        KnownChange(JournalEntry(now, HostChange.SOFTWARE, HOSTILE, "other"), HOST),
        KnownChange(JournalEntry(now, HostChange.STARTTLS_LOST, "offered", "not offered"), other),
    )
    page = await get(backend, f"/mx/{HOST.mx}")
    assert "<script>alert" not in page
    assert "other software in the greeting software mx1.healthy.example [192.0.2.1]" in text(page)
    assert "starttls_lost" not in text(page)
    assert "other MX hosts" not in text(page)
