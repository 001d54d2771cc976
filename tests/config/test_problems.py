"""A mistake is one line, whatever it quotes, and an error is all its mistakes."""

from __future__ import annotations

from exporter.config.problems import ConfigError, ConfigProblem, Place


def test_a_place_counts_as_editors_do() -> None:
    assert str(Place("a.yaml", 3, 5)) == "a.yaml:3:5"


def test_a_problem_names_its_key_where_it_has_one() -> None:
    assert str(ConfigProblem("a.yaml", 3, 5, "limits.rate", "is wrong")) == "a.yaml:3:5: limits.rate: is wrong"
    assert str(ConfigProblem("a.txt", 1, 1, "", "is empty")) == "a.txt:1:1: is empty"


def test_a_message_with_line_breaks_and_escapes_stays_one_printable_line() -> None:
    line = str(ConfigProblem("a.yaml", 1, 1, "", "a\nb\x1b[31m\u202e"))
    assert line.isprintable()
    assert line.startswith("a.yaml:1:1: a")


def test_a_message_without_end_is_cut() -> None:
    assert len(str(ConfigProblem("a.yaml", 1, 1, "", "x" * 1_000_000))) < 3000


def test_an_error_has_a_line_for_each_mistake_in_their_order() -> None:
    first, second = ConfigProblem("b", 9, 1, "", "one"), ConfigProblem("a", 1, 1, "x", "two")
    error = ConfigError((first, second))
    assert error.errors == (first, second)
    assert str(error).splitlines() == ["b:9:1: one", "a:1:1: x: two"]


def test_an_error_heals_if_each_of_its_mistakes_may() -> None:
    absent, wrong = ConfigProblem("a", 1, 1, "", "is not there", heals=True), ConfigProblem("a", 2, 1, "", "is wrong")
    assert ConfigError((absent, absent)).heals
    assert not ConfigError((absent, wrong)).heals
