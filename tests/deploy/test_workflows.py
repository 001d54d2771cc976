from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import ROOT
from tests.lab.require import require_tool

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_schema_of_workflows_is_kept() -> None:
    argv = [require_tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_zizmor_finds_nothing() -> None:
    argv = [require_tool("zizmor"), "--offline", "--no-progress", *map(str, WORKFLOWS)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_others_wrote_is_pinned_to_a_commit(path: Path) -> None:
    for reference in re.findall(r"uses: (.+)", path.read_text()):
        assert re.fullmatch(r"\S+@[0-9a-f]{40} # v[0-9.]+", reference), reference
