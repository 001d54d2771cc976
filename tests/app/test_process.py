"""`mx-exporter --config.file`: reload, domain files, signals, from the outside."""

from __future__ import annotations

import asyncio
import os
import signal
import socketserver
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import httpx
import pytest

from exporter.app import process as server
from exporter.demo.world import DemoWorld
from tests.support import plain_http
from tests.support.exporter_process import FILES_WATCHED_CLOSELY, ExporterProcess, command, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running


def _config(world: DemoWorld, *domains: str, more: str = "") -> str:
    head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
    return f"{head}domains: [{', '.join(domains)}]\n{more}"


@pytest.fixture
def path(tmp_path: Path, world: DemoWorld) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(_config(world, "healthy.example", "refused.example"))
    return path


def _up(process: ExporterProcess) -> dict[str, float]:
    return {sample.labels["domain"]: sample.value for sample in process.named("mx_domain_up")}


def _probes(process: ExporterProcess, domain: str) -> float:
    return process.value("mx_domain_probes_total", domain=domain) or 0.0


def test_counters_exist_at_zero_and_then_count(path: Path) -> None:
    path.write_text(path.read_text().replace("interval: 1s", "interval: 1h"))
    with exporter(f"--config.file={path}") as process:
        assert process.value("mx_domain_probes_total", domain="healthy.example") is not None
        assert process.value("mx_domain_probe_failures_total", domain="healthy.example") == 0.0
        assert process.value("mx_exporter_internal_errors_total") == 0.0


@pytest.mark.parametrize(
    ("helo", "said"),
    [
        ("probe.example", ""),
        ("localhost", "EHLO says localhost, "),
        ("nowhere.example", "EHLO says nowhere.example, which does not exist in the DNS"),
    ],
)
def test_the_log_tells_the_name_that_is_said_and_what_is_wrong_with_it(path: Path, helo: str, said: str) -> None:
    path.write_text(path.read_text().replace("helo: probe.example", f"helo: {helo}"))
    with exporter(f"--config.file={path}") as process:
        assert f"helo={helo}" in next(line for line in process.log if "msg=serving" in line)
        until_sync(lambda: _up(process) == {"healthy.example": 1.0, "refused.example": 0.0})
        if said:
            until_sync(lambda: said in process.text)
        else:
            assert "EHLO says" not in process.text


@pytest.mark.parametrize("how", ["POST", "SIGHUP"])
def test_a_reload_takes_what_is_new_forgets_what_is_gone_and_keeps_the_rest(
    path: Path, world: DemoWorld, how: str
) -> None:
    with exporter(f"--config.file={path}") as process:
        until_sync(lambda: _up(process) == {"healthy.example": 1.0, "refused.example": 0.0})
        before = _probes(process, "healthy.example")
        path.write_text(_config(world, "healthy.example", "implicit.example"))
        if how == "POST":
            assert plain_http.post(f"{process.url}/-/reload").status_code == 200
        else:
            process.process.send_signal(signal.SIGHUP)
        until_sync(lambda: _up(process) == {"healthy.example": 1.0, "implicit.example": 1.0})
        assert _probes(process, "healthy.example") >= before
        assert "refused.example" not in process.get("/metrics").text


def test_a_bad_file_changes_nothing_and_says_where(path: Path) -> None:
    with exporter(f"--config.file={path}") as process:
        until_sync(lambda: len(_up(process)) == 2)
        path.write_text("defaults:\n  intervall: 1s\ndomains: [no, a_b]\n")
        answer = plain_http.post(f"{process.url}/-/reload")
        assert answer.status_code == 500
        assert f"{path}:2:3: " in answer.text
        assert len(answer.text.splitlines()) == 3
        assert process.value("mx_exporter_config_last_reload_successful") == 0.0
        before = _probes(process, "healthy.example")
        until_sync(lambda: _probes(process, "healthy.example") > before)
        assert plain_http.get(f"{process.url}/-/reload").status_code == 405


