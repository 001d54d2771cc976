"""The pages of failure classes and of warnings have every one, with the facts of the code, and no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from exporter.demo.domains import DEMO
from exporter.model.failure import UNDETERMINED_CLASSES, Confidence, FailureClass, Stage, verdict_of
from exporter.model.warning import DomainWarning, HostWarning
from tests.diagnosis.replies.real_replies import FILES, read
from tests.docs.pages import CLASSES, ROOT, WARNINGS, names
from tests.support.exporter_process import running_demo
from tests.support.waiting import until_sync

SCHEMAS = ("docs/reference/probe.schema.json", "docs/reference/trace.schema.json")
ROWS = {name: cells for cells in CLASSES.rows("All classes") for name in names(cells[0])}


def test_every_class_has_a_row_with_its_verdict_and_there_is_no_other() -> None:
    assert {name: cells[2] for name, cells in ROWS.items()} == {each: each.verdict for each in FailureClass}
    assert len(CLASSES.rows("All classes")) == len(ROWS) == len(FailureClass)
    assert all(len(cells) == 5 and all(cells) for cells in ROWS.values())


def _stages(name: str) -> set[str]:
    stages = set(ROWS[name][1].split(", "))
    return {*Stage} if stages == {"any"} else stages


def test_the_stages_of_the_table_are_those_at_which_real_replies_find_the_class() -> None:
    assert all(_stages(name) <= {*Stage} for name in ROWS)
    for file in FILES:
        for each in read(file):
            if each.found in ROWS:
                assert each.stage in _stages(each.found), f"{each.found} at {each.stage}"


def test_the_stages_of_the_table_are_those_at_which_the_demo_finds_the_class() -> None:
    with running_demo() as demo:
        probed = "mx_domain_last_probe_timestamp_seconds"
        until_sync(lambda: len(demo.named(probed)) == len(DEMO))
        seen = {
            tuple(sample.labels[name] for name in ("stage", "class", "verdict", "confidence"))
            for sample in demo.named("mx_domain_failure", "mx_host_failure")
        }
    assert len(seen) > 20
    for stage, name, verdict, confidence in seen:
        assert stage in _stages(name), f"{name} at {stage}"
        assert verdict == verdict_of(FailureClass(name), Confidence(confidence))


def test_every_warning_has_a_row_and_there_is_no_other() -> None:
    for heading, warnings in (("Warnings of hosts", HostWarning), ("Warnings of domains", DomainWarning)):
        named = [name for cells in WARNINGS.rows(heading) for name in names(cells[0])]
        assert sorted(named) == sorted(warnings)


def test_what_is_written_from_the_code_is_as_it_would_be_written_now(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "generate.py", tmp_path], cwd=ROOT, check=True, timeout=60)
    for name in (CLASSES.name, "deploy/prometheus/rules/next.yml", *SCHEMAS):
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8"), name


def test_every_class_has_a_section_that_tells_each_of_its_verdicts() -> None:
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", CLASSES.text, re.MULTILINE | re.DOTALL))
    assert set(sections) >= {*FailureClass}
    for failure_class in UNDETERMINED_CLASSES:
        assert "- **undetermined**: settle it" in sections[failure_class]
