"""`mx-exporter demo` from the outside, scraped by a real Prometheus."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from exporter.demo.domain import DemoDomain
from exporter.demo.domains import DEMO
from exporter.demo.run import own_command
from tests.support import plain_http
from tests.support.daemons import free_port, running
from tests.support.exporter_process import HASTY, ExporterProcess, command, exporter, running_demo
from tests.support.require import require_program
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo() -> Iterator[ExporterProcess]:
    with running_demo() as process:
        until_sync(lambda: _probed(process) == len(DEMO), seconds=60.0)
        yield process
        assert process.stop() == 0
        assert "level=error" not in process.text
        assert "traceback" not in process.text.lower()


@pytest.fixture
def private_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files, of which there are none but the demo's."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def _probed(process: ExporterProcess) -> int:
    return len(process.named("mx_domain_up"))


@pytest.mark.parametrize("domain", DEMO, ids=lambda domain: domain.name)
def test_each_domain_has_the_state_that_the_table_says(demo: ExporterProcess, domain: DemoDomain) -> None:
    reasons = [
        (sample.labels["class"], sample.labels["verdict"], sample.labels["group"])
        for sample in demo.named("mx_domain_failure")
        if sample.labels["domain"] == domain.name
    ]
    if domain.expected is None:
        assert reasons == []
    else:
        assert reasons == [(domain.expected, domain.verdict, domain.group)]
    assert demo.value("mx_domain_up", domain=domain.name) == (domain.expected is None)


@pytest.mark.parametrize("domain", [domain for domain in DEMO if domain.warnings], ids=lambda domain: domain.name)
def test_its_warnings_are_shown(demo: ExporterProcess, domain: DemoDomain) -> None:
    found = {
        sample.labels["class"]
        for sample in demo.named("mx_host_warning", "mx_domain_warning")
        if (sample.name == "mx_host_warning" and sample.labels["mx"] in domain.mx_names)
        or (sample.name == "mx_domain_warning" and sample.labels["domain"] == domain.name)
    }
    assert set(domain.warnings) <= found


def test_a_host_target_has_its_series_under_the_empty_domain(demo: ExporterProcess) -> None:
    host = {"domain": "", "mx": "mx1.healthy.example", "module": "default"}
    until_sync(lambda: demo.value("mx_host_up", **host) == 1.0)


def test_the_page_names_every_domain(demo: ExporterProcess) -> None:
    page = demo.get("/").text
    assert all(domain.name in page for domain in DEMO)


def test_a_probe_on_request_gives_blackbox_names_and_the_dialogue(demo: ExporterProcess) -> None:
    values = {sample.name: sample.value for sample in demo.samples("/probe?target=healthy.example")}
    assert (values["probe_success"], values["probe_ip_protocol"], values["mx_domain_up"]) == (1.0, 4.0, 1.0)
    assert values["probe_duration_seconds"] > 0
    dialogue = demo.get("/probe?target=healthy.example&debug=true").text
    assert "> EHLO probe.example" in dialogue
    assert "healthy.example is up: 2 of 2 addresses take mail." in dialogue
    # The same rules hold as for what is configured.
    refused = demo.samples("/probe?target=private.example")
    assert [s.labels["class"] for s in refused if s.name == "mx_domain_failure"] == ["mx_address_forbidden"]
    assert demo.get("/probe?target=not+a+domain").status_code == 400
    assert demo.get("/probe?target=healthy.example&module=absent").status_code == 400


def test_the_scrape_timeout_bounds_a_probe(demo: ExporterProcess) -> None:
    """The greeting takes two seconds. While another session lasts, the host sees no second one: no turn."""
    answers: list[httpx.Response] = []

    def probed() -> bool:
        # With a module of its own, so that no session of the schedule is the answer.
        path = "/probe?target=slow.example&module=mailbox"
        answers.append(demo.get(path, **{"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}))
        return 'class="no_turn"' not in answers[-1].text

    until_sync(probed)
    assert 'class="banner_timeout"' in answers[-1].text
    assert {answer.status_code for answer in answers} == {200}
    assert all("\nprobe_success 0.0\n" in answer.text for answer in answers)
    assert all(answer.elapsed.total_seconds() < 4.0 for answer in answers)


def test_an_ambiguous_probe_is_refused(demo: ExporterProcess) -> None:
    answer = demo.get("/probe?target=healthy.example&target=busy.example")
    assert (answer.status_code, answer.text) == (400, "the parameter target is given more than once\n")


def test_a_real_prometheus_scrapes_it_and_answers(demo: ExporterProcess, tmp_path: Path) -> None:
    program, port = require_program("prometheus"), free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {"job_name": "mx", "static_configs": [{"targets": [demo.url.removeprefix("http://")]}]}
                ],
            }
        )
    )
    argv = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]

    def query(expression: str) -> dict[str, float]:
        try:
            answer = plain_http.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            return {}
        if answer.status_code == 503:  # Prometheus listens before it is ready to answer
            return {}
        found = answer.json().get("data", {}).get("result", [])
        return {series["metric"].get("verdict", ""): float(series["value"][1]) for series in found}

    with running(argv, lambda: query("up{job='mx'} == 1"), tmp_path / "prometheus.log"):
        down = query("count by (verdict) (mx_domain_failure)")
        expected: dict[str, float] = {}
        for domain in DEMO:
            if domain.verdict is not None:
                expected[domain.verdict.value] = expected.get(domain.verdict.value, 0) + 1
        assert down == expected
        assert query("sum(mx_domain_up)")[""] == sum(domain.expected is None for domain in DEMO)
        assert query("histogram_quantile(0.5, mx_probe_phase_duration_seconds_bucket{phase='connect'})")[""] < 1.0
        assert query("count({__name__=~'.*_created'})") == {}


def test_what_it_prints_can_be_opened_and_run() -> None:
    argv = command("demo", "--web.listen-address=127.0.0.1:0")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            lines = list(iter(process.stdout.readline, "Ctrl-C ends it.\n"))
            urls = re.findall(r"^  (http://127\.0\.0\.1:[1-9]\S*)", "".join(lines), re.MULTILINE)
            assert len(urls) == 10
            assert {plain_http.get(url, timeout=30.0).status_code for url in urls} == {200}
            by_hand = next(line for line in lines if " probe " in line and "healthy.example" in line)
            done = subprocess.run(by_hand, shell=True, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert "> STARTTLS" in done.stdout  # as the demo probes it
            assert "verified" in done.stdout
            assert "not verified" not in done.stdout
        finally:
            process.terminate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
@pytest.mark.parametrize("early", [True, False], ids=["while it starts", "while it runs"])
def test_it_takes_its_folder_with_it(number: signal.Signals, early: bool, private_tmp: Path) -> None:
    """SIGHUP is the end of its terminal. Early is from its folder on: before, there is nothing to leave behind."""
    # The tests themselves may run under nohup, which their children inherit.
    first = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_DFL)\n{HASTY}"
    argv = command("demo", "--web.listen-address=127.0.0.1:0", first=first)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            until_sync(lambda: list(private_tmp.iterdir()))
            if not early:
                assert process.stdout.readline().startswith("A mail world")
            process.send_signal(number)
            assert process.wait(20.0) == 0
        finally:
            process.kill()
    assert list(private_tmp.iterdir()) == []


def test_one_that_nohup_started_outlives_its_terminal(private_tmp: Path) -> None:
    first = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{HASTY}"
    with exporter("demo", first=first) as process:
        process.process.send_signal(signal.SIGHUP)
        until_sync(lambda: process.get("/-/healthy").status_code == 200)
        assert process.stop() == 0


def test_the_next_one_removes_what_a_killed_one_left(private_tmp: Path) -> None:
    with running_demo() as living:
        (of_the_living,) = private_tmp.iterdir()
        with exporter("demo") as killed:
            (of_the_killed,) = {*private_tmp.iterdir()} - {of_the_living}
            killed.process.kill()
            killed.process.wait()
        assert of_the_killed.is_dir()
        with running_demo():
            assert not of_the_killed.exists()
            assert (of_the_living / "config.yaml").is_file()
        assert plain_http.post(f"{living.url}/-/reload", timeout=30.0).status_code == 200
    assert list(private_tmp.iterdir()) == []


def test_where_nothing_can_be_opened_it_promises_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        argv = command("demo", f"--web.listen-address={address}")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f'--web.listen-address: cannot listen on "{address}": Address already in use\n'


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["/opt/bin/mx-exporter"], "mx-exporter"),
        (["/elsewhere/my tools/mx-exporter"], "'/elsewhere/my tools/mx-exporter'"),
        (["/site-packages/exporter/__main__.py"], f"{sys.executable} -m exporter"),
    ],
)
def test_it_calls_itself_as_a_shell_will_find_it(argv: list[str], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/bin/{name}")
    assert own_command() == said
