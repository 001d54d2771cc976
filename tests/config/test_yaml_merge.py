"""Merge keys, as compose files have them: what is merged, what wins, and where a mistake stands."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.yaml_document import REFUSED, Document
from exporter.config.yaml_merge import Merge
from exporter.config.yaml_reader import compose
from tests.config.loading import config, problems


def told(text: str) -> list[str]:
    return [str(problem) for problem in compose("f", text).problems]


def document(text: str) -> Document:
    found = compose("f", text)
    assert not found.problems
    return found


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("{<<: *a}", {"k": 1, "l": 2}),
        ("{<<: *a, l: 9}", {"k": 1, "l": 9}),
        ("{l: 9, <<: *a}", {"k": 1, "l": 9}),
        ("{<<: [*a]}", {"k": 1, "l": 2}),
        ("{<<: [*a, *b]}", {"k": 1, "l": 2, "m": 4}),
        ("{<<: [*b, *a]}", {"k": 1, "l": 3, "m": 4}),
        ("{<<: [*b, *a], m: 9}", {"k": 1, "l": 3, "m": 9}),
        ("{<<: *both}", {"k": 1, "l": 3, "m": 4, "o": 5}),
        ("{<<: {k: 7}}", {"k": 7}),
        ("{<<: [{k: 7}, *a]}", {"k": 7, "l": 2}),
        ("{<<: []}", {}),
        ("{<<: }", {}),
        ("{<<: *a, k: }", {"k": None, "l": 2}),
        ("{'<<': *a}", {"<<": {"k": 1, "l": 2}}),
        ("\n  <<: *a\n  l: 9", {"k": 1, "l": 9}),
        ("\n  <<:\n    - *b\n    - *a", {"k": 1, "l": 3, "m": 4}),
        ("\n  <<: *list", {"k": 1, "l": 2, "m": 4}),
    ],
)  # fmt: skip
def test_a_mapping_has_the_keys_of_others_unless_it_has_its_own(form: str, expected: dict[str, Any]) -> None:
    text = (
        "a: &a {k: 1, l: 2}\nb: &b {l: 3, m: 4}\nboth: &both {<<: [*b, *a], o: 5}\nlist: &list [*a, *b]\n"
        f"here: {form}\nafter: 1\n"
    )
    found = document(text).data
    assert found["here"] == expected
    assert found["a"] == {"k": 1, "l": 2}  # the source is not changed
    assert found["after"] == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {<<: 5}\n", "f:1:9: a.<<: a merge key (<<) takes a mapping or a list of mappings"),
        ("a: {<<: text}\n", "f:1:9: a.<<: a merge key (<<) takes a mapping or a list of mappings"),
        ("x: &x [1]\na: {<<: [*x]}\n", "f:1:4: a.<<: a merge key (<<) takes a mapping or a list of mappings"),
        ("a: {<<: [{k: 1}, 5]}\n", "f:1:18: a.<<: a merge key (<<) takes a mapping or a list of mappings"),
        ("a: {<<: *b}\n", "f:1:9: a.<<: the alias *b is defined nowhere above"),
        ("a: &x {<<: *x}\n", "f:1:12: a.<<: the alias *x stands inside the value it names"),
        ("x: &x {k: 1}\na: {<<: *x, <<: *x}\n", "f:2:13: a.<<: duplicate key; the first is at f:2:5"),
        ("x: &x {k: 1}\na:\n  <<: *x\n  l: 1\n  l: 2\n", "f:5:3: a.l: duplicate key; the first is at f:4:3"),
        ("x: &x {k: 1}\na:\n  k: 1\n  <<: *x\n  k: 2\n", "f:5:3: a.k: duplicate key; the first is at f:3:3"),
        ("a: {<<: {k: 1, k: 2}}\n", "f:1:16: a.<<.k: duplicate key; the first is at f:1:10"),
        ("a: {<<: !!map {}}\n", "f:1:9: a.<<: YAML tags are not taken: !!map"),
        ("? !!merge <<\n: {}\n", "f:1:3: a key takes neither a YAML tag nor an anchor"),
    ],
)
def test_a_mistake_is_told_once_at_its_place(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_a_merged_value_has_the_place_where_it_is_written() -> None:
    found = document("x: &x\n  k: 1\n  l: {m: 2}\na:\n  <<: *x\n  o: 3\n")
    assert str(found.place(("a", "l", "m"))) == "f:3:10"
    assert str(found.place(("a", "k"), key=True)) == "f:2:3"
    assert str(found.place(("a", "o"), key=True)) == "f:6:3"


def test_a_mistake_in_a_merged_value_is_told_there_for_each_use() -> None:
    assert problems("""\
        x-slow: &slow
          interval: 5
          labels: {team: 1}
        domains:
          - {<<: *slow, domain: a.example}
          - {<<: *slow, domain: b.example, interval: 5m}
        """) == [
        "c.yaml:2:13: domains[0].interval: 5 needs a unit, such as 5s",
        "c.yaml:3:18: domains[0].labels.team: a label value must be a string, not a number: quote it",
        "c.yaml:3:18: domains[1].labels.team: a label value must be a string, not a number: quote it",
    ]


def test_targets_modules_and_groups_may_be_merged() -> None:
    loaded = config("""
        x-slow: &slow {interval: 5m, labels: {team: x}}
        x-port: &port {port: 26, interval: 10m}
        modules:
          base: &base {stages: [ehlo, starttls], timeout: 10s}
          strict: {<<: *base, starttls: {required: true}}
        domains:
          - {<<: *slow, domain: a.example}
          - {<<: [*port, *slow], domain: b.example, module: strict}
        groups:
          - <<: [*slow, *port]
            domains: [c.example]
        """)
    a, b, c = loaded.targets
    assert (a.settings.interval, a.settings.port, a.labels) == (300.0, 25, (("team", "x"),))
    assert (b.settings.interval, b.settings.port, b.labels) == (600.0, 26, (("team", "x"),))
    assert b.settings.module.starttls.required
    assert b.settings.timeout == 10.0
    assert (c.settings.interval, c.settings.port, c.labels) == (300.0, 26, (("team", "x"),))


def test_merges_count_to_the_bound_of_aliases() -> None:
    lines = ["a0: &a0 {k: [x, x, x, x, x, x, x, x, x, x]}"]
    lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 9)]
    (problem,) = told("\n".join(lines))
    assert "aliases stand for more than 1000000 values" in problem


def test_a_value_that_could_not_be_read_is_merged_as_such() -> None:
    assert Merge(REFUSED, (0, 0)).wrong == []
    assert told("x: &x {k: no}\na: {<<: *x}\n") == [
        "f:1:11: x.k: 'no' is false to YAML 1.1 only: write false, or quote it if meant as text"
    ]
