"""Names of configured labels: those that somebody else sets are refused, with the party."""

from __future__ import annotations

import re

import pytest

from exporter.config.label_names import REFUSED_LABELS, parse_label_name
from exporter.metrics.exporter_metrics import ExporterMetrics
from tests.config.loading import problems
from tests.docs.pages import ROOT

# Of the page of the interface, and of the rules and scrape configurations in deploy/.
OF_THE_EXPORTER = (
    "address", "cipher", "class", "confidence", "domain", "family", "file", "hop", "keyword", "kind", "le", "list",
    "mechanism", "mode", "module", "mx", "phase", "port", "provider", "reference", "result", "shard", "stage", "state",
    "status", "tls", "total", "verdict", "version", "what",
)  # fmt: skip
OF_PROMETHEUS = ("job", "instance", "exporter", "alertname", "target", "vantage")
OF_THE_RULES = ("severity",)
PREFIXED = ("__x", "__name__", "__address__", "exported_job", "exported_domain", "exported_x")


@pytest.mark.parametrize("name", ["team", "_x", "Team", "tier2", "customer_id", "exported", "job_name", "Severity"])
def test_other_names_are_taken(name: str) -> None:
    assert parse_label_name(name) == name


@pytest.mark.parametrize("name", ["", "a-b", "9", "ä", "a b", "a\n", "a:b"])
def test_a_name_has_the_form_of_a_label(name: str) -> None:
    with pytest.raises(ValueError, match="is not a label name"):
        parse_label_name(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, "the exporter sets this label") for name in OF_THE_EXPORTER),
        *((name, "Prometheus sets this label") for name in OF_PROMETHEUS),
        *((name, "the rules set this label") for name in OF_THE_RULES),
        *(
            (name, f"Prometheus sets the labels that begin with {name[: 2 if name[0] == '_' else 9]}")
            for name in PREFIXED
        ),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "domains: [{{domain: a.example, labels: {{{name}: x}}}}]\n",
        "hosts: [{{host: a.example, labels: {{{name}: x}}}}]\n",
        "groups: [{{labels: {{{name}: x}}, domains: [a.example]}}]\n",
    ],
)
def test_a_name_that_somebody_else_sets_is_refused_with_the_reason(text: str, name: str, reason: str) -> None:
    (problem,) = problems(text.format(name=name))
    assert re.match(r"c\.yaml:1:\d+: \w+\[0\]\.labels\.", problem)
    assert problem.endswith(f": '{name}' is refused, because {reason}")


def test_every_label_of_the_exporter_s_own_metrics_is_refused() -> None:
    labels = {
        label for family in ExporterMetrics().registry.collect() for sample in family.samples for label in sample.labels
    }
    assert labels <= REFUSED_LABELS.keys()


def test_every_label_on_the_page_of_the_metrics_is_refused() -> None:
    page = (ROOT / "docs/reference/metrics.md").read_text(encoding="utf-8")
    labels = {label for found in re.findall(r"`\w+\{([a-z_,]+)\}`", page) for label in found.split(",")}
    assert len(labels) > 12
    assert labels <= REFUSED_LABELS.keys()
