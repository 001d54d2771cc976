"""All journals: only of those that changed, compared with what was known, bounded together."""

from __future__ import annotations

from exporter.model.change import Difference, HostChange
from exporter.store.journal import Journal
from exporter.store.journals import Journals

Seen = tuple[str, ...]  # a result, and its facts: what it shows


def _compare(known: Seen, now: Seen) -> tuple[tuple[Difference, ...], Seen]:
    """Facts that have one value; one that shows none says nothing."""
    if not now:
        return (), known
    if not known or known == now:
        return (), now
    return (Difference(HostChange.SOFTWARE, known[0], now[0], known, now),), now


def journals(max_bytes: int = 1 << 20) -> Journals[str, Seen, Seen]:
    return Journals(lambda result: result, _compare, max_bytes)


def after(*results: Seen) -> Journals[str, Seen, Seen]:
    kept = journals()
    before: Seen | None = None
    for number, each in enumerate(results):
        kept.compared("a", before, each, float(number))
        before = each
    return kept


def test_a_target_that_never_changed_has_no_journal() -> None:
    assert len(after(("x",), ("x",), ("x",))) == 0


def test_the_first_result_is_no_change() -> None:
    kept = journals()
    assert not kept.compared("a", None, ("x",), 1.0)
    assert kept.compared("a", ("x",), ("y",), 2.0)
    assert kept.counts("a") == ((HostChange.SOFTWARE, 1),)
    assert [entry.at for entry in kept.of("a").entries] == [2.0]


def test_what_was_known_before_a_failure_is_compared_after_it() -> None:
    assert after(("x",), (), (), ("y",)).counts("a") == ((HostChange.SOFTWARE, 1),)
    kept = after(("x",), (), ())
    assert kept.of("a").known == ("x",)
    assert kept.size == 0
    # One that shows it again unchanged needs no memory any more.
    assert len(after(("x",), (), ("x",))) == 0


def test_what_has_a_journal_of_before_is_compared_with_what_that_knows() -> None:
    """As after a restart: the result of then is too old to be told, and the facts are not."""
    kept = journals()
    kept.restore("a", Journal(known=("x",)))
    assert kept.compared("a", None, ("y",), 1.0)


def test_a_target_that_is_looked_at_in_another_way_is_compared_with_nothing() -> None:
    kept = after(("x",), ("y",))
    kept.lose("a", ())
    assert not kept.compared("a", ("y",), ("z",), 5.0)
    assert kept.of("a").known is None
    assert kept.compared("a", ("z",), ("w",), 6.0)


def test_all_together_are_bounded_and_the_longest_unchanged_lose_their_entries_first() -> None:
    one = after(("x",), ("y",)).size
    kept = journals(3 * one)
    for number in range(10):
        kept.compared(f"{number}", ("x",), ("y",), float(number))
    assert kept.size <= 3 * one
    assert [bool(kept.of(f"{number}").entries) for number in range(10)] == [False] * 7 + [True] * 3
    assert all(kept.counts(f"{number}") for number in range(10))
    kept.forget([f"{number}" for number in range(10)])
    assert (len(kept), kept.size) == (0, 0)


def test_a_target_that_fails_now_and_then_has_not_changed_since() -> None:
    one = after(("x",), ("y",)).size
    kept = journals(2 * one)
    for number, name in enumerate("ab"):
        kept.compared(name, ("x",), ("y",), float(number))
    kept.compared("a", ("y",), (), 5.0)
    kept.compared("a", (), ("y",), 6.0)
    kept.compared("c", ("x",), ("y",), 7.0)
    assert [name for name in "abc" if kept.of(name).entries] == ["b", "c"]
    assert kept.size == 2 * one


def test_those_that_nothing_shows_any_more_lose_their_entries_first() -> None:
    """As the hosts of a zone that has other ones at each lookup, and each of them changes."""
    one = after(("x",), ("y",)).size
    kept = journals(10 * one)
    for number in range(5):
        kept.compared(f"quiet{number}", ("x",), ("y",), float(number))
    for number in range(500):
        kept.compared(f"hostile{number}", ("x",), ("y",), float(number))
        kept.shown(f"hostile{number}", is_shown=False)
    assert all(kept.of(f"quiet{number}").entries for number in range(5))
    kept.compared("back", ("x",), ("y",), 999.0)
    kept.shown("back", is_shown=False)
    kept.shown("back", is_shown=True)
    kept.compared("one more", ("x",), ("y",), 1000.0)
    assert kept.of("back").entries


def test_a_file_has_them_all_in_the_order_in_which_they_changed() -> None:
    kept = journals()
    for name in ("b", "a"):
        kept.compared(name, ("x",), ("y",), 1.0)
    assert [key for key, _ in kept.items()] == ["b", "a"]
    restored = journals()
    for key, journal in kept.items():
        restored.restore(key, journal)
    assert (restored.items(), restored.size) == (kept.items(), kept.size)
