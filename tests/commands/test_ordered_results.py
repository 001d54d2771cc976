"""Results in the order of their names."""

from __future__ import annotations

import pytest

from exporter.commands.ordered_results import OrderedResults
from exporter.model.result import DomainResult
from exporter.model.target import Target
from tests.results import domain, result, up_host


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def results(told: list[str]) -> OrderedResults:
    def tell(target: Target, of: DomainResult) -> None:
        told.append(target.name)

    return OrderedResults(tell)


def put(results: OrderedResults, place: int) -> None:
    results.put(place, (domain(f"{place}.example"), result(up_host())))


def test_a_result_waits_for_those_before_it(results: OrderedResults, told: list[str]) -> None:
    for place in (2, 1, 0, 4):
        put(results, place)
    assert told == ["0.example", "1.example", "2.example"]
    results.end()
    assert told[3:] == ["4.example"]


def test_not_too_many_wait(results: OrderedResults, told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.commands.ordered_results.MAX_WAITING", 2)
    for place in (3, 2, 5, 6):
        put(results, place)
    assert told == ["2.example", "3.example"]
    put(results, 0)
    results.end()
    assert told == ["2.example", "3.example", "0.example", "5.example", "6.example"]
