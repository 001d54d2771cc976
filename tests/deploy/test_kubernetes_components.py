"""Kustomize components: what each does beside every other, held to the schemas of Kubernetes and the operator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from exporter.config.load import parse
from tests.deploy.composed import CHOICES, COMPONENTS, Objects, combinations, objects
from tests.deploy.files import DEPLOY, documents
from tests.support.require import missing, require_program, require_tool

SCHEMA = Path(__file__).parent / "schema"
OPERATOR = "monitoring.coreos.com/v1"
# What `kubectl apply` can remember of an object in an annotation, and what a ConfigMap may hold.
_ANNOTATION_BYTES = 262144
_EVERY = [tuple(names) for names in combinations()]


def pod(found: Objects) -> dict[str, Any]:
    """The pod that the StatefulSet makes."""
    template: dict[str, Any] = found["StatefulSet"]["spec"]["template"]
    return template


def flags(found: Objects) -> list[str]:
    """The command line of the exporter."""
    (box,) = pod(found)["spec"]["containers"]
    return list(box["args"])


def _scrapers(found: Objects) -> Iterable[dict[str, Any]]:
    if "ServiceMonitor" in found:
        yield from found["ServiceMonitor"]["spec"]["endpoints"]
    if "Probe" in found:
        yield found["Probe"]["spec"]


# Component -> whether its work is seen in the objects, whatever else was chosen.
WORK: dict[str, Callable[[Objects], bool]] = {
    "service-monitor": lambda found: "ServiceMonitor" in found,
    "scrape-annotations": lambda found: "prometheus.io/scrape" in pod(found)["metadata"].get("annotations", {}),
    "probe": lambda found: "Probe" in found,
    "rules": lambda found: "PrometheusRule" in found,
    "dashboards": lambda found: "ConfigMap mx-overview-dashboard" in found,
    "network-policy": lambda found: "NetworkPolicy" in found,
    "shards": lambda found: found["StatefulSet"]["spec"]["replicas"] == 4,
    "redundant": lambda found: "--shard=0" in flags(found),
    "auth": lambda found: "--web.config.file=/etc/mx-exporter-web/web.yaml" in flags(found),
    "storage": lambda found: "--storage.path=/var/lib/mx-exporter" in flags(found),
    "resources": lambda found: pod(found)["spec"]["containers"][0]["resources"]["limits"]["memory"] == "1Gi",
    "release-label": lambda found: _released(found) != set(),
}


def _released(found: Objects) -> set[str]:
    return {name for name, each in found.items() if "release" in each["metadata"].get("labels", {})}


def test_every_component_is_tried() -> None:
    assert {name for choice in CHOICES for name in choice} == {path.name for path in COMPONENTS.iterdir()} == set(WORK)
    together = {frozenset(pair) for names in _EVERY for pair in _pairs(names)}
    apart = {frozenset(choice) for choice in CHOICES if len(choice) > 1}
    assert together == {frozenset(pair) for pair in _pairs([*WORK])} - apart
    assert () in _EVERY


def _pairs(names: Iterable[str]) -> list[tuple[str, str]]:
    found = list(names)
    return [(one, other) for place, one in enumerate(found) for other in found[place + 1 :]]


@pytest.mark.parametrize("names", _EVERY, ids="+".join)
def test_each_component_does_its_work_beside_the_others(names: tuple[str, ...]) -> None:
    found = objects(*names)
    for name, works in WORK.items():
        # Where there is nothing of the operator, the label is nowhere.
        operators = {"service-monitor", "probe", "rules"} & set(names)
        expected = name in names and (name != "release-label" or bool(operators))
        assert works(found) is expected, name
    assert all("basicAuth" in each for each in _scrapers(found)) or "auth" not in names
    assert not any("basicAuth" in each for each in _scrapers(found)) or "auth" in names
    if "release-label" in names:
        assert _released(found) == {name for name, each in found.items() if each["apiVersion"] == OPERATOR}
    # What is mounted is there, and each thing once.
    spec = pod(found)["spec"]
    (box,) = spec["containers"]
    volumes = [each["name"] for each in spec["volumes"]]
    volumes += [each["metadata"]["name"] for each in found["StatefulSet"]["spec"].get("volumeClaimTemplates", ())]
    assert sorted(volumes) == sorted(mount["name"] for mount in box["volumeMounts"])
    assert len({flag.partition("=")[0] for flag in box["args"] if "allowed-host" not in flag}) == len(
        [flag for flag in box["args"] if "allowed-host" not in flag]
    )


@pytest.mark.parametrize("names", _EVERY, ids="+".join)
def test_every_object_fits_into_what_the_cluster_keeps_of_it(names: tuple[str, ...]) -> None:
    for name, found in objects(*names).items():
        assert len(json.dumps(found)) < _ANNOTATION_BYTES * 0.9, name


def _unique() -> list[dict[str, Any]]:
    """Every object of all combinations, each once."""
    texts = {json.dumps(each, sort_keys=True) for names in _EVERY for each in objects(*names).values()}
    return [json.loads(text) for text in sorted(texts)]


def test_kubernetes_knows_every_field(tmp_path: Path) -> None:
    path = tmp_path / "objects.yaml"
    own = [each for each in _unique() if each["apiVersion"] != OPERATOR]
    assert {"StatefulSet", "NetworkPolicy", "PodDisruptionBudget"} <= {each["kind"] for each in own}
    path.write_text("\n---\n".join(map(json.dumps, own)))
    argv = [require_tool("kubernetes-validate"), "--strict", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the compiler finds the operator's types."""
    require_program("node")
    if not (SCHEMA / "node_modules" / "@kubernetes-models" / "prometheus-operator").is_dir():
        missing("the operator's types are not installed: npm ci --prefix tests/deploy/schema")
    folder = tmp_path_factory.mktemp("operator")
    (folder / "node_modules").symlink_to(SCHEMA / "node_modules")
    shutil.copy(SCHEMA / "validate.mjs", folder)
    return folder


