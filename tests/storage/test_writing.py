"""The text of a state: small, in steps, and each host once."""

from __future__ import annotations

import json
from collections import Counter

from exporter.app.results import Results
from exporter.storage.writing import STEP, lines
from tests.results import changed, domain, result, up_host
from tests.storage.states import probed, read, snapshot_of, text_of, told
from tests.support.steps import at_once


def test_every_line_is_a_row_between_a_head_and_an_end_that_counts_them() -> None:
    head, *rows, end = map(json.loads, text_of())
    assert (head["format"], head["version"]) == ("mx-exporter state", 1)
    assert end == ["end", len(rows)]
    kinds = Counter(row[0] for row in rows)
    assert kinds == {"side": 1, "count": 1, "settings": 5, "target": 5, "host": 4}


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


def test_it_comes_in_small_steps_that_end_with_a_line() -> None:
    steps = list(lines(snapshot_of(probed())))
    assert all(step.endswith("\n") and "\n\n" not in step and step.count("\n") <= STEP for step in steps)


def test_a_target_that_was_never_probed_is_not_written() -> None:
    results = Results()
    at_once(results.replacing([domain("new.example")], ()))
    assert not any(line.startswith('["target"') for line in text_of(results))
