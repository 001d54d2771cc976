from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from exporter.config.load import load
from tests.deploy.files import DEPLOY, documents
from tests.support.require import require_tool

FILE = DEPLOY / "compose" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = documents(FILE.read_text())[0]["services"]


def test_the_schema_of_compose_is_kept() -> None:
    argv = [require_tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened_and_its_image_pinned(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 256
    assert service["mem_limit"] in ("512m", "1g")
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "userns_mode"} & set(service)
    assert "build" in service or re.search(r":\S+@sha256:[0-9a-f]{64}$", service["image"])


def test_no_port_is_open_to_others() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_configuration_is_right() -> None:
    assert load(FILE.parent / "config.yaml").targets


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_is_there(name: str) -> None:
    for volume in SERVICES[name]["volumes"]:
        source = volume.partition(":")[0]
        assert not source.startswith(".") or (FILE.parent / source).exists(), source
