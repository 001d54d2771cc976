from __future__ import annotations

import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from exporter.config.load import parse
from exporter.schedule.shard import Shard, parse_shard
from exporter.web.access.allowed_hosts import AllowedHosts, host_of, parse_allowed_host
from tests.deploy.files import DEPLOY, documents
from tests.support.require import require_program, require_tool

KUBERNETES = DEPLOY / "kubernetes"


def built(folder: str) -> str:
    """The objects that `kubectl apply -k` would send."""
    argv = [require_program("kubectl"), "kustomize", str(KUBERNETES / folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def objects(folder: str) -> dict[str, dict[str, Any]]:
    return {found["kind"]: found for found in documents(built(folder))}


@pytest.mark.parametrize("folder", ["base", "sharded"])
def test_kubernetes_knows_every_field(folder: str, tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    path.write_text(built(folder))
    argv = [require_tool("kubernetes-validate"), "--strict", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["base", "sharded"])
def test_each_pod_finds_its_shard(folder: str) -> None:
    spec = objects(folder)["StatefulSet"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    total = next(each["value"] for each in container["env"] if each["name"] == "TOTAL_SHARDS")
    flags = dict(flag.removeprefix("--").split("=") for flag in container["args"] if "allowed-host" not in flag)
    assert flags["total-shards"] == "$(TOTAL_SHARDS)"
    shards = [parse_shard(flags["shard"], int(total), f"mx-exporter-{ordinal}") for ordinal in range(spec["replicas"])]
    assert shards == [Shard(index, int(total)) for index in range(int(total))]


def test_the_configuration_is_right_and_mounted_where_it_is_looked_for() -> None:
    found = objects("base")
    assert parse(found["ConfigMap"]["data"]["config.yaml"]).targets
    pod = found["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (mount,) = container["volumeMounts"]
    assert f"--config.file={mount['mountPath']}/config.yaml" in container["args"]
    assert pod["volumes"][0]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"]


def test_the_pods_are_asked_by_names_that_they_know() -> None:
    """`/probe` is for our own names alone: that of the Service, by which the operator's Probe asks, and each pod's."""
    (container,) = objects("base")["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    known = [flag.partition("=")[2] for flag in container["args"] if flag.startswith("--web.allowed-host=")]
    hosts = AllowedHosts([], [], map(parse_allowed_host, known))
    (probe,) = documents((KUBERNETES / "prometheus-operator" / "probe.yaml").read_text())
    service = ("mx-exporter:10225", "mx-exporter.mx-exporter:10225")  # from the same namespace, from another one
    pod = "mx-exporter-0.mx-exporter.mx-exporter.svc.cluster.local:10225"
    for name in (probe["spec"]["prober"]["url"], *service, pod):
        host = host_of(name)
        assert host is not None
        assert hosts.admit(host)


@pytest.mark.parametrize("folder", ["base", "sharded"])
def test_pods_ask_for_no_privilege(folder: str) -> None:
    """The pod keeps to Pod Security Standards: restricted, as its namespace demands, and can write nothing."""
    found = objects(folder)
    assert found["Namespace"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pod = found["StatefulSet"]["spec"]["template"]["spec"]
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["runAsGroup"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    # The kernel's own list of those that no other pod can notice.
    assert [each["name"] for each in security["sysctls"]] == ["net.ipv4.ip_local_port_range"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "serviceAccountName"} & set(pod)
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["limits"]) == {"memory", "ephemeral-storage"}
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    assert all(set(volume) == {"name", "configMap"} for volume in pod["volumes"])


@pytest.mark.parametrize("folder", ["base", "sharded"])
def test_nobody_but_prometheus_comes_in_and_nothing_private_is_reached(folder: str) -> None:
    policy = objects(folder)["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    (way_in,) = policy["ingress"]
    assert [set(each) for each in way_in["from"]] == [{"namespaceSelector"}]
    _, mail = policy["egress"]
    for block in mail["to"]:
        allowed = ip_network(block["ipBlock"]["cidr"])
        excepted = [ip_network(each) for each in block["ipBlock"]["except"]]
        for private in ("10.1.2.3", "100.64.1.1", "169.254.169.254", "172.16.1.1", "192.168.1.1", "fd00::1", "fe80::1"):
            address = ip_address(private)
            assert address not in allowed or any(address in each for each in excepted), private


def test_the_network_policy_lets_out_what_the_configuration_probes() -> None:
    found = objects("base")
    config = parse(found["ConfigMap"]["data"]["config.yaml"])
    _, mail = found["NetworkPolicy"]["spec"]["egress"]
    ports = {each["port"] for each in mail["ports"]}
    assert ports >= {target.settings.port for target in config.targets} | set(config.egress.witness_ports)


def test_the_operators_objects_find_the_service() -> None:
    service = objects("base")["Service"]
    found = objects("prometheus-operator")
    selector = found["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    (endpoint,) = found["ServiceMonitor"]["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    prober = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{port['port']}"
    assert found["Probe"]["spec"]["prober"] == {"url": prober, "path": "/probe"}
    assert {each["metadata"]["namespace"] for each in found.values()} == {service["metadata"]["namespace"]}


def test_rules_are_written_as_an_object_of_the_operator(tmp_path: Path) -> None:
    program = tmp_path / "deploy/kubernetes/prometheus-operator/rules"
    folder = tmp_path / "deploy/prometheus/rules"
    folder.mkdir(parents=True)
    program.parent.mkdir(parents=True)
    shutil.copy(KUBERNETES / "prometheus-operator/rules", program)
    texts = (
        "# Why.\ngroups:\n  - name: one\n    rules:\n    - alert: A\n      expr: |\n        up\n\n          == 0\n",
        "groups:\n  - name: two\n    rules: [{record: 'a:b:sum', expr: sum(b)}]\n  - name: three\n    rules: []\n",
    )
    for number, text in enumerate(texts):
        (folder / f"{number}.yml").write_text(text)
    subprocess.run([str(program)], check=True)
    (written,) = documents((program.parent / "prometheus-rule.yaml").read_text())
    groups = [group for text in texts for group in documents(text)[0]["groups"]]
    assert len(groups) == 3
    assert (written["kind"], written["spec"]) == ("PrometheusRule", {"groups": groups})


def test_the_rules_of_the_operator_are_those_of_prometheus() -> None:
    """After a change of deploy/prometheus/rules: deploy/kubernetes/prometheus-operator/rules writes them anew."""
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in documents(file.read_text())[0]["groups"]]
    assert groups
    assert objects("prometheus-operator")["PrometheusRule"]["spec"] == {"groups": groups}
