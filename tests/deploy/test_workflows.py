from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import ROOT, documents
from tests.deploy.test_container import PROJECT, locked
from tests.support.require import require_tool

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DEPENDABOT = ROOT / ".github" / "dependabot.yml"


def _steps(name: str) -> list[dict[str, Any]]:
    (workflow,) = documents((ROOT / ".github" / "workflows" / name).read_text())
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_schema_of_workflows_is_kept() -> None:
    argv = [require_tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_of_dependabot_is_kept() -> None:
    argv = [require_tool("check-jsonschema"), "--builtin-schema", "vendor.dependabot", str(DEPENDABOT)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    argv = [require_tool("zizmor"), "--offline", "--no-progress", str(DEPENDABOT), *map(str, WORKFLOWS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_to_a_commit(path: Path) -> None:
    for reference in re.findall(r"uses: (.+)", path.read_text()):
        assert re.fullmatch(r"\S+@[0-9a-f]{40} # v[0-9.]+", reference), reference


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_job_has_what_it_needs_and_no_more(path: Path) -> None:
    """The whole workflow may read; the jobs that publish say what else they may, and no token is left in a clone."""
    (workflow,) = documents(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"]
        allowed = {"contents": "read"} | PUBLISH.get(name, {}) if path.name == "release.yml" else {"contents": "read"}
        assert job.get("permissions", {}).items() <= allowed.items(), name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


PUBLISH = {
    "pypi": {"id-token": "write"},
    "github": {"contents": "write", "id-token": "write", "attestations": "write"},
    "container": {"packages": "write"},
}


def test_the_image_is_built_for_both_processors() -> None:
    steps = {step.get("uses", "").partition("@")[0]: step.get("with", {}) for step in _steps("release.yml")}
    assert steps["docker/build-push-action"]["platforms"] == "linux/amd64,linux/arm64"
    assert steps["docker/setup-qemu-action"]["platforms"] == "arm64"


def test_pip_audit_reads_every_lock() -> None:
    """The workflow's own command, told not to ask anybody."""
    (run,) = [step["run"] for step in _steps("audit.yml") if step.get("run", "").startswith("pip-audit")]
    program, *flags = shlex.split(run)
    done = subprocess.run(
        [require_tool(program), "--dry-run", *flags], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    locks = sorted((ROOT / "deploy" / "container").glob("*.lock"))
    assert len(locks) == 3
    assert all(str(lock.relative_to(ROOT)) in flags for lock in locks)
    assert "  schedule:\n    - cron:" in (ROOT / ".github" / "workflows" / "audit.yml").read_text()


def test_the_lowest_versions_and_the_newest_are_tested_every_week() -> None:
    text = (ROOT / ".github" / "workflows" / "dependencies.yml").read_text()
    assert re.search(r'\n  schedule:\n    - cron: "\d+ \d+ \* \* \d"\n', text)
    (workflow,) = documents(text)
    (job,) = workflow["jobs"].values()
    pythons = {each["resolution"]: each["python"] for each in job["strategy"]["matrix"]["include"]}
    assert set(pythons) == {"lowest-direct", "highest"}
    assert f">={pythons['lowest-direct']}" == PROJECT["project"]["requires-python"]
    assert f"Programming Language :: Python :: {pythons['highest']}" == _latest_python()
    runs = {step["run"]: step.get("env", {}) for step in job["steps"] if "run" in step}
    assert runs["uv pip install --system --resolution \"$RESOLUTION\" '.[test]'"] == MATRIX
    # By which tests/test_dependencies.py knows that it has to find the lowest.
    assert runs["pytest"] == {"CI": "", **MATRIX}


MATRIX = {"RESOLUTION": "${{ matrix.resolution }}"}


def _latest_python() -> str:
    pythons: list[str] = [each for each in PROJECT["project"]["classifiers"] if "Python :: 3." in each]
    return max(pythons, key=lambda each: int(each.rpartition(".")[2]))


def test_the_bill_of_materials_is_written_as_the_release_writes_it(tmp_path: Path) -> None:
    """The release's command, for an environment with nothing in it: a full one takes long to read."""
    (run,) = [step["run"] for step in _steps("release.yml") if step.get("name") == "Bill of materials"]
    assert "--require-hashes --only-binary=:all: -r deploy/container/requirements.lock" in run
    found = re.search(r"tools/bin/(cyclonedx-py environment .+?) \\\n +installed/bin/python", run)
    assert found is not None
    program, *flags = shlex.split(found[1])
    tool = require_tool(program)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "empty")], check=True)
    python = tmp_path / "empty" / "bin" / "python"
    done = subprocess.run([tool, *flags, str(python)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bill = json.loads(done.stdout)
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "mx-exporter")


def test_the_lock_of_the_tools_has_their_hashes() -> None:
    packages = locked("audit.lock")
    assert {"pip-audit", "cyclonedx-bom"} <= set(packages)
    assert all(hashes for _, hashes in packages.values())
