"""Blocked or dead, on a network with real filters: every scenario of the lab gets its class, verdict and router."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any, Final

import pytest

from exporter.model.failure import Stage
from exporter.report.local_state import HIDING
from exporter.report.summary import MAX_WORDS
from tests.namespaces.mail_network import MailNetwork, node_of
from tests.namespaces.network import Family
from tests.namespaces.scenario import UP, Outcome, Scenario
from tests.namespaces.scenarios import SCENARIOS

pytestmark = pytest.mark.long

# Networks side by side: most scenarios wait for a silence to end, and burn no processor meanwhile.
NETWORKS: Final = 4

Lines = list[dict[str, Any]]


@pytest.fixture(scope="module")
def probed(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Future[Lines]]]:
    """What the exporter says in each scenario that was selected, by its name."""
    parameters = (item.callspec.params for item in request.session.items if hasattr(item, "callspec"))
    scenarios: list[Scenario] = [each["scenario"] for each in parameters if "scenario" in each]
    selected = {each.name: each for each in scenarios}  # once, though two tests look at it
    free: SimpleQueue[MailNetwork] = SimpleQueue()

    def run(scenario: Scenario) -> Lines:
        network = free.get()
        try:
            return scenario.run(network)
        finally:
            free.put(network)

    with ExitStack() as stack:
        for _ in range(min(NETWORKS, len(selected))):
            free.put(stack.enter_context(MailNetwork()))
        pool = ThreadPoolExecutor(NETWORKS)
        stack.callback(pool.shutdown, cancel_futures=True)
        yield {name: pool.submit(run, scenario) for name, scenario in selected.items()}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_gets_its_class_verdict_confidence_and_router(
    probed: Mapping[str, Future[Lines]], scenario: Scenario
) -> None:
    lines = probed[scenario.name].result()
    assert {line["name"] for line in lines} == set(scenario.names)
    for line in lines:
        hosts = {_family(host["address"]): host for host in line["hosts"]}
        assert hosts
        for family, host in hosts.items():
            found = _outcome(host["failure"], host["last_hop"])
            assert found == scenario.of(family), (host["address"], host["failure"])
        assert line["up"] == any(host["up"] for host in hosts.values())
        if not line["up"]:
            spokesman = hosts.get(scenario.spokesman) or next(iter(hosts.values()))
            # How the others fare is among the domain's evidence alone.
            assert {**line["failure"], "evidence": []} == {**spokesman["failure"], "evidence": []}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_is_told_in_a_short_sentence_and_what_of_ours_hides_it_first(
    probed: Mapping[str, Future[Lines]], scenario: Scenario
) -> None:
    lines = probed[scenario.name].result()
    hidden = [line for line in lines if line["failure"] and line["failure"]["class"] in HIDING - {"no_route"}]
    for line in lines:
        assert len(line["summary"].split()) <= MAX_WORDS, line["summary"]
        assert line["verdict"] == ("up" if line["up"] else line["failure"]["verdict"])
        assert line["up"] or (line["next"] and line["section"].endswith(f"#{line['failure']['class']}"))
        said = (line["summary"], *line["evidence"])
        assert len(set(said)) == len(said)
        if line in hidden:
            family = f"ipv{_family(next(host['address'] for host in line['hosts']))}"
            assert line["egress"][family]["state"] in ("blocked", "intercepted", "offline")
            assert line["egress"]["hidden_targets"] == len(hidden)
            assert "on OUR side" in line["egress"]["summary"] or "OUR network" in line["egress"]["summary"]


def test_the_scenarios_are_many_and_differ() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names) >= 24


def _family(address: str) -> Family:
    return 6 if ":" in address else 4


def _outcome(failure: dict[str, str] | None, last_hop: str) -> Outcome:
    if failure is None:
        assert last_hop == ""
        return UP
    parts = {"failure_class": failure["class"], "verdict": failure["verdict"], "confidence": failure["confidence"]}
    return Outcome(**parts, hop=node_of(last_hop), stage=Stage(failure["stage"]))  # type: ignore[arg-type] # plain texts equal their StrEnum
