"""Places and key paths of a document."""

from __future__ import annotations

import pytest

from exporter.config.yaml_document import KeyPath, dotted
from exporter.config.yaml_reader import compose


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("domains", 3, "labels", "team"), "domains[3].labels.team"),
        ((0, "domain"), "[0].domain"),
        (("modules", "x", "auth", "hunter2"), "modules.x.auth.…"),
        (("modules", "x", "auth", "password_file"), "modules.x.auth.password_file"),
        (("a\nb",), "'a\\nb'"),
        ((), ""),
    ],
)
def test_a_path_is_dotted_and_hides_what_may_be_a_password(path: KeyPath, text: str) -> None:
    assert dotted(path) == text


def test_the_existing_part_of_a_path() -> None:
    document = compose("f.yaml", "a:\n  - b: 1\n")
    assert document.existing(("a", 0, "b")) == ("a", 0, "b")
    assert document.existing(("a", 0, "c", "d")) == ("a", 0)
    assert document.existing(("x",)) == ()


def test_a_problem_has_the_place_of_its_value_or_of_its_key() -> None:
    document = compose("f.yaml", "a:\n  bc: 1\n")
    document.problem(("a", "bc"), "is wrong")
    document.problem(("a", "bc"), "is unknown", key=True)
    assert list(map(str, document.problems)) == ["f.yaml:2:7: a.bc: is wrong", "f.yaml:2:3: a.bc: is unknown"]
