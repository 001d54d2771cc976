from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from exporter.config.web.load import load_web
from tests.deploy.files import DEPLOY, documents
from tests.support.certificates import authority, issue
from tests.support.require import require_program


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy with the certificates that the files ask for."""
    folder = tmp_path / "vantage-points"
    shutil.copytree(DEPLOY / "vantage-points", folder)
    ca = authority()
    (folder / "ca.pem").write_text(ca.pem)
    issue("mx-exporter-a.office.example.net", by=ca).write(folder, "mx-exporter")
    issue("prometheus.example.net", by=ca).write(folder, "prometheus")
    return folder


def test_prometheus_takes_its_configuration(folder: Path) -> None:
    argv = [require_program("promtool"), "check", "config", str(folder / "prometheus.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exporter_takes_the_web_configuration(folder: Path) -> None:
    config = load_web(folder / "web.yaml")
    assert config.tls is not None
    assert config.client_allowed_sans == frozenset({"prometheus.example.net"})


def test_every_exporter_has_a_vantage_point() -> None:
    (job,) = documents((DEPLOY / "vantage-points" / "prometheus.yml").read_text())[0]["scrape_configs"]
    exporters = [(group["labels"]["vantage"], group["labels"].get("exporter")) for group in job["static_configs"]]
    assert len(set(exporters)) == len(exporters)
    assert len({vantage for vantage, _ in exporters}) >= 2
