"""One journal: changes are told, rotation is not, and all of it is bounded."""

from __future__ import annotations

from itertools import pairwise

from exporter.model.change import Difference, DomainChange, HostChange
from exporter.store.journal import (
    MAX_ALIKE,
    MAX_JOURNAL_BYTES,
    MAX_SEEN,
    SEEN_SECONDS,
    Journal,
    SeenValue,
    packed_seen,
)

DAY = 86400.0
NEW: Journal[object] = Journal()


def moved(old: str, new: str) -> Difference:
    """The difference between two sets of one-letter names."""
    gone, come = set(old) - set(new), set(new) - set(old)
    return Difference(DomainChange.MX, old, new, tuple(sorted(gone)), tuple(sorted(come)))


def told(*sets: tuple[float, str]) -> list[tuple[str, str]]:
    """The changes that are told of sets seen one after another."""
    journal = NEW
    for (_, old), (day, new) in pairwise(sets):
        journal = journal.noted([moved(old, new)], day * DAY)
    assert journal.counts == (((DomainChange.MX, len(journal.entries)),) if journal.entries else ())
    return [(entry.before, entry.now) for entry in journal.entries]


def test_values_that_take_turns_are_told_once() -> None:
    assert told((0, "a"), (1, "b"), (2, "a"), (3, "b"), (4, "c"), (5, "a")) == [("a", "b"), ("b", "c")]


def test_a_window_that_moves_over_a_pool_is_told_as_long_as_it_shows_new_ones() -> None:
    assert told((0, "ab"), (1, "bc"), (2, "ca"), (3, "ab"), (4, "bc")) == [("ab", "bc")]


def test_a_value_is_new_again_after_a_week() -> None:
    assert told((0, "a"), (1, "b"), (9, "a")) == [("a", "b"), ("b", "a")]


def test_a_value_that_was_shown_until_yesterday_was_seen_within_the_week() -> None:
    assert told((0, "a"), (30, "b"), (31, "a")) == [("a", "b")]


def test_one_that_leaves_a_set_that_never_rotated_is_told() -> None:
    assert told((0, "ab"), (1, "a")) == [("ab", "a")]
    assert told((0, "ab"), (1, "abc"), (2, "ab"), (3, "abc"), (4, "a")) == [("ab", "abc"), ("abc", "ab")]


def test_of_a_pool_larger_than_what_is_remembered_nothing_is_told() -> None:
    journal = NEW
    for number in range(10 * MAX_SEEN):
        journal = journal.noted([Difference(DomainChange.MX, "", "", (f"{number}",), (f"{number + 1}",))], number)
    assert journal.counts == ((DomainChange.MX, MAX_SEEN),)
    assert len(journal.seen) == MAX_SEEN


def test_each_change_of_a_state_counts() -> None:
    lost, back = (Difference(what, "", "") for what in (HostChange.STARTTLS_LOST, HostChange.STARTTLS_BACK))
    journal = NEW
    for number in range(20):
        journal = journal.noted([lost], number).noted([back], number)
    assert journal.counts == ((HostChange.STARTTLS_LOST, 20), (HostChange.STARTTLS_BACK, 20))
    assert journal.packed_seen == b""


def test_one_kind_that_goes_to_and_fro_does_not_push_out_the_others() -> None:
    journal = NEW.noted([moved("a", "b")], 0.0)
    for number in range(100):
        journal = journal.noted([Difference(HostChange.STARTTLS_LOST, "offered", "not offered")], number)
    assert [entry.what for entry in journal.entries] == [DomainChange.MX, *[HostChange.STARTTLS_LOST] * MAX_ALIKE]
    assert journal.entries[-1].at == 99


def test_a_journal_is_bounded_in_bytes() -> None:
    journal = NEW
    for number in range(100):
        texts = ("x" * 800, f"{number}")
        for what in HostChange:
            journal = journal.noted([Difference(what, *texts, (f"{number}",), (f"{number + 1}",))], number * DAY)
    assert sum(entry.size for entry in journal.entries) <= MAX_JOURNAL_BYTES
    assert journal.entries[-1].now == "99"
    assert journal.size < 2 * MAX_JOURNAL_BYTES


def test_an_issuer_that_takes_turns_is_one_value_whatever_its_change_is_called() -> None:
    there = Difference(HostChange.ISSUER_PRIVATE, "A", "B", ("A",), ("B",))
    back = Difference(HostChange.ISSUER, "B", "A", ("B",), ("A",))
    journal = NEW.noted([there], 0.0).noted([back], 1.0).noted([there], 2.0)
    assert journal.counts == ((HostChange.ISSUER_PRIVATE, 1),)


def test_the_values_are_plain_and_can_be_packed_again() -> None:
    journal = NEW.noted([moved("ab", "cd")], 7.0)
    assert [(each.kind, each.at) for each in journal.seen] == [(DomainChange.MX, 7.0)] * 2
    later = [SeenValue(kind, digest, at + 5.0) for kind, digest, at in journal.seen]
    assert [each.at for each in Journal[object](packed_seen=packed_seen(later)).seen] == [12.0, 12.0]
    assert SEEN_SECONDS == 7 * DAY