def _complaints(folder: Path, found: list[dict[str, Any]]) -> str:
    """Errors by the compiler (unknown keys) and the validator (wrong values, missing keys) of the operator's schema."""
    kinds = sorted({each["kind"] for each in found})
    package = "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1"
    lines = [f'import {{ {", ".join(f"I{kind}" for kind in kinds)} }} from "{package}";']
    lines += [f"export const o{at}: I{each['kind']} = {json.dumps(each)};" for at, each in enumerate(found)]
    (folder / "objects.ts").write_text("\n".join(lines), encoding="utf-8")
    (folder / "objects.json").write_text(json.dumps(found), encoding="utf-8")
    options = ["--strict", "--noEmit", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler"]
    commands = [
        ["node", "node_modules/typescript/bin/tsc", *options, "--target", "es2022", "objects.ts"],
        ["node", "validate.mjs", "objects.json"],
    ]
    done = [subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False) for argv in commands]
    return "".join(each.stdout + each.stderr for each in done if each.returncode != 0)


def test_the_operator_knows_every_field(types: Path) -> None:
    found = [each for each in _unique() if each["apiVersion"] == OPERATOR]
    assert {each["kind"] for each in found} == {"ServiceMonitor", "Probe", "PrometheusRule"}
    assert _complaints(types, found) == ""


def test_the_operators_schema_can_tell(types: Path) -> None:
    wrong: dict[str, object] = {"relabeling": [], "interval": "1 minute", "basicAuth": {"username": 1}}
    monitors = [json.loads(json.dumps(objects("service-monitor")["ServiceMonitor"])) for _ in wrong]
    for monitor, key in zip(monitors, wrong, strict=True):
        monitor["spec"]["endpoints"][0][key] = wrong[key]
    complaints = _complaints(types, monitors)
    assert all(
        word in complaints for word in ('"relabeling"', "endpoints/0/interval", "endpoints/0/basicAuth/username")
    )


