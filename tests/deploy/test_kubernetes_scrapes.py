"""Pods before a real Prometheus, which gives them labels, and before a real exporter, which wants passwords.

No cluster is here: service discovery gives what Prometheus's own would give of such pods.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from tests.deploy.composed import COMPONENTS, objects
from tests.deploy.deployed import read_yaml
from tests.deploy.stack import Prometheus, page, prometheus
from tests.support import plain_http
from tests.support.exporter_process import exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

_JOB = "mx-exporter"
_DOWN = """\
mx_exporter_build_info{version="0.1.0"} 1
mx_domain_up{domain="dead.example"} 0
mx_domain_failure{domain="dead.example",class="connect_refused",confidence="certain",stage="connect",verdict="dead"} 1
"""
_FIRING = 'ALERTS{alertname="MxDomainDead",alertstate="firing"}'


def _of_pod(ordinal: int) -> dict[str, str]:
    """The labels that service discovery and the operator's own relabelling give to a pod."""
    name = f"mx-exporter-{ordinal}"
    return {
        "__meta_kubernetes_namespace": "mx-exporter",
        "__meta_kubernetes_pod_name": name,
        "__meta_kubernetes_pod_phase": "Running",
        "__meta_kubernetes_pod_container_port_name": "http",
        "__meta_kubernetes_pod_label_app_kubernetes_io_name": "mx-exporter",
        "__meta_kubernetes_pod_annotation_prometheus_io_scrape": "true",
        "__meta_kubernetes_pod_annotation_prometheus_io_path": "/metrics",
        "namespace": "mx-exporter",
        "service": "mx-exporter",
        "pod": name,
        "container": "mx-exporter",
        "endpoint": "http",
    }


def _operators_job(*components: str) -> dict[str, Any]:
    """A job as the operator writes it of the ServiceMonitor."""
    (endpoint,) = objects("service-monitor", *components)["ServiceMonitor"]["spec"]["endpoints"]
    relabelings = [
        {re.sub("[A-Z]", lambda big: f"_{big[0].lower()}", key): value for key, value in each.items()}
        for each in endpoint["relabelings"]
    ]
    return {"job_name": _JOB, "scrape_interval": endpoint["interval"], "relabel_configs": relabelings}


def _annotated_job() -> dict[str, Any]:
    """The job for pods with annotations; what the operator adds is not there."""
    (job,) = read_yaml(COMPONENTS / "scrape-annotations" / "prometheus-job.yml")
    assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
    drop = {"action": "labeldrop", "regex": "pod|container|endpoint|service|namespace"}
    return {**job, "relabel_configs": [drop, *job["relabel_configs"]]}


def _write(path: Path, *pods: tuple[int, str]) -> None:
    """The pods that service discovery knows, with their addresses; renamed, so that none is read half."""
    found = [{"targets": [address], "labels": _of_pod(ordinal)} for ordinal, address in pods]
    path.with_suffix(".new").write_text(json.dumps(found))
    path.with_suffix(".new").rename(path)


def _labels(seen: Prometheus, expression: str) -> list[dict[str, str]]:
    return [
        {key: value for key, value in each["metric"].items() if key != "__name__"} for each in seen.query(expression)
    ]


@pytest.mark.parametrize("job", [_operators_job(), _annotated_job()], ids=["ServiceMonitor", "annotations"])
def test_a_pod_that_is_replaced_ends_no_alert(job: dict[str, Any], tmp_path: Path) -> None:
    """The successor has another address and the same name; the alert goes on, and so does the week of a host."""
    found = tmp_path / "found.json"
    job = {**job, "file_sd_configs": [{"files": [str(found)], "refresh_interval": "30s"}]}
    with (
        page(lambda path: _DOWN.encode() if path == "/metrics" else b"", "text/plain; version=0.0.4") as before,
        page(lambda path: _DOWN.encode() if path == "/metrics" else b"", "text/plain; version=0.0.4") as after,
    ):
        _write(found, (0, before))
        with prometheus(tmp_path / "prometheus", "prometheus.yml", {}, scrape_configs=[job]) as seen:
            until_sync(lambda: seen.query(_FIRING), 60.0)
            first = seen.query("ALERTS_FOR_STATE")
            up = {"job": job["job_name"], "instance": "mx-exporter-0", "namespace": "mx-exporter", "vantage": "here"}
            assert _labels(seen, "up") == [up]
            _write(found, (0, after))

            def addresses() -> list[str]:
                targets = plain_http.get(f"{seen.url}/api/v1/targets").json()["data"]["activeTargets"]
                return [each["discoveredLabels"]["__address__"] for each in targets if each["health"] == "up"]

            until_sync(lambda: addresses() == [after], 60.0)
            assert _labels(seen, "up") == [up]
            until_sync(lambda: seen.query(f"changes({_FIRING}[5s]) == 0"), 60.0)
            assert seen.query(_FIRING)
            assert [each["value"][1] for each in seen.query("ALERTS_FOR_STATE")] == [each["value"][1] for each in first]


def test_the_two_of_the_redundant_component_have_one_instance(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    job = {**_operators_job("redundant"), "file_sd_configs": [{"files": [str(found)], "refresh_interval": "30s"}]}
    with (
        page(lambda _: _DOWN.encode(), "text/plain; version=0.0.4") as one,
        page(lambda _: _DOWN.encode(), "text/plain; version=0.0.4") as other,
    ):
        _write(found, (0, one), (1, other))
        with prometheus(tmp_path / "prometheus", "prometheus.yml", {}, scrape_configs=[job]) as seen:
            until_sync(lambda: len(seen.query("up == 1")) == 2, 60.0)
            common = {"job": _JOB, "instance": "mx-exporter", "namespace": "mx-exporter", "vantage": "here"}
            assert sorted(_labels(seen, "up"), key=lambda each: each["exporter"]) == [
                {**common, "exporter": f"mx-exporter-{ordinal}"} for ordinal in (0, 1)
            ]
            until_sync(lambda: seen.query(_FIRING), 60.0)
            assert len(seen.query(_FIRING)) == 1


def test_a_kubelet_without_a_password_is_answered_and_nobody_else(tmp_path: Path) -> None:
    """The command line of the pod with the component, its files where they are here."""
    found = objects("service-monitor", "auth")
    (tmp_path / "config.yaml").write_text(found["ConfigMap"]["data"]["config.yaml"])
    (box,) = found["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    mounts = {each["name"]: each["mountPath"] for each in box["volumeMounts"]}
    (volume,) = [each for each in found["StatefulSet"]["spec"]["template"]["spec"]["volumes"] if each["name"] == "web"]
    (endpoint,) = found["ServiceMonitor"]["spec"]["endpoints"]
    assert {each["name"] for each in endpoint["basicAuth"].values()} == {volume["secret"]["secretName"]}
    (web,) = [item["path"] for item in volume["secret"]["items"]]
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    # As the component says that the Secret is made.
    head = (COMPONENTS / "auth" / "kustomization.yaml").read_text(encoding="utf-8")
    (text,) = re.findall(r"--from-literal=web\.yaml='(.+)'", head)
    (tmp_path / web).write_text(text.replace("$2y$10$…", hashed))
    argv = [flag for flag in box["args"] if "shard" not in flag and "$(" not in flag]
    for mounted in (mounts["web"], mounts["config"]):
        argv = [flag.replace(mounted, str(tmp_path)) for flag in argv]
    with exporter(*argv) as process:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert process.get(box[probe]["httpGet"]["path"]).status_code == 200
        assert process.get("/metrics").status_code == 401
        assert plain_http.get(f"{process.url}/metrics", auth=("prometheus", "secret")).status_code == 200
