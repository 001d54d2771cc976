"""`mx-exporter --config.file`: reload, domain files, signals, from the outside."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exporter.demo.world import DemoWorld
from tests.support.exporter_process import FILES_WATCHED_CLOSELY, ExporterProcess, command, exporter
from tests.support.waiting import until_sync


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
    return {sample.labels["domain"]: sample.value for sample in process.samples() if sample.name == "mx_domain_up"}


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
            assert httpx.post(f"{process.url}/-/reload").status_code == 200
        else:
            process.process.send_signal(signal.SIGHUP)
        until_sync(lambda: _up(process) == {"healthy.example": 1.0, "implicit.example": 1.0})
        assert _probes(process, "healthy.example") >= before
        assert "refused.example" not in process.get("/metrics").text


def test_a_bad_file_changes_nothing_and_says_where(path: Path) -> None:
    with exporter(f"--config.file={path}") as process:
        until_sync(lambda: len(_up(process)) == 2)
        path.write_text("defaults:\n  intervall: 1s\ndomains: [no, a_b]\n")
        answer = httpx.post(f"{process.url}/-/reload")
        assert answer.status_code == 500
        assert f"{path}:2:3: " in answer.text
        assert len(answer.text.splitlines()) == 3
        assert process.value("mx_exporter_config_last_reload_successful") == 0.0
        before = _probes(process, "healthy.example")
        until_sync(lambda: _probes(process, "healthy.example") > before)
        assert httpx.get(f"{process.url}/-/reload").status_code == 405


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
