"""The surroundings of the exporter: TLS and passwords, shards, service discovery, systemd; with a real Prometheus."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from exporter.demo.world import DemoWorld
from exporter.schedule.shard import owner
from tests.support import plain_http
from tests.support.certificates import authority, issue
from tests.support.daemons import free_port, running
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.require import require_program
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

DOMAINS = ("healthy.example", "implicit.example", "refused.example", "nxdomain.example", "nullmx.example")


@pytest.fixture(scope="module")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running


@pytest.fixture
def config(world: DemoWorld, tmp_path: Path) -> Path:
    head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
    path = tmp_path / "config.yaml"
    path.write_text(f"{head}domains: [{', '.join(DOMAINS)}]\n")
    return path


Query = Callable[[str], list[dict[str, Any]]]


@contextmanager
def prometheus(folder: Path, *jobs: dict[str, Any]) -> Iterator[Query]:
    """A Prometheus with these jobs; gives what a query finds, nothing as long as it cannot be asked."""
    program, port = require_program("prometheus"), free_port()
    path = folder / "prometheus.yml"
    path.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}))
    argv = [program, f"--config.file={path}", f"--storage.tsdb.path={folder}/data"]
    argv.append(f"--web.listen-address=127.0.0.1:{port}")

    def query(expression: str) -> list[dict[str, Any]]:
        try:
            answer = plain_http.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": expression})
        except httpx.TransportError:
            return []
        found: list[dict[str, Any]] = answer.json()["data"]["result"] if answer.status_code == 200 else []
        return found

    with running(argv, lambda: query("vector(1)"), folder / "prometheus.log"):
        yield query


def test_a_real_prometheus_scrapes_over_tls_with_certificate_and_password(config: Path, tmp_path: Path) -> None:
    ca = authority()
    (tmp_path / "ca.pem").write_text(ca.pem)
    issue("mx-exporter.example", by=ca).write(tmp_path)
    issue("prometheus.example", by=ca).write(tmp_path, "client")
    web = tmp_path / "web.yaml"
    hashed = bcrypt.hashpw(b"wonder:land", bcrypt.gensalt(5)).decode()
    web.write_text(
        "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
        f"  client_allowed_sans: [prometheus.example]\nbasic_auth_users:\n  alice: {hashed}\n"
    )

    def shown(address: str) -> bytes | None:
        host, _, port = address.rpartition(":")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ca.pem)
        context.load_cert_chain(tmp_path / "client.pem", tmp_path / "client.key")
        with (
            socket.create_connection((host, int(port)), 10) as sock,
            context.wrap_socket(sock, server_hostname="mx-exporter.example") as tls,
        ):
            return tls.getpeercert(binary_form=True)

    with exporter(f"--config.file={config}", f"--web.config.file={web}") as process:
        address = process.url.removeprefix("http://")
        job = {
            "job_name": "mx",
            "scheme": "https",
            "static_configs": [{"targets": [address]}],
            "tls_config": {
                "ca_file": str(tmp_path / "ca.pem"),
                "cert_file": str(tmp_path / "client.pem"),
                "key_file": str(tmp_path / "client.key"),
                "server_name": "mx-exporter.example",
            },
            "basic_auth": {"username": "alice", "password": "wonder:land"},
        }
        wrong = job | {"job_name": "wrong", "basic_auth": {"username": "alice", "password": "wonderland"}}
        with prometheus(tmp_path, job, wrong) as query:
            until_sync(lambda: query("mx_domain_up{domain='healthy.example', job='mx'} == 1"))
            until_sync(lambda: query("up{job='wrong'} == 0"))
            renewed = issue("mx-exporter.example", by=ca)
            renewed.write(tmp_path)
            until_sync(lambda: shown(address) == renewed.chain[0])  # without being told
            assert query("min_over_time(up{job='mx'}[1m]) == 1")
            web.write_text("tls_server_config: {cert_fil: x}\n")
            until_sync(lambda: query("mx_exporter_config_last_reload_successful{job='mx'} == 0"))
            assert query("up{job='mx'} == 1")
    assert process.text.count(f"{web}:1:21: ") == 1


def test_a_wrong_web_configuration_ends_it_with_every_mistake(config: Path, tmp_path: Path) -> None:
    web = tmp_path / "web.yaml"
    web.write_text("nope: 1\nbasic_auth_users: {a: b}\n")
    with pytest.raises(AssertionError) as error, exporter(f"--config.file={config}", f"--web.config.file={web}"):
        pass
    assert f"{web}:1:1: nope: unknown key" in str(error.value)
    assert f"{web}:2:23: basic_auth_users.a: must be a bcrypt hash" in str(error.value)


def test_a_reload_is_one_of_both_configurations(config: Path, tmp_path: Path) -> None:
    web = tmp_path / "web.yaml"
    web.write_text("http_server_config: {headers: {X-Frame-Options: deny}}\n")
    with exporter(f"--config.file={config}", f"--web.config.file={web}") as process:
        assert process.get("/").headers["x-frame-options"] == "deny"
        web.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n")
        assert plain_http.post(f"{process.url}/-/reload").status_code == 200
        assert process.get("/").headers["x-frame-options"] == "sameorigin"
        web.write_text("http_server_config: {headers: {X-Frame-Options: nope}}\n")
        config.write_text("nope: 1\n")
        answer = plain_http.post(f"{process.url}/-/reload")
        assert (answer.status_code, [line.partition(": ")[0] for line in answer.text.splitlines()]) == (
            500,
            [f"{config}:1:1", f"{web}:1:31"],
        )
        assert process.get("/").headers["x-frame-options"] == "sameorigin"


def test_lifecycle_and_probe_can_be_switched_off_and_sighup_stays(config: Path) -> None:
    flags = (f"--config.file={config}", "--no-web.enable-lifecycle", "--no-web.enable-probe")
    with exporter(*flags) as process:
        assert plain_http.post(f"{process.url}/-/reload").status_code == 403
        assert process.get("/probe?target=healthy.example").status_code == 403
        config.write_text("domains: []\n")
        process.process.send_signal(signal.SIGHUP)
        until_sync(lambda: process.value("mx_exporter_targets", kind="domain") == 0.0)


def _probed(process: ExporterProcess) -> set[str]:
    return {sample.labels["domain"] for sample in process.named("mx_domain_probes_total")}


def test_shards_share_the_targets_and_any_of_them_discovers_and_probes_all(config: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        shards = [
            stack.enter_context(exporter(f"--config.file={config}", f"--shard={index}", "--total-shards=2"))
            for index in (0, 1)
        ]
        assert [_probed(shard) for shard in shards] == [
            {domain for domain in DOMAINS if owner(domain, 2) == index} for index in (0, 1)
        ]
        for index, shard in enumerate(shards):
            assert shard.value("mx_exporter_shard_info", shard=str(index), total="2") == 1.0
        assert shards[0].get("/sd").json() == shards[1].get("/sd").json()
        job = {
            "job_name": "probe",
            "metrics_path": "/probe",
            "http_sd_configs": [{"url": f"{shards[0].url}/sd", "refresh_interval": "1s"}],
            "relabel_configs": [
                {"source_labels": ["__address__"], "target_label": "__param_target"},
                {"source_labels": ["__param_target"], "target_label": "instance"},
                {"source_labels": ["__meta_mx_shard"], "target_label": "shard"},
                {"target_label": "__address__", "replacement": shards[1].url.removeprefix("http://")},
            ],
        }
        with prometheus(tmp_path, job) as query:
            until_sync(lambda: len(query("probe_success")) == len(DOMAINS))
            found = {(each["metric"]["instance"], each["metric"]["shard"]) for each in query("probe_success")}
        assert found == {(domain, str(owner(domain, 2))) for domain in DOMAINS}


def test_a_host_of_the_list_is_probed_as_it_is_configured(world: DemoWorld, config: Path) -> None:
    """Though its name alone, as `/sd` lists it, could be a domain's; and whichever shard has it."""
    text = (
        config.read_text()
        + f"hosts: [{{host: mx1.healthy.example, port: {world.smtp_port}, labels: {{team: mail}}}}]\n"
    )
    config.write_text(text)
    with exporter(
        f"--config.file={config}", f"--shard={1 - owner('mx1.healthy.example', 2)}", "--total-shards=2"
    ) as one:
        assert "mx1.healthy.example" in {name for group in one.get("/sd").json() for name in group["targets"]}
        samples = {sample.name: sample for sample in one.samples("/probe?target=mx1.healthy.example")}
    assert samples["mx_host_up"].labels["mx"] == "mx1.healthy.example"
    assert samples["mx_host_up"].labels["domain"] == ""
    assert "mx_domain_up" not in samples


@pytest.mark.skipif(sys.platform != "linux", reason="systemd is a part of Linux")
def test_systemd_hears_of_each_turn(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)

        def hears(state: str) -> bool:
            while True:
                try:
                    told.append(supervisor.recv(4096).decode())
                except BlockingIOError:
                    return any(line.startswith(state) for line in told)

        with exporter(f"--config.file={config}") as process:
            until_sync(lambda: hears("READY=1\nSTATUS=probing 5 targets"))
            until_sync(lambda: hears("WATCHDOG=1"))
            told.clear()
            config.write_text("domains: [")
            process.process.send_signal(signal.SIGHUP)
            until_sync(lambda: hears("RELOADING=1\nMONOTONIC_USEC="))
            until_sync(lambda: hears("READY=1"))  # with what held before
            assert process.stop() == 0
            assert hears("STOPPING=1")
