"""The text of a state: small, in steps, and each host once."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from exporter.app.results import Results
from exporter.storage import state_file
from exporter.storage.writing import STEP, lines
from tests.results import changed, domain, result, up_host
from tests.storage.states import probed, read, snapshot_of, text_of, told
from tests.support.steps import at_once


def test_every_line_is_a_row_between_a_head_and_an_end_that_counts_them() -> None:
    head, *rows, end = map(json.loads, text_of())
    assert (head["format"], head["version"]) == ("mx-exporter state", 1)
    assert end == ["end", len(rows)]
    kinds = Counter(row[0] for row in rows)
    assert kinds == {
        "side": 1,
        "count": 1,
        "settings": 5,
        "target": 5,
        "host": 4,
        "target_changes": 1,
        "listing": 1,
        "host_changes": 1,
    }


def test_a_host_of_many_targets_is_written_once_with_what_one_of_them_has_otherwise() -> None:
    targets = [domain(f"d{number}.example") for number in range(2 * STEP)]
    shared, results = up_host("mx.shared.example"), Results()
    at_once(results.replacing(targets, ()))
    for target in targets:
        told(results, target, result(shared, name=target.name), shared)
    other = changed(shared, remarks=("for this domain",))
    results.domain_told(targets[0], result(other, name=targets[0].name), turn=False)
    text = text_of(results)
    assert sum(line.startswith('["host"') for line in text) == 1
    saved = read(text, targets=targets)
    (first, *rest) = [saved.targets[target.key].result for target in targets]
    assert first is not None
    assert first.hosts[0].outcome == other.outcome
    assert all(each is not None and each.hosts[0].outcome == shared.outcome for each in rest)


def test_a_state_is_no_longer_than_what_is_read_whatever_servers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = [domain(f"d{number}.example") for number in range(40)]
    results = Results()
    at_once(results.replacing(targets, ()))
    for number, target in enumerate(targets):
        is_hostile = number % 2 == 0
        host = up_host(f"mx{number}.example", f"192.0.2.{number}")
        for words in ("first", "second"):
            said = changed(host, remarks=(words, *["x" * 7000] * 3) if is_hostile else (), software=words)
            told(results, target, result(said, name=target.name), said)
    monkeypatch.setattr(state_file, "LEAST_BYTES", 200_000)
    monkeypatch.setattr(state_file, "BYTES_A_TARGET", 5000)
    text = "".join(lines(snapshot_of(results)))
    assert 100_000 < len(text.encode()) <= 200_000
    saved = read(text.splitlines(), targets=targets)
    assert {target.key for target in targets[1::2]} <= saved.targets.keys()
    assert {f"mx{number}.example" for number in range(1, 40, 2)} <= {each.mx for each in saved.host_journals}
    assert 2 < len(saved.targets.keys() - {target.key for target in targets[1::2]}) < 8, "as many as half of it has"


def test_it_comes_in_small_steps_that_end_with_a_line() -> None:
    steps = list(lines(snapshot_of(probed())))
    assert all(step.endswith("\n") and "\n\n" not in step and step.count("\n") <= STEP for step in steps)


def test_a_target_that_was_never_probed_is_not_written() -> None:
    results = Results()
    at_once(results.replacing([domain("new.example")], ()))
    assert not any(line.startswith('["target"') for line in text_of(results))
