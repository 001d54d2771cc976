"""Journals come back as they were, on another clock; and from rows of anybody nothing comes that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from exporter.model.change import DomainChange, DomainFacts, HostChange
from exporter.model.result import HostFacts
from exporter.storage.journal_rows import JournalReader, journal_row
from exporter.storage.rows import RowReader, dumps, layout_of
from exporter.storage.soundness import CHECKS
from exporter.store.journal import MAX_ALIKE, Journal, JournalEntry, SeenValue, digest_of, packed_seen
from tests.results import tls_host

LATER = 1000.0
KNOWN = tls_host().facts
DIGEST = digest_of(HostChange.CERTIFICATE, "old")
JOURNAL = Journal(
    (
        JournalEntry(5.0, HostChange.STARTTLS_LOST, "offered", "not offered"),
        JournalEntry(7.0, HostChange.CERTIFICATE, "CN=é\\n", "CN=new"),
    ),
    ((HostChange.STARTTLS_LOST, 3), (HostChange.CERTIFICATE, 1)),
    packed_seen([SeenValue(HostChange.CERTIFICATE, DIGEST, 7.0)]),
    KNOWN,
)


def read(row: list[Any]) -> Journal[HostFacts]:
    rows = RowReader(layout_of(HostFacts), CHECKS)
    return JournalReader(rows, HostChange, HostFacts, lambda then: then + LATER).read(row)


def row_of(journal: Journal[Any] = JOURNAL) -> list[Any]:
    row: list[Any] = json.loads(dumps(journal_row(journal)))
    return row


def test_a_journal_comes_back_with_its_moments_on_the_clock_of_the_reader() -> None:
    back = read(row_of())
    assert back.entries == tuple(each._replace(at=each.at + LATER) for each in JOURNAL.entries)
    assert back.counts == JOURNAL.counts
    assert back.seen == (SeenValue(HostChange.CERTIFICATE, DIGEST, 7.0 + LATER),)
    assert back.known == KNOWN


def test_what_was_known_of_a_domain_comes_back_too() -> None:
    journal: Journal[DomainFacts] = Journal(counts=((DomainChange.MX, 1),), known=DomainFacts())
    rows = RowReader(layout_of(DomainFacts), CHECKS)
    assert JournalReader(rows, DomainChange, DomainFacts, float).read(row_of(journal)) == journal


def test_more_entries_than_a_journal_keeps_are_cut_to_the_latest() -> None:
    row = row_of()
    row[0] = [[float(at), "software", "a", "b"] for at in range(100, 0, -1)]
    assert [each.at - LATER for each in read(row).entries] == list(range(101 - MAX_ALIKE, 101))


def test_what_another_version_has_more_words_for_costs_that_alone() -> None:
    row = row_of()
    row[0].append([8.0, "cipher", "A", "B"])
    row[1].append(["cipher", 1])
    row[2].append(["cipher", DIGEST.hex(), 8.0])
    assert read(row) == read(row_of())


@pytest.mark.parametrize("text", ["\x1b[2J", "a\u202eb" * 900, "é" * 3000, "\U000e0001" * 3000])
def test_a_text_that_is_not_escaped_is_so_afterwards(text: str) -> None:
    row = row_of()
    row[0][0][2] = text
    before = read(row).entries[0].before
    assert before.isprintable()
    assert 0 < len(before) <= 2048


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row.pop(),
        lambda row: row.append(None),
        lambda row: row[0][0].__setitem__(0, "then"),
        lambda row: row[0][0].__setitem__(0, 0.0),
        lambda row: row[0][0].__setitem__(1, ["software"]),
        lambda row: row[0][0].__setitem__(1, None),
        lambda row: row[0][0].__setitem__(2, "a" * 10_000),
        lambda row: row[0].append("software"),
        lambda row: row.__setitem__(0, {"software": 1}),
        lambda row: row[1].append([]),
        lambda row: row[1][0].__setitem__(1, 0),
        lambda row: row[1][0].__setitem__(1, 2**60),
        lambda row: row[1][0].__setitem__(1, 1.5),
        lambda row: row[1].append(row[1][0]),
        lambda row: row[2][0].__setitem__(1, "abcd"),
        lambda row: row[2][0].__setitem__(1, "no digest at all"),
        lambda row: row[3].pop(),
        lambda row: row.__setitem__(3, "facts"),
    ],
)
def test_a_row_that_is_not_sound_is_refused(edit: Callable[[Any], Any]) -> None:
    row = row_of()
    edit(row)
    with pytest.raises(ValueError, match=r"."):
        read(row)
