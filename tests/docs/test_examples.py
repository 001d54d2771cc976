"""Every example in a page is taken by the program that it is for."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
from pathlib import Path

import bcrypt
import pytest
import yaml

from exporter.config.load import load
from exporter.config.web.load import load_web
from tests.deploy.composed import built
from tests.docs.pages import ROOT, Block, all_pages
from tests.support.certificates import authority, issue
from tests.support.require import require_program

BLOCKS = [block for page in all_pages() for block in page.blocks()]
YAML = [block for block in BLOCKS if block.language == "yaml"]
SHELL = [block for block in BLOCKS if block.language == "sh"]
# What a file is for -> the keys at its top of which one is there. A configuration may have groups, too.
_KINDS = {
    "prometheus": {"scrape_configs", "alerting"},
    "web": {"tls_server_config", "basic_auth_users"},
    "exporter": {"domains", "modules", "standing"},
    "rules": {"groups"},
    "kustomization": {"components", "patches"},
}


def _kind(block: Block) -> str:
    top = set(yaml.load(block.text, yaml.CSafeLoader))
    return next((kind for kind, keys in _KINDS.items() if keys & top), "")


def _of_kind(kind: str) -> list[Block]:
    return [block for block in YAML if _kind(block) == kind]


def test_every_example_in_yaml_is_of_one_kind() -> None:
    assert len(YAML) > 8
    assert not [str(block) for block in YAML if not _kind(block)]


def test_every_block_names_its_language() -> None:
    assert {block.language for block in BLOCKS} <= {"yaml", "sh", "console", "mermaid"}


@pytest.mark.parametrize("block", _of_kind("exporter"), ids=str)
def test_an_example_of_the_configuration_is_one(block: Block, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n", encoding="utf-8")
    config = tmp_path / "config.yaml"
    more = "" if "domains:" in block.text else "domains: [example.com]\n"
    config.write_text(block.text + more, encoding="utf-8")
    assert load(config).targets


@pytest.mark.parametrize("block", _of_kind("web"), ids=str)
def test_an_example_of_the_web_configuration_is_one(block: Block, tmp_path: Path) -> None:
    ca = authority()
    issue("mx-exporter.example.net", by=ca).write(tmp_path, "mx-exporter")
    (tmp_path / "ca.pem").write_text(ca.pem, encoding="utf-8")
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    path = tmp_path / "web.yaml"
    path.write_text(re.sub(r"\$2y\$\S*…", lambda _: hashed, block.text), encoding="utf-8")
    assert load_web(path).tls is not None


def _promtool(command: str, block: Block, folder: Path) -> None:
    path = folder / "example.yml"
    path.write_text(block.text, encoding="utf-8")
    argv = [require_program("promtool"), "check", command, "--lint=all", "--lint-fatal", str(path)]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", _of_kind("prometheus"), ids=str)
def test_an_example_for_prometheus_is_one(block: Block, tmp_path: Path) -> None:
    _promtool("config", block, tmp_path)


@pytest.mark.parametrize("block", _of_kind("rules"), ids=str)
def test_an_example_of_an_alert_is_one(block: Block, tmp_path: Path) -> None:
    _promtool("rules", block, tmp_path)


@pytest.mark.parametrize("block", _of_kind("kustomization"), ids=str)
def test_an_example_of_a_kustomization_is_built(block: Block, tmp_path: Path) -> None:
    """Written at the root of a clone; what only patches stands below the base and the component that it is for."""
    above = "resources: [deploy/kubernetes/base]\ncomponents: [deploy/kubernetes/components/network-policy]\n"
    text = block.text if "resources:" in block.text else above + block.text
    folder = os.path.relpath(ROOT / "deploy", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(text.replace("deploy/", f"{folder}/"), encoding="utf-8")
    assert "kind: StatefulSet" in built(tmp_path)


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_an_example_for_the_shell_is_one(block: Block) -> None:
    done = subprocess.run(["/bin/sh", "-n"], input=block.text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for path in re.findall(r"(?<![\w/.])(?:deploy|tests|docs)/[\w./-]*", block.text):
        assert (ROOT / path).exists(), path


def test_every_module_and_program_that_python_is_told_to_run_is_there() -> None:
    texts = [page.text for page in all_pages()]
    modules = {name for text in texts for name in re.findall(r"python3? -m ((?:tests|exporter)[\w.]*\w)", text)}
    programs = {name for text in texts for name in re.findall(r"python3? ((?:docs|deploy|tests)/[\w./]+\.py)", text)}
    assert len(modules) > 5
    assert len(programs) >= 2
    for module in modules:
        assert importlib.util.find_spec(module) is not None, module
    for program in programs:
        assert (ROOT / program).is_file(), program
