"""What the README tells is what there is: its tables against the closed lists, its examples against the programs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.config.load import load
from exporter.demo.domains import DEMO
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.families import FAMILIES
from exporter.model.egress import EgressState
from exporter.model.failure import PHASES, UNDETERMINED_CLASSES, Confidence, FailureClass, Stage, Verdict, verdict_of
from exporter.model.policy import DaneState, MtaStsMode, MtaStsProblem
from exporter.model.warning import HostWarning
from tests.diagnosis.replies.real_replies import FILES, read
from tests.support.exporter_process import running_demo
from tests.support.require import require_program
from tests.support.waiting import until_sync

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GOLDEN = Path(__file__).parent / "metrics" / "golden.txt"
# Of every series of a target, so they are named above the table; `le` is that of every histogram.
_IDENTITY = {"domain", "mx", "address", "Site", "team", "le"}


def _section(title: str) -> str:
    """The text below a heading, up to the next one of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title}"
    return found[2]


def _rows(title: str) -> list[list[str]]:
    """The cells of the first table of a section."""
    table = re.search(r"^\|(?:---\|)+\n((?:\|.*\n)+)", _section(title), re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].splitlines()]


def _names(cell: str) -> list[str]:
    return re.findall(r"`([^`{]+)(?:\{[^`]*\})?`", cell)


CLASSES = {name: cells for cells in _rows("Failure classes") for name in _names(cells[0])}


def test_every_class_has_a_row_with_its_verdict_and_there_is_no_other() -> None:
    assert {name: cells[2] for name, cells in CLASSES.items()} == {each: each.verdict for each in FailureClass}
    assert len(_rows("Failure classes")) == len(CLASSES) == len(FailureClass)
    assert all(len(cells) == 5 and all(cells) for cells in CLASSES.values())


def test_every_verdict_has_a_row_and_there_is_no_other() -> None:
    named = [
        name
        for cells in re.findall(r"^\| (`\w+`) \|", README.partition("\n## ")[0], re.MULTILINE)
        for name in _names(cells)
    ]
    assert named == list(Verdict)


def _stages(name: str) -> set[str]:
    stages = set(CLASSES[name][1].split(", "))
    return {*Stage} if stages == {"any"} else stages


def test_the_stages_of_the_table_are_those_at_which_real_replies_find_the_class() -> None:
    assert all(_stages(name) <= {*Stage} for name in CLASSES)
    for file in FILES:
        for each in read(file):
            if each.found in CLASSES:
                assert each.stage in _stages(each.found), f"{each.found} at {each.stage}"


def test_the_stages_of_the_table_are_those_at_which_the_demo_finds_the_class() -> None:
    with running_demo() as demo:
        probed = "mx_domain_last_probe_timestamp_seconds"
        until_sync(lambda: len([sample for sample in demo.samples() if sample.name == probed]) == len(DEMO))
        seen = {
            tuple(sample.labels[name] for name in ("stage", "class", "verdict", "confidence"))
            for sample in demo.samples()
            if sample.name in ("mx_domain_failure", "mx_host_failure")
        }
    assert len(seen) > 20
    for stage, name, verdict, confidence in seen:
        assert stage in _stages(name), f"{name} at {stage}"
        assert verdict == verdict_of(FailureClass(name), Confidence(confidence))


def test_the_size_of_the_demo() -> None:
    assert f"({len(DEMO)} domains:" in README


def test_every_warning_has_a_row_and_there_is_no_other() -> None:
    named = [name for cells in _rows("Warnings") for name in _names(cells[0])]
    assert sorted(named) == sorted(HostWarning)


METRICS = {
    name: set(labels.split(",")) if labels else set()
    for cells in _rows("Metrics")
    for name, labels in re.findall(r"`([^`{]+)(?:\{([^`]*)\})?`", cells[0])
}


def test_every_metric_has_a_row_and_there_is_no_other() -> None:
    own = {family.name + "_total" * (family.type == "counter") for family in ExporterMetrics().registry.collect()}
    assert set(METRICS) == {family.name for family in FAMILIES} | own


def test_the_labels_of_each_metric_are_those_that_it_has() -> None:
    exposed: dict[str, set[str]] = {}
    for name, labels in re.findall(r"^(\w+)\{(.*)\} ", GOLDEN.read_text(encoding="utf-8"), re.MULTILINE):
        exposed.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    for family in ExporterMetrics().registry.collect():
        for sample in family.samples:
            exposed.setdefault(family.name + "_total" * (family.type == "counter"), set()).update(sample.labels)
    assert len(exposed) > 40
    for name, labels in exposed.items():
        if name in METRICS:
            assert METRICS[name] == labels - _IDENTITY, name


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("mx_domain_mta_sts_mode", MtaStsMode),
        ("mx_domain_mta_sts_failure", MtaStsProblem),
        ("mx_host_dane_state", DaneState),
    ],
)
def test_a_closed_list_is_told_whole(metric: str, words: type[MtaStsMode | MtaStsProblem | DaneState]) -> None:
    (row,) = [cells for cells in _rows("Metrics") if metric in _names(cells[0])]
    assert sorted(_names(row[1])) == sorted(words)


def test_phases_and_states_of_the_way_out_are_told_whole() -> None:
    (row,) = [cells for cells in _rows("Metrics") if "mx_host_phase_duration_seconds" in _names(cells[0])]
    assert row[1].split(", ")[: len(PHASES)] == list(PHASES)
    told = re.search(r"`mx_egress_state\{family,state\}` is (.+?)\.", README)
    assert told is not None
    assert _names(told[1]) == list(EgressState)


def _blocks(language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", [text for text in _blocks("yaml") if re.match(r"#|modules:", text)])
def test_an_example_of_the_configuration_is_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(text if "domains:" in text else text + "domains: [example.com]\n", encoding="utf-8")
    assert load(config).targets


@pytest.mark.parametrize("text", [text for text in _blocks("yaml") if text.startswith("scrape_configs:")])
def test_an_example_for_prometheus_is_one(text: str, tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    argv = [require_program("promtool"), "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "name",
    ["README.md", "SECURITY.md", "CONTRIBUTING.md", "deploy/runbooks.md", "docs/classes.md", "docs/threat-model.md"],
)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    assert links
    for link in links:
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


def test_what_is_written_from_the_classes_is_as_it_would_be_written_now(tmp_path: Path) -> None:
    written = ("README.md", "docs/classes.md", "deploy/prometheus/rules/next.yml")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    subprocess.run([sys.executable, ROOT / "docs" / "generate.py", tmp_path], cwd=ROOT, check=True, timeout=60)
    for name in written:
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8"), name


def test_every_class_has_a_section_that_tells_each_of_its_verdicts() -> None:
    page = (ROOT / "docs" / "classes.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert set(sections) >= {*FailureClass}
    for failure_class in UNDETERMINED_CLASSES:
        assert "- **undetermined**: settle it" in sections[failure_class]
