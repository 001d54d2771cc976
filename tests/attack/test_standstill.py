"""A loop that stands still is told from outside, though the web server has a thread of its own and answers on."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support import plain_http
from tests.support.exporter_process import exporter
from tests.support.waiting import until_sync

# Its first result never ends; the patience is a second instead of fifteen.
STUCK = """
import time, exporter.app.heartbeat, exporter.app.monitor
exporter.app.heartbeat.STUCK_SECONDS = 1.0
exporter.app.monitor.Monitor.domain_told = lambda self, target, result, *, turn: time.sleep(3600)
"""
CONFIG = (
    "resolver: {nameservers: ['127.0.0.1:1'], timeout: 100ms}\ndefaults: {interval: 1s}\negress: {trace: false}\n"
    "domains: [a.example]\n"
)


def test_a_loop_that_stands_still_is_not_healthy(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    with exporter(f"--config.file={path}", first=STUCK) as process:
        until_sync(lambda: "the loop of the probes has not run for" in process.get("/-/healthy").text)
        until_sync(lambda: process.get("/-/healthy").status_code == 503)
        until_sync(lambda: plain_http.head(f"{process.url}/-/healthy").status_code == 503)
        assert process.get("/metrics").status_code == 200
        process.process.send_signal(signal.SIGKILL)


def test_a_schedule_that_stands_still_is_not_healthy(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    told = "exporter.app.monitor.Monitor.domain_told"
    broken = STUCK.replace("lambda self, target, result, *, turn: time.sleep(3600)", told)
    broken += "import exporter.app.watchers, exporter.schedule.scheduler\nexporter.app.watchers.STUCK_SECONDS = 1.0\n"
    broken += "exporter.schedule.scheduler.Schedule._take_due = lambda self: 1 / 0\n"
    with exporter(f"--config.file={path}", first=broken) as process:
        until_sync(lambda: "the schedule of the probes stands still" in process.get("/-/healthy").text)
        until_sync(lambda: process.get("/-/healthy").status_code == 503)
        assert process.stop() == 0