def test_nobody_but_prometheus_comes_in_and_nothing_private_is_reached() -> None:
    policy = objects("network-policy")["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    (way_in,) = policy["ingress"]
    assert [set(each) for each in way_in["from"]] == [{"namespaceSelector"}]
    _, mail = policy["egress"]
    for private in ("10.1.2.3", "100.64.1.1", "169.254.169.254", "172.16.1.1", "192.168.1.1", "fd00::1", "fe80::1"):
        assert not _let_out([mail], private, 25), private
    for public in ("192.0.2.1", "2001:db8::1"):
        assert all(_let_out([mail], public, port) for port in (25, 443, 465, 587))
        assert not _let_out([mail], public, 22)


@pytest.mark.parametrize(
    ("address", "port", "protocol", "reached"),
    [
        ("169.254.20.10", 53, "UDP", True),  # NodeLocal DNSCache
        ("169.254.20.10", 53, "TCP", True),
        ("169.254.169.254", 80, "TCP", False),  # the cloud's metadata
        ("192.0.2.53", 53, "UDP", False),
        ("openshift-dns", 5353, "UDP", True),
        ("openshift-dns", 5353, "TCP", True),
        ("kube-system", 53, "UDP", True),
        ("default", 53, "UDP", False),
    ],
)
def test_the_network_policy_lets_the_resolver_of_every_kind_of_cluster_be_asked(
    address: str, port: int, protocol: str, reached: bool
) -> None:
    policy = objects("network-policy")["NetworkPolicy"]["spec"]
    assert _let_out(policy["egress"], address, port, protocol) is reached


def _let_out(rules: list[dict[str, Any]], to: str, port: int, protocol: str = "TCP") -> bool:
    """True where a policy lets a packet out to an address, or to a pod of a namespace."""
    return any(
        {"port": port, "protocol": protocol} in [{"protocol": "TCP", **each} for each in rule["ports"]]
        and any(_is_peer(peer, to) for peer in rule["to"])
        for rule in rules
    )


def _is_peer(peer: dict[str, Any], to: str) -> bool:
    if "namespaceSelector" in peer:
        (wanted,) = peer["namespaceSelector"]["matchExpressions"]
        assert (wanted["key"], wanted["operator"]) == ("kubernetes.io/metadata.name", "In")
        return to in wanted["values"]
    try:
        address = ip_address(to)
    except ValueError:
        return False
    block = peer["ipBlock"]
    return address in ip_network(block["cidr"]) and not any(
        address in ip_network(each) for each in block.get("except", ())
    )


def test_the_network_policy_lets_out_what_the_configuration_probes() -> None:
    found = objects("network-policy")
    config = parse(found["ConfigMap"]["data"]["config.yaml"])
    _, mail = found["NetworkPolicy"]["spec"]["egress"]
    ports = {each["port"] for each in mail["ports"]}
    assert ports >= {target.settings.port for target in config.targets} | set(config.egress.witness_ports)


def test_a_port_of_the_configuration_is_let_out_with_the_patch_of_the_page() -> None:
    page = (DEPLOY.parent / "docs" / "how-to" / "kubernetes.md").read_text(encoding="utf-8")
    (patch,) = [block for block in page.split("```") if block.startswith("yaml\npatches:") and "NetworkPolicy" in block]
    policy = objects("network-policy", more=patch.removeprefix("yaml\n"))["NetworkPolicy"]["spec"]
    _, mail = policy["egress"]
    assert _let_out([mail], "192.0.2.1", 2525)
    assert _let_out([mail], "192.0.2.1", 25)
    assert _let_out(policy["egress"], "192.0.2.53", 53, "UDP")


def test_the_operators_objects_find_the_service() -> None:
    found = objects("service-monitor", "probe")
    service = found["Service"]
    selector = found["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= service["metadata"]["labels"].items()
    (endpoint,) = found["ServiceMonitor"]["spec"]["endpoints"]
    (port,) = service["spec"]["ports"]
    assert endpoint["port"] == port["name"]
    prober = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{port['port']}"
    assert found["Probe"]["spec"]["prober"] == {"url": prober, "path": "/probe"}


def test_the_dashboards_are_those_of_grafana_with_the_label_of_its_sidecar() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")}
    found = {name: each for name, each in objects("dashboards").items() if name.endswith("-dashboard")}
    assert {key: text for each in found.values() for key, text in each["data"].items()} == files
    assert all(each["metadata"]["labels"]["grafana_dashboard"] == "1" for each in found.values())


def test_the_storage_is_the_pods_own_and_it_may_write_there() -> None:
    found = objects("storage")
    spec = pod(found)["spec"]
    (box,) = spec["containers"]
    (claim,) = found["StatefulSet"]["spec"]["volumeClaimTemplates"]
    (mount,) = [each for each in box["volumeMounts"] if each["name"] == claim["metadata"]["name"]]
    assert f"--storage.path={mount['mountPath']}" in box["args"]
    assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsGroup"]


def test_rules_are_written_as_an_object_of_the_operator(tmp_path: Path) -> None:
    program = tmp_path / "deploy/kubernetes/components/rules/rules"
    folder = tmp_path / "deploy/prometheus/rules"
    folder.mkdir(parents=True)
    program.parent.mkdir(parents=True)
    shutil.copy(COMPONENTS / "rules" / "rules", program)
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
    """After a change of deploy/prometheus/rules: deploy/kubernetes/components/rules/rules writes them anew."""
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in documents(file.read_text())[0]["groups"]]
    assert groups
    assert objects("rules")["PrometheusRule"]["spec"] == {"groups": groups}
