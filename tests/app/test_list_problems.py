"""Problems of domain files: each is logged when it is new, and no more of them than anybody reads."""

from __future__ import annotations

import logging

import pytest

from exporter.app.list_problems import ListProblems, first_of
from exporter.model.configuration import Config, DomainList


@pytest.fixture
def problems(caplog: pytest.LogCaptureFixture) -> ListProblems:
    caplog.set_level(logging.INFO, "exporter.app.list_problems")
    return ListProblems()


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    found = [(record.message, vars(record)["fields"]) for record in caplog.records]
    caplog.clear()
    return found


def test_a_problem_is_logged_once_while_it_lasts(problems: ListProblems, caplog: pytest.LogCaptureFixture) -> None:
    bad = Config(lists=(DomainList("a.txt", 12, ("a.txt:1: bad",), ("a.txt:2: twice",), ("a.txt:3: ignored",)),))
    problems.report(bad)
    assert logged(caplog) == [
        ("domain file line skipped", {"problem": "a.txt:1: bad"}),
        ("domain file lines skipped", {"file": "a.txt", "lines": 12}),
        ("domain file column ignored", {"problem": "a.txt:3: ignored"}),
        ("domain listed twice, the first entry holds", {"problem": "a.txt:2: twice"}),
    ]
    problems.report(bad)
    assert logged(caplog) == []
    problems.report(Config())
    problems.report(bad)
    assert len(logged(caplog)) == 4


def test_a_warning_is_logged_once_while_it_lasts(problems: ListProblems, caplog: pytest.LogCaptureFixture) -> None:
    doubtful = Config(warnings=("c.yaml:1:1: no target",))
    problems.report(doubtful)
    problems.report(doubtful)
    assert logged(caplog) == [("configuration doubtful", {"problem": "c.yaml:1:1: no target"})]
    problems.report(Config())
    problems.report(doubtful)
    assert len(logged(caplog)) == 1


def test_a_file_that_fails_is_an_error_until_it_is_mended(
    problems: ListProblems, caplog: pytest.LogCaptureFixture
) -> None:
    failed = Config(failures=("b.txt:1:1: cannot be read",))
    problems.report(failed)
    problems.report(failed)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    problems.report(Config())
    problems.report(failed)
    assert len(logged(caplog)) == 2


def test_of_many_lines_the_first_are_given_and_the_rest_is_counted() -> None:
    assert first_of(["a", "b", "c"], 2) == ["a", "b", "… and 1 more"]
    assert first_of(["a", "b"], 2) == ["a", "b"]
