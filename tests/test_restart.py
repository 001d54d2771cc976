"""A restart as its user sees it: series, pages and counters go on, each with its age, until the next probe."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.world import DemoWorld
from tests.support.exporter_process import HASTY, ExporterProcess, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

WELL, DEAD = "healthy.example", "blocklisted.example"
_SAVED_OFTEN = f"{HASTY}\nimport exporter.app.state_keeping\nexporter.app.state_keeping.SAVE_SECONDS = 0.1"
_NOTE = re.compile(r"Known from before the restart, <time[^>]*>\d+ s ago</time>")


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running


@pytest.fixture
def flags(world: DemoWorld, tmp_path: Path) -> tuple[str, ...]:
    """Nothing is probed but what the test asks for: the next turn of a schedule is within the hour."""
    head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1h")
    config = tmp_path / "config.yaml"
    config.write_text(f"{head}domains: [{WELL}, {DEAD}]\n", encoding="utf-8")
    return f"--config.file={config}", f"--storage.path={tmp_path / 'state'}"


def series(process: ExporterProcess) -> set[str]:
    """The series of domains and hosts."""
    return {line for line in process.get("/metrics").text.splitlines() if line.startswith(("mx_domain", "mx_host"))}


def probe(process: ExporterProcess) -> None:
    for name in (WELL, DEAD):
        assert process.get(f"/probe?target={name}").status_code == 200


def test_all_goes_on_and_says_how_old_it_is(flags: tuple[str, ...]) -> None:
    with exporter(*flags, first=HASTY) as process:
        probe(process)
        before = series(process)
        assert _NOTE.search(process.get(f"/domain/{DEAD}").text) is None
        assert process.stop() == 0
    with exporter(*flags, first=HASTY) as process:
        assert process.get("/-/ready").status_code == 200
        assert series(process) == before
        assert process.value("mx_exporter_restored_targets") == 2.0
        page = process.get(f"/domain/{DEAD}").text
        assert _NOTE.search(page) is not None
        assert "reputation_blocked" in page
        assert "before the restart" in process.get("/").text
        assert "known from before a restart" in process.get(f"/domain/{DEAD}/report").text
        # What is asked for now is of now.
        answer = process.get(f"/probe?target={DEAD}&debug=true").text
        assert "before the restart" not in answer
        assert "reputation_blocked" in answer
        assert _NOTE.search(process.get(f"/domain/{DEAD}").text) is None
        assert _NOTE.search(process.get(f"/domain/{WELL}").text) is not None
        assert process.value("mx_domain_probes_total", domain=DEAD) == 2.0
        assert process.stop() == 0


def test_after_a_kill_the_states_are_those_that_were_saved_last(flags: tuple[str, ...]) -> None:
    with exporter(*flags, first=_SAVED_OFTEN) as process:
        probe(process)
        at = process.value("mx_domain_last_probe_timestamp_seconds", domain=DEAD) or 0.0
        saved = "mx_exporter_storage_last_save_timestamp_seconds"
        until_sync(lambda: (process.value(saved) or 0.0) > at + 0.5)
        process.stop(signal.SIGKILL)
    with exporter(*flags, first=HASTY) as process:
        assert process.value("mx_domain_up", domain=DEAD) == 0.0
        assert process.value("mx_domain_last_probe_timestamp_seconds", domain=DEAD) == at
        assert process.value("mx_domain_probes_total", domain=DEAD) == 0.0
        assert "begin at 0" in process.text


def test_a_second_exporter_with_the_folder_probes_and_says_so(flags: tuple[str, ...]) -> None:
    with exporter(*flags, first=HASTY), exporter(*flags, first=HASTY) as second:
        assert "another exporter has" in second.text
        assert second.value("mx_exporter_storage_last_save_successful") == 0.0
        assert second.get(f"/probe?target={WELL}").status_code == 200
