"""A restart of the exporter with domains down throughout tells nobody anything: real Prometheus, real Alertmanager."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from exporter.demo.world import DemoWorld
from tests.deploy.stack import Notices, Prometheus, alertmanager, prometheus, webhook
from tests.support.daemons import free_port
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

DEAD, DEAD_HOST = "helo.example", "mx.helo.example"
REFUSED = "blocklisted.example"
_SECONDS: Final = 90.0
_FASTER: Final = 40
# As often as that many times an hour; a save takes its turn every half second.
_INTERVAL: Final = "2s"
_SAVED_OFTEN: Final = "import exporter.app.state_keeping\nexporter.app.state_keeping.SAVE_SECONDS = 0.5"


class Scene:
    """An exporter that goes and comes back, and the people who are told."""

    def __init__(self, world: DemoWorld, folder: Path, storage: tuple[str, ...]) -> None:
        self.world = world
        self.address = f"127.0.0.1:{free_port()}"
        self._config = folder / "config.yaml"
        head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", f"interval: {_INTERVAL}")
        self._config.write_text(f"{head}domains: [healthy.example, {DEAD}, {REFUSED}]\n", encoding="utf-8")
        self._storage = storage

    @contextlib.contextmanager
    def running(self) -> Iterator[ExporterProcess]:
        """The exporter, at the same address each time."""
        flags = (f"--config.file={self._config}", f"--web.listen-address={self.address}", *self._storage)
        with exporter(*flags, first=_SAVED_OFTEN) as process:
            yield process

    def run_through(self, end: signal.Signals, seen: Prometheus) -> None:
        """Run until Prometheus has seen what was probed since the start, then end in this way."""
        with self.running() as process:
            began = time.time()
            newest = f"min(mx_domain_last_probe_timestamp_seconds) > {began}"
            until_sync(lambda: len(seen.query(newest)) == 1, _SECONDS)
            until_sync(lambda: len(seen.query("up == 1")) == 1, _SECONDS)
            process.stop(end)
        until_sync(lambda: len(seen.query("up == 0")) == 1, _SECONDS)


def _told(notices: Notices, domain: str) -> list[tuple[str, str]]:
    return [
        (alert["status"], alert["labels"]["alertname"])
        for alert in notices.alerts
        if alert["labels"].get("domain") == domain
    ]


@pytest.mark.timeout(300)  # minutes of Prometheus, as seconds
@pytest.mark.parametrize("has_storage", [True, False], ids=["with-storage", "without-storage"])
def test_a_restart_tells_nothing_of_domains_that_were_down_throughout(tmp_path: Path, has_storage: bool) -> None:
    storage = (f"--storage.path={tmp_path / 'state'}",) if has_storage else ()
    with DemoWorld() as world, webhook() as (operators, notices):
        world.kill(DEAD_HOST)
        scene = Scene(world, tmp_path, storage)
        with (
            alertmanager(tmp_path / "alertmanager", operators, _FASTER) as told_at,
            prometheus(
                tmp_path / "prometheus",
                "prometheus.yml",
                {"localhost:10225": scene.address, "localhost:9093": told_at},
                _FASTER,
            ) as seen,
        ):
            with scene.running() as process:
                until_sync(lambda: notices.told("firing", "MxDomainDead", domain=DEAD), _SECONDS)
                until_sync(lambda: notices.told("firing", "MxReputationBlocked", domain=REFUSED), _SECONDS)
                process.stop()
            until_sync(lambda: len(seen.query("up == 0")) == 1, _SECONDS)
            for end in (signal.SIGKILL, signal.SIGTERM):
                scene.run_through(end, seen)
            with scene.running():
                until_sync(lambda: len(seen.query("mx_domain_up == 0")) == 2, _SECONDS)
                # What is told later proves that there was time to tell of the restarts.
                world.revive(DEAD_HOST)
                until_sync(lambda: notices.told("resolved", "MxDomainDead", domain=DEAD), _SECONDS)
            assert _told(notices, DEAD) == [("firing", "MxDomainDead"), ("resolved", "MxDomainDead")]
            assert _told(notices, REFUSED) == [("firing", "MxReputationBlocked")]
            assert {name for _, name in notices.statements()} == {"MxDomainDead", "MxReputationBlocked"}
            if has_storage:
                _assert_that_it_looks_like_one_run(seen)


def _assert_that_it_looks_like_one_run(seen: Prometheus) -> None:
    """Counters of an exporter that came to its end go on; each killed one has them begin anew, which is one reset."""
    resets = seen.query(f'resets(mx_domain_probes_total{{domain="{DEAD}"}}[10m])')
    assert [float(each["value"][1]) for each in resets] == [1.0]
    gap = seen.query(f'count_over_time(mx_domain_up{{domain="{DEAD}"}}[10m]) < on () sum_over_time(up[10m]) / 2')
    assert gap == []
