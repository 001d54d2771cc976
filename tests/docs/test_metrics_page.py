"""The page of metrics has every metric, with its type and its labels, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.metrics import blackbox
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.families import FAMILIES, MetricFamily
from exporter.model.egress import EgressState
from exporter.model.failure import PHASES
from exporter.model.policy import DaneState, MtaStsMode, MtaStsProblem
from tests.docs.pages import METRICS, Page, names

GOLDEN = Path(__file__).parent.parent / "metrics" / "golden.txt"
ON_DEMAND = "Series of a probe on demand"
# Named above the tables, as every series of a domain or a host has them; `le` is that of every histogram.
_CONFIGURED = {"Site", "team", "zone", "le"}
_DOMAIN = {"domain"}
_HOST = {"mx", "address", "port", "module", "domain"}

ROWS = {name: cells for cells in METRICS.rows() for name in names(cells[0])}
LABELS = {
    name: set(labels.split(",")) if labels else set()
    for cells in METRICS.rows()
    for name, labels in re.findall(r"`([^`{]+)(?:\{([^`]*)\})?`", cells[0])
}


def _own_types() -> dict[str, str]:
    metrics = ExporterMetrics()
    metrics.storage()
    return {family.name + "_total" * (family.type == "counter"): family.type for family in metrics.registry.collect()}


def _on_demand() -> dict[str, str]:
    return {each.name: each.type for each in vars(blackbox).values() if isinstance(each, MetricFamily)}


def test_every_metric_has_a_row_with_its_type_and_there_is_no_other() -> None:
    told = {name: cells[1] for name, cells in ROWS.items()}
    assert told == {family.name: family.type for family in FAMILIES} | _own_types() | _on_demand()
    assert len(METRICS.rows()) == len(told)  # one a row, and none twice


def test_the_series_of_a_probe_on_demand_stand_by_themselves() -> None:
    assert {name for cells in METRICS.rows(ON_DEMAND) for name in names(cells[0])} == set(_on_demand())


def test_the_labels_of_each_metric_are_those_that_it_has() -> None:
    exposed: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", GOLDEN.read_text(encoding="utf-8"), re.MULTILINE):
        exposed.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    for family in ExporterMetrics().registry.collect():
        for sample in family.samples:
            exposed.setdefault(family.name + "_total" * (family.type == "counter"), set()).update(sample.labels)
    assert len(exposed) > 40
    for name, labels in exposed.items():
        if name in LABELS:
            identity = _HOST if name.startswith(("mx_host_", "mx_path_")) else _DOMAIN
            assert LABELS[name] - {"…"} == labels - _CONFIGURED - identity, name


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("mx_domain_mta_sts_mode", MtaStsMode),
        ("mx_domain_mta_sts_failure", MtaStsProblem),
        ("mx_host_dane_state", DaneState),
        ("mx_egress_state", EgressState),
    ],
)
def test_a_closed_list_is_told_whole(
    metric: str, words: type[MtaStsMode | MtaStsProblem | DaneState | EgressState]
) -> None:
    assert sorted(names(ROWS[metric][2])) == sorted(words)


def test_phases_and_egress_states_are_told_whole() -> None:
    assert names(ROWS["mx_host_phase_duration_seconds"][2]) == list(PHASES)
    page = Page("docs/explanation/blocked-or-dead.md").text
    told = re.search(r"`mx_egress_state\{family,state\}` is (.+?)\.", page)
    assert told is not None
    assert names(told[1]) == list(EgressState)
