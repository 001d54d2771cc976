"""A state comes back as it was, as old as it is; and from a text that is no such state nothing comes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.model.address import Family
from exporter.storage.head import StateError
from exporter.storage.saved import SavedState
from tests.storage.states import (
    BLOCKED,
    DOWN,
    LISTING,
    REFERENCE,
    SIDE,
    TARGETS,
    WELL,
    clock,
    edited,
    probed,
    read,
    text_of,
    without_evidence,
)

TEXT, MADE = text_of(), clock().moment


def test_all_that_is_told_of_targets_and_hosts_comes_back() -> None:
    results = probed()
    saved = read(text_of(results))
    assert (saved.unsound, saved.other_settings, saved.is_last_word) == (0, 0, True)
    for target in (*TARGETS, REFERENCE):
        record, back = results.get(*target.key), saved.targets[target.key]
        assert record is not None
        assert record.result is not None
        assert back.result == record.result._replace(hosts=tuple(map(without_evidence, record.result.hosts)))
        assert (back.probes, back.probe_failures) == (record.probes, record.probe_failures)
        assert back.history.packed_results == record.history.packed_results
        assert back.began == pytest.approx(record.began, abs=0.1)
        assert [replace(each, at=0.0) for each in back.history.changes] == [
            replace(each, at=0.0) for each in record.history.changes
        ]
    for known in results.hosts.records():
        assert known.result is not None
        host = saved.hosts[known.identity]
        assert (host.result, host.failures) == (without_evidence(known.result), known.failures)
    assert len(saved.hosts) == 3, "the reference's host has no series"
    assert len(saved.counts) == 1
    assert saved.counts[0].states == {**saved.counts[0].states, None: 2}


def test_changes_come_back_as_old_as_they_are_with_the_values_of_the_week() -> None:
    saved = read(TEXT, 3600.0)
    (journal,), (of_host,) = saved.domain_journals.values(), saved.host_journals.values()
    assert saved.domain_journals.keys() == {WELL.key}
    assert [(each.what, each.before) for each in journal.entries] == [("mx", "mx0.well.example")]
    assert MADE + 3600.0 - journal.entries[0].at == pytest.approx(3620.0, abs=60.0)
    assert [(each.kind, each.at) for each in journal.seen] == [("mx", journal.entries[0].at)]
    assert (journal.counts, of_host.counts) == ((("mx", 1),), (("starttls_lost", 1),))


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("target_changes", lambda row: row[3][0].__setitem__(0, -2e10)),
        ("target_changes", lambda row: row[3][0].__setitem__(3, "\ud800")),
        ("target_changes", lambda row: row.__setitem__(6, [[None] * 3, [], None])),
        ("target_changes", lambda row: [*row, 1]),
        ("host_changes", lambda row: row[3][0].__setitem__(0, ["mx"])),
        ("host_changes", lambda row: row.__setitem__(1, "0")),
    ],
)
def test_a_row_of_changes_that_is_not_sound_costs_them_alone(kind: str, edit: Callable[[Any], Any]) -> None:
    saved = read(edited(TEXT, kind, edit))
    assert saved.unsound == 1
    assert saved.targets.keys() == read(TEXT).targets.keys()
    assert len(saved.domain_journals) + len(saved.host_journals) == 1


def test_changes_of_what_is_not_restored_are_left_out() -> None:
    saved = read(TEXT, targets=[DOWN])
    assert not saved.domain_journals
    assert not saved.host_journals
    # The journal of a target that knows the lookup of another one.
    lookup = json.loads(next(line for line in TEXT if line.startswith('["target","domain","down')))[10][2]
    known = edited(TEXT, "target_changes", lambda row: row.__setitem__(6, [lookup, [], None]))
    assert not read(known).domain_journals


def test_a_target_that_is_probed_otherwise_keeps_its_changes_and_is_compared_with_nothing() -> None:
    other = replace(WELL, settings=replace(WELL.settings, port=2525))
    looked_up = edited(TEXT, "target_changes", lambda row: row.__setitem__(6, [None, [], None]))
    saved = read(looked_up, targets=[DOWN, other])
    assert WELL.key not in saved.targets
    assert not saved.host_journals
    (journal,) = saved.domain_journals.values()
    assert (journal.counts, journal.known) == ((("mx", 1),), None)
    assert [each.what for each in journal.entries] == ["mx"]


def test_a_file_of_before_there_were_journals_is_read() -> None:
    older = [line for line in TEXT if "_changes" not in line[:16]]
    older[-1] = json.dumps(["end", len(older) - 2])
    saved = read(edited(older, "", lambda head: head["layout"].pop("DomainFacts") and head))
    assert saved.targets.keys() == read(TEXT).targets.keys()
    assert saved.unsound == 0


def test_our_own_side_comes_back_with_the_time_as_of_which_it_was_so() -> None:
    saved = read(TEXT)
    assert saved.side is not None
    view = saved.side.egress[Family.IPV4]
    assert (view, view.since) == (BLOCKED, BLOCKED.since)
    assert view.as_of == pytest.approx(saved.written, abs=0.01)
    assert saved.side.changes == SIDE.changes
    assert saved.side.resolver.state is SIDE.resolver.state


def test_the_answers_of_block_lists_come_back() -> None:
    assert read(TEXT).listings == (LISTING,)
    assert read(TEXT).listings[0].answer.at == LISTING.answer.at


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row.__setitem__(1, "nowhere"),
        lambda row: row[2].__setitem__(0, "a b"),
        lambda row: row[2].__setitem__(1, "liked"),
        lambda row: row[2].__setitem__(2, 0.0),
        lambda row: row[2].__setitem__(3, ["<b>"]),
        lambda row: row[2].__setitem__(4, "\x1b[31m"),
    ],
)
def test_an_answer_of_a_block_list_that_is_not_sound_is_left_out(edit: Callable[[Any], Any]) -> None:
    found = read(edited(TEXT, "listing", edit))
    assert (found.listings, found.unsound, len(found.targets)) == ((), 1, len(read(TEXT).targets))


def test_moments_are_as_long_ago_as_they_were_and_as_old_as_the_file() -> None:
    now, later = read(TEXT), read(TEXT, 3600.0)
    for target in TARGETS:
        before, after = now.targets[target.key], later.targets[target.key]
        # The other clock has gone on by as much: the moment is the same.
        assert after.began == pytest.approx(before.began, abs=0.1)
        assert clock(3600.0).moment - after.began == pytest.approx(clock().moment - before.began + 3600.0, abs=1.0)


def test_a_target_that_is_gone_or_is_probed_otherwise_is_left_out() -> None:
    saved = read(TEXT, targets=[WELL])
    assert saved.targets.keys() == {WELL.key}
    assert {identity.mx for identity in saved.hosts} == {"mx.well.example"}
    other = replace(DOWN, settings=replace(DOWN.settings, port=2525))
    saved = read(TEXT, targets=[WELL, other])
    assert saved.targets.keys() == {WELL.key}
    assert saved.other_settings == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ([], "no state"),
        ([""], "no state"),
        (["{}"], "no state"),
        (["[]"], "no state"),
        ([*TEXT[:-1]], "no end"),
        ([*TEXT[:-2], TEXT[-1]], "end is that of another"),
        ([*TEXT, TEXT[-2]], "end is that of another"),
        ([TEXT[0], "[]", TEXT[-1]], "no row"),
        ([TEXT[0], '{"a": 1}', TEXT[-1]], "no row"),
        ([TEXT[0], '["target"', TEXT[-1]], "no JSON"),
        (edited(TEXT, "", lambda head: head.update(version=2)), "newer version"),
        (edited(TEXT, "", lambda head: head.update(version=0)), "broken"),
        (edited(TEXT, "", lambda head: head.update(version="1")), "newer version"),
        (edited(TEXT, "", lambda head: head.update(written=2e9 * 4)), "future"),
        (edited(TEXT, "", lambda head: head.update(written="now")), "broken"),
        (edited(TEXT, "", lambda head: head.update(moment=1e300)), "broken"),
        (edited(TEXT, "", lambda head: head.update(layout=[])), "layout"),
        (edited(TEXT, "", lambda head: head.update(layout={})), "another version"),
        (edited(TEXT, "", lambda head: head["layout"].update(HostFacts=[1])), "layout"),
        (edited(TEXT, "", lambda head: head["layout"].pop("Failure")), "another version"),
        (edited(TEXT, "", lambda head: head.update(places=[[]])), "layout"),
    ],
)
def test_a_text_that_is_no_whole_state_is_none(text: list[str], reason: str) -> None:
    with pytest.raises(StateError, match=reason):
        read(text)


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row.__setitem__(4, -1),  # probes
        lambda row: row.__setitem__(5, 10**6),  # more failures than probes
        lambda row: row.__setitem__(6, "then"),
        lambda row: row.__setitem__(7, -2e10),  # since centuries ago: a page could not show the date
        lambda row: row.__setitem__(8, "!"),
        lambda row: row.__setitem__(8, "AAAA" * 1000),
        lambda row: row.__setitem__(9, "AAAA"),
        lambda row: row[10].__setitem__(0, 9e9),  # a turn that is still to come
        lambda row: row[10].__setitem__(0, "x"),
        lambda row: row[10].__delitem__(-1),
        lambda row: row[10][2].__setitem__(0, "other.example"),
        lambda row: row[10].__setitem__(3, [[99, None, None]]),
        lambda row: row[10].__setitem__(3, [["0", None, None]]),
        lambda row: row[:-1],
        lambda row: [*row, 1],
        lambda row: ["target", "planet", *row[2:]],
    ],
)
def test_a_row_that_is_not_sound_costs_its_target_alone(edit: Callable[[Any], Any]) -> None:
    saved = read(edited(TEXT, "target", edit, name="well.example"))
    assert WELL.key not in saved.targets
    assert saved.unsound >= 1
    assert DOWN.key in saved.targets


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row[3].__setitem__(0, 'evil"} 1\nmx'),
        lambda row: row[5].__setitem__(0, [["banner", 9999]]),
        lambda row: row[6].__setitem__(0, 9e9),
        lambda row: row.__setitem__(9, -2e10),
        lambda row: row.__setitem__(7, [["connect_timeout", -1]]),
        lambda row: row.__setitem__(7, [["no_such_class", 1]]),
        lambda row: row[:-1],
    ],
)
def test_a_host_that_is_not_sound_takes_the_targets_that_have_it_along(edit: Callable[[Any], Any]) -> None:
    saved = read(edited(TEXT, "host", edit))
    assert len(saved.targets) == len(TARGETS), "one of them and the reference"
    assert saved.unsound == 2


def test_rows_and_words_of_another_version_are_left_out() -> None:
    more = [TEXT[0], '["planet", 9]', *TEXT[1:-1], json.dumps(["end", len(TEXT) - 1])]
    assert [each.result for each in read(more).targets.values()] == [
        each.result for each in read(TEXT).targets.values()
    ]

    def swapped(head: Any) -> None:
        head["places"][1] = ["", *reversed(head["places"][1][1:])]

    history = read(edited(TEXT, "", swapped)).targets[DOWN.key].history
    assert len(history.changes) == 1
    assert history.changes[0].failure_class != read(TEXT).targets[DOWN.key].history.changes[0].failure_class

    def unknown(head: Any) -> None:
        head["places"][1] = ["", *["new_class"] * (len(head["places"][1]) - 1)]

    assert read(edited(TEXT, "", unknown)).targets[DOWN.key].history.changes == ()


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_a_torn_text_is_a_state_or_none_and_never_another_error(seed: int, times: int) -> None:
    chance, text = random.Random(seed), "\n".join(TEXT)
    for _ in range(times):
        start = chance.randrange(len(text))
        end = start + chance.choice((0, 1, 1, 10, 1000))
        text = text[:start] + chance.choice(("", "0", '"', "[", "null", "-1e5", text[start:end] * 2)) + text[end:]
    try:
        saved: SavedState | None = read(text.split("\n"))
    except StateError:
        saved = None
    if saved is not None:
        assert saved.targets.keys() <= {target.key for target in (*TARGETS, REFERENCE)}