def test_domain_files_are_read_again_when_they_change(path: Path, world: DemoWorld, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("healthy.example\n")
    path.write_text(_config(world, more="domain_files: [names.txt]\n"))
    with exporter(f"--config.file={path}", first=FILES_WATCHED_CLOSELY) as process:
        until_sync(lambda: _up(process) == {"healthy.example": 1.0})
        names.write_text("implicit.example # another\n")
        until_sync(lambda: _up(process) == {"implicit.example": 1.0})


def test_a_hangup_while_the_configuration_loads_loads_it_again(world: DemoWorld, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    os.mkfifo(path)  # a file that takes as long to read as we take to write it
    with subprocess.Popen(
        command(f"--config.file={path}", "--web.listen-address=127.0.0.1:0"), stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            with path.open("w") as writing:
                started.send_signal(signal.SIGHUP)
                writing.write(_config(world, "healthy.example"))
            process = ExporterProcess(started)
            with path.open("w") as writing:
                writing.write(_config(world, "implicit.example"))
            until_sync(lambda: _up(process) == {"implicit.example": 1.0})
            assert process.stop() == 0
        finally:
            started.kill()


def test_a_domain_file_put_back_as_it_was_is_a_mistake_mended(path: Path, world: DemoWorld, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("healthy.example\n")
    path.write_text(_config(world, more="domain_files: [names.txt]\n"))
    with exporter(f"--config.file={path}", first=FILES_WATCHED_CLOSELY) as process:
        names.rename(tmp_path / "kept")
        until_sync(lambda: process.value("mx_exporter_config_last_reload_successful") == 0.0)
        assert process.value("mx_domain_probes_total", domain="healthy.example") is not None
        (tmp_path / "kept").rename(names)
        until_sync(lambda: process.value("mx_exporter_config_last_reload_successful") == 1.0)


def test_a_change_of_state_is_one_line(path: Path, world: DemoWorld) -> None:
    with exporter(f"--config.file={path}") as process:
        until_sync(lambda: _up(process).get("healthy.example") == 1.0)
        for host in ("mx1.healthy.example", "mx2.healthy.example"):
            world.kill(host)
        try:
            until_sync(lambda: _up(process).get("healthy.example") == 0.0)
        finally:
            for host in ("mx1.healthy.example", "mx2.healthy.example"):
                world.revive(host)
        until_sync(lambda: _up(process).get("healthy.example") == 1.0)
        assert process.stop() == 0
    lines = [line for line in process.log if "target=healthy.example" in line]
    assert len(lines) == 2
    assert "level=info" in lines[0]
    assert "class=connect_refused verdict=dead" in lines[0]
    assert all('msg="target state changed"' in line for line in lines)
    assert "state=up before=connect_refused" in lines[1]


def test_sigterm_ends_it_cleanly_and_the_log_may_be_json(path: Path) -> None:
    with exporter(f"--config.file={path}", "--log.format=json", "--log.level=debug") as process:
        until_sync(lambda: _up(process).get("healthy.example") == 1.0)
        assert process.stop() == 0
    assert '"msg": "target probed"' in process.text
    assert "Traceback" not in process.text


def test_hangups_during_the_end_do_not_end_it_otherwise(path: Path) -> None:
    with exporter(f"--config.file={path}") as process:
        process.process.send_signal(signal.SIGTERM)
        until_sync(lambda: "stopping" in process.text)
        while process.process.poll() is None:
            process.process.send_signal(signal.SIGHUP)
        assert process.process.returncode == 0


def test_a_configuration_that_is_followed_is_read_when_a_link_to_it_is_swapped(
    path: Path, world: DemoWorld, tmp_path: Path
) -> None:
    """As Kubernetes swaps the volume of a ConfigMap; a bad one changes nothing."""
    texts = (_config(world, "healthy.example"), _config(world, "implicit.example"), "domains: [", "domains: []\n")
    for number, text in enumerate(texts):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "config.yaml").write_text(text)

    def swap(number: int) -> None:
        (tmp_path / "..new").symlink_to(f"..{number}")
        (tmp_path / "..new").rename(tmp_path / "..data")

    swap(0)
    path.unlink()
    path.symlink_to("..data/config.yaml")
    with exporter(f"--config.file={path}", "--config.reload-on-change", first=FILES_WATCHED_CLOSELY) as process:
        until_sync(lambda: _up(process) == {"healthy.example": 1.0})
        swap(1)
        until_sync(lambda: _up(process) == {"implicit.example": 1.0})
        assert process.value("mx_exporter_config_file_differs") == 0.0
        swap(2)
        until_sync(lambda: process.value("mx_exporter_config_last_reload_successful") == 0.0)
        assert process.value("mx_exporter_config_file_differs") == 1.0
        assert process.value("mx_exporter_targets", kind="domain") == 1.0
        swap(3)
        until_sync(lambda: process.value("mx_exporter_targets", kind="domain") == 0.0)
        assert process.text.count("configuration not reloaded") == 1


def test_a_configuration_that_is_not_followed_is_told_to_differ(path: Path, world: DemoWorld) -> None:
    with exporter(f"--config.file={path}", first=FILES_WATCHED_CLOSELY) as process:
        path.write_text(_config(world, "implicit.example"))
        until_sync(lambda: process.value("mx_exporter_config_file_differs") == 1.0)
        assert process.value("mx_domain_probes_total", domain="healthy.example") is not None
        assert plain_http.post(f"{process.url}/-/reload").status_code == 200
        until_sync(lambda: process.value("mx_exporter_config_file_differs") == 0.0)


# A schedule that begins nothing any more, a second after the start; a standstill counts after a fifth of one.
STANDS_STILL = """
import asyncio
from exporter.app import watchers
watchers.STUCK_SECONDS = 0.2
start = watchers.Watchers.start
def then_stand_still(self):
    start(self)
    schedule = self._monitor.engine.schedule
    asyncio.get_running_loop().call_later(1.0, setattr, schedule, "_begin_due", lambda: None)
watchers.Watchers.start = then_stand_still
"""


def test_probes_that_stand_still_are_told_by_the_page_of_health(path: Path) -> None:
    with exporter(f"--config.file={path}", first=STANDS_STILL) as process:
        assert process.get("/-/healthy").status_code == 200
        until_sync(lambda: process.get("/-/healthy").status_code == 503)
        assert "the schedule of the probes stands still" in process.get("/-/healthy").text


class _SlowHost(socketserver.StreamRequestHandler):
    """A host that takes its time for each line, and counts who leaves politely."""

    seen: ClassVar[Counter[str]] = Counter()

    def handle(self) -> None:
        self.seen["connected"] += 1
        try:
            self._say(b"220 mx.example ESMTP")
            for line in self.rfile:
                if line.startswith(b"QUIT"):
                    self.seen["quit"] += 1
                    return
                self._say(b"250 mx.example")
        except OSError:
            pass
        finally:
            self.seen["gone"] += 1

    def _say(self, line: bytes) -> None:
        time.sleep(0.4)  # with 40 hosts asked each second: always many sessions under way
        self.wfile.write(line + b"\r\n")


class _SlowHosts(socketserver.ThreadingTCPServer):
    request_queue_size = 512
    daemon_threads = True
    allow_reuse_address = True


def test_sigterm_under_load_ends_it_quietly_and_each_session_with_quit(path: Path) -> None:
    _SlowHost.seen.clear()
    with ExitStack() as stack:
        hosts = stack.enter_context(_SlowHosts(("0.0.0.0", 0), _SlowHost))
        stack.callback(hosts.shutdown)
        threading.Thread(target=hosts.serve_forever, args=(0.05,), daemon=True).start()
        port = hosts.server_address[1]
        names = ", ".join(f"'127.0.77.{number}:{port}'" for number in range(1, 41))
        path.write_text(
            "resolver: {nameservers: ['127.0.0.1:9']}\nhosts: [" + names + "]\n"
            "defaults: {interval: 1s, timeout: 5s, helo: probe.example, allow_addresses: [127.0.0.0/8]}\n"
            "egress: {references: ['127.0.78.1:1'], trace: false, witness_ports: []}\n"
        )
        process = stack.enter_context(exporter(f"--config.file={path}"))
        ended = threading.Event()

        def ask(method: str, of: str) -> None:
            while not ended.is_set():
                try:
                    plain_http.request(method, process.url + of, timeout=10.0)
                except httpx.TransportError:
                    return

        for number in range(8):
            what = ("GET", "/metrics") if number % 2 else ("GET", f"/probe?target=127.0.79.{number}:{port}")
            threading.Thread(target=ask, args=what, daemon=True).start()
        threading.Thread(target=ask, args=("POST", "/-/reload"), daemon=True).start()
        until_sync(lambda: _SlowHost.seen["connected"] - _SlowHost.seen["gone"] > 20)
        assert process.stop() == 0
        ended.set()
        until_sync(lambda: _SlowHost.seen["gone"] == _SlowHost.seen["connected"])
    assert _SlowHost.seen["quit"] == _SlowHost.seen["connected"]
    after = process.text.partition("msg=stopping")[2]
    assert "level=error" not in process.text
    assert "level=warn" not in after
    assert "Traceback" not in process.text
    assert after.count("configuration reloaded") == 0


async def test_the_first_process_of_a_container_takes_its_signals_from_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: 1)
    signals = server._Signals(None)
    try:
        os.kill(own, signal.SIGTERM)
        await asyncio.wait_for(signals.stop.wait(), 5.0)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)
