"""The names, types and HELP texts of the metric families."""

from __future__ import annotations

import re

import pytest

from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.families import FAMILIES, PLACE, MetricFamily

HELP_TEXTS = {family.name: family.help for family in FAMILIES} | {
    family.name: family.documentation
    for family in ExporterMetrics().registry.collect()
    if family.name.startswith("mx_")
}


def test_each_name_is_there_once_and_at_its_place() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert [PLACE[family] for family in FAMILIES] == list(range(len(FAMILIES)))


def test_a_counter_ends_in_total_and_openmetrics_names_its_family_without() -> None:
    assert all(family.name.endswith("_total") == (family.type == "counter") for family in FAMILIES)
    counter = MetricFamily("mx_x_total", "counter", "Things.")
    assert counter.header(openmetrics=False) == b"# HELP mx_x_total Things.\n# TYPE mx_x_total counter\n"
    assert counter.header(openmetrics=True) == b"# HELP mx_x Things.\n# TYPE mx_x counter\n"


@pytest.mark.parametrize("name", HELP_TEXTS)
def test_a_help_text_is_a_sentence_without_escapes_and_riddles(name: str) -> None:
    text = HELP_TEXTS[name]
    assert re.fullmatch(r"[A-Z0-9][^\\\n\"]*\.", text)
    assert not re.match(r"(What|Who|How|Whether|Where)\b", text)
    assert "way out" not in text
