"""A pod of the base: flags, rights, files and probes. Each component by itself is in test_kubernetes_components."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

import exporter
from exporter.config.load import parse
from exporter.schedule.shard import Shard, parse_shard
from exporter.web.access.allowed_hosts import AllowedHosts, host_of, parse_allowed_host
from tests.deploy.composed import COMPONENTS, KUBERNETES, built, by_name, objects
from tests.deploy.files import ROOT, documents


def container(*components: str) -> dict[str, Any]:
    """The one of the pod."""
    (found,) = objects(*components)["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


@pytest.mark.parametrize(("component", "pods"), [((), 1), (("shards",), 4), (("redundant",), 2)])
def test_each_pod_finds_its_shard(component: tuple[str, ...], pods: int) -> None:
    spec = objects(*component)["StatefulSet"]["spec"]
    found = container(*component)
    total = int(next(each["value"] for each in found["env"] if each["name"] == "TOTAL_SHARDS"))
    flags = dict(flag.removeprefix("--").split("=") for flag in found["args"] if "allowed-host" not in flag)
    assert flags["total-shards"] == "$(TOTAL_SHARDS)"
    assert spec["replicas"] == pods
    shards = [parse_shard(flags["shard"], total, f"mx-exporter-{ordinal}") for ordinal in range(pods)]
    assert shards == ([Shard(0, 1)] * 2 if component == ("redundant",) else [Shard(each, pods) for each in range(pods)])


def test_the_configuration_is_right_and_mounted_where_it_is_looked_for() -> None:
    found = objects()
    assert parse(found["ConfigMap"]["data"]["config.yaml"]).targets
    pod = found["StatefulSet"]["spec"]["template"]["spec"]
    (mount,) = container()["volumeMounts"]
    assert f"--config.file={mount['mountPath']}/config.yaml" in container()["args"]
    assert pod["volumes"][0]["configMap"]["name"] == found["ConfigMap"]["metadata"]["name"]


@pytest.mark.parametrize("namespace", ["mx-exporter", "mail"])
def test_the_pods_are_asked_by_names_that_they_know(namespace: str) -> None:
    """`/probe` is for our own names alone: that of the Service, by which the operator's Probe asks, and each pod's."""
    found = objects("probe", more=f"namespace: {namespace}")
    assert {each["metadata"].get("namespace", namespace) for each in found.values()} == {namespace}
    (box,) = found["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    known = [flag.partition("=")[2] for flag in box["args"] if flag.startswith("--web.allowed-host=")]
    # As the kubelet does: by the name of the namespace that the pod is in.
    assert {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}} in box["env"]
    known = [name.replace("$(NAMESPACE)", namespace) for name in known]
    hosts = AllowedHosts([], [], map(parse_allowed_host, known))
    prober = found["Probe"]["spec"]["prober"]["url"].replace(".mx-exporter.", f".{namespace}.")
    service = ("mx-exporter:10225", f"mx-exporter.{namespace}:10225")  # from the same namespace, from another one
    pod = f"mx-exporter-0.mx-exporter.{namespace}.svc.cluster.local:10225"
    for name in (prober, *service, pod):
        host = host_of(name)
        assert host is not None
        assert hosts.admit(host), name


@pytest.mark.parametrize("component", [(), ("shards", "auth", "storage", "resources"), ("redundant",)])
def test_pods_ask_for_no_privilege(component: tuple[str, ...]) -> None:
    """The pod keeps to Pod Security Standards: restricted, as its namespace demands, writing to its storage alone."""
    found = objects(*component)
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
    (box,) = pod["containers"]
    assert box["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(box["resources"]["limits"]) == {"memory", "ephemeral-storage"}
    writable = [mount["name"] for mount in box["volumeMounts"] if not mount.get("readOnly")]
    assert writable == (["storage"] if "storage" in component else [])
    assert {kind for volume in pod["volumes"] for kind in volume} <= {"name", "configMap", "secret"}


def test_a_drain_takes_one_pod_at_a_time_and_is_never_held_up() -> None:
    """A budget of one that must be there would never let the node of a single pod be drained."""
    found = objects("shards")
    budget = found["PodDisruptionBudget"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    pods = found["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert budget["selector"]["matchLabels"].items() <= pods.items()


def test_the_image_is_named_in_one_place_as_the_release_pushes_it() -> None:
    image, _, tag = container()["image"].rpartition(":")
    assert tag == exporter.__version__
    release = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    registry = image.partition("/")[0]
    assert f"registry: {registry}\n" in release
    assert f"name={registry}/${{GITHUB_REPOSITORY,,}}:${{GITHUB_REF_NAME#v}}" in release
    named = [
        path
        for folder in ("deploy", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".yaml", ".yml", ".md") and f"{registry}/" in path.read_text(encoding="utf-8")
    ]
    assert named == [KUBERNETES / "base" / "kustomization.yaml"]
    # Nobody pulls a stranger's image by mistake: a registry takes lower case only.
    assert image != image.lower()


def test_the_example_builds_with_components_in_the_order_of_the_page() -> None:
    found = by_name(built(KUBERNETES / "example"))
    assert {"StatefulSet", "ServiceMonitor", "PrometheusRule", "NetworkPolicy"} <= set(found)
    (text,) = documents((KUBERNETES / "example" / "kustomization.yaml").read_text(encoding="utf-8"))
    names = [path.rpartition("/")[2] for path in text["components"]]
    page = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text(encoding="utf-8")
    places = [page.index(f"deploy/kubernetes/components/{name}/") for name in names]
    assert places == sorted(places)
    assert set(names) <= {path.name for path in COMPONENTS.iterdir()}


def test_every_command_of_the_page_names_folders_that_are_there() -> None:
    page = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text(encoding="utf-8")
    lines = [line.strip() for line in page.splitlines() if line.strip().startswith("kubectl apply")]
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert (ROOT / words[words.index("-k") + 1] / "kustomization.yaml").is_file()
