"""The schemas of `--json` are some, and what is written keeps them: each key that there is, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Confidence, FailureClass, Stage, Verdict
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.model.result import DomainResult
from exporter.report.as_json import UP, as_json, local_state_json
from exporter.report.local_state import LocalState, local_state
from exporter.report.path_as_json import path_as_json
from tests.results import changed, down_host, result, tls_host, up_host, with_policies
from tests.support.json_schemas import PROBE, TRACE, faults, validator_of

OPEN = LocalState()
SHUT = local_state(
    {Family.IPV4: EgressView(EgressState.BLOCKED, Confidence.CERTAIN)}, (), {FailureClass.EGRESS_BLOCKED: 2}
)
# Objects that may lack a key.
DATA = ("witnesses", "reply_codes", "enhanced_status", "phase_duration_seconds", "addresses_by_family", "egress")
RESULTS = [
    result(up_host()),
    with_policies(result(tls_host(), down_host())),
    result(changed(down_host(FailureClass.BANNER_TIMEOUT), unfinished=(Stage.BANNER, 29.123456789))),
    result(down_host())._replace(lookup=None),
]


def _line(probed: DomainResult, side: LocalState = OPEN) -> dict[str, Any]:
    line = {"egress": local_state_json(side)} | as_json("a.example", probed)
    parsed: dict[str, Any] = json.loads(json.dumps(line))
    return parsed


@pytest.mark.parametrize("name", [PROBE, TRACE])
def test_each_is_a_schema(name: str) -> None:
    validator = validator_of(name)
    validator.check_schema(validator.schema)


@pytest.mark.parametrize("probed", RESULTS, ids=range(len(RESULTS)))
@pytest.mark.parametrize("side", [OPEN, SHUT], ids=["open", "shut"])
def test_what_is_written_keeps_it(probed: DomainResult, side: LocalState) -> None:
    assert faults(_line(probed, side)) == []


def _path(against: PathTrace | None) -> dict[str, Any]:
    hops = Hop(1, HopKind.TIME_EXCEEDED, "192.0.2.254", 0.00123456789), Hop(2, HopKind.SILENT)
    path = PathTrace("192.0.2.25", 25, hops, against)
    parsed: dict[str, Any] = json.loads(json.dumps(path_as_json("a.example", "mx.a.example", 10, path)))
    return parsed


def test_a_path_keeps_its_own() -> None:
    reached = Hop(1, HopKind.REACHED, "192.0.2.25", 0.02)
    for against in (None, PathTrace("192.0.2.25", 443, (reached,))):
        assert faults(_path(against), TRACE) == []
    line = _path(None)
    for place in (line, line["hops"][0]):
        place["another"] = 1
        assert faults(line, TRACE)
        del place["another"]
        for key in list(place):
            value = place.pop(key)
            assert faults(line, TRACE), key
            place[key] = value


def _places(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a line whose keys are names."""
    if isinstance(value, list):
        for item in value:
            yield from _places(item)
    elif isinstance(value, dict):
        yield value
        for key, item in value.items():
            if key not in DATA:
                yield from _places(item)


def test_a_key_too_many_or_too_few_breaks_it_wherever_it_is() -> None:
    line = _line(RESULTS[1])
    places = list(_places(line))
    assert len(places) > 10
    for place in places:
        place["another"] = 1
        assert faults(line)
        del place["another"]
        for key in list(place):
            value = place.pop(key)
            assert faults(line), key
            place[key] = value
    assert faults(line) == []


def test_the_verdict_is_up_or_one_of_the_list() -> None:
    line = _line(RESULTS[1])
    for verdict in (UP, *Verdict):
        assert faults(line | {"verdict": str(verdict)}) == []
    for other in ("dead?", "UP", "", None):
        assert faults(line | {"verdict": other})
