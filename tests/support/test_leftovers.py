"""A run of pytest that leaves something behind fails, names it, and cleans up: with workers, and when it is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tests
from tests.support.leftovers import processes_of
from tests.support.waiting import until_sync

ROOT = Path(tests.__file__).parent.parent
LEAVES = """
import subprocess, sys, tempfile
def test_it(tmp_path):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    tempfile.mkdtemp(prefix="forgotten-")
"""
CLEANS_UP = """
import subprocess, sys, tempfile
def test_it(tmp_path):
    with tempfile.TemporaryDirectory():
        subprocess.run([sys.executable, "-c", ""], check=True)
    (tmp_path / "kept").touch()
"""
HANGS = """
import subprocess, sys, tempfile, time
def test_it():
    tempfile.mkdtemp(prefix="forgotten-")
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    print(tempfile.gettempdir(), flush=True)
    time.sleep(3600)
"""
# What is left in these is left on purpose, and need not be waited for.
IMPATIENT = "\nimport tests.support.leftovers\ntests.support.leftovers.PATIENCE = 0.1\n"


def _argv(folder: Path, test: str, *options: str) -> list[str]:
    """A run of `test` by the conftest of ours, in a folder of its own."""
    (folder / "test_given.py").write_text(test)
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text() + IMPATIENT)
    plugins = ("-p", "no:randomly", "-p", "no:cacheprovider")
    return [sys.executable, "-m", "pytest", "-q", *plugins, f"--rootdir={folder}", *options, str(folder)]


def _run(folder: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DEBUG_TEMPROOT": str(folder)}
    argv = _argv(folder, test, *options)
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, env=environment, check=False, cwd=folder)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "workers"])
def test_what_is_left_fails_the_run_and_is_removed(tmp_path: Path, workers: tuple[str, ...]) -> None:
    if workers:
        pytest.importorskip("xdist")
    done = _run(tmp_path, LEAVES, *workers)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 passed" in done.stdout
    assert "left behind by the tests" in done.stdout
    (process,) = re.findall(r"^process (\d+): .*sleep\(3600\)$", done.stdout, re.MULTILINE)
    (path,) = re.findall(r"^(/\S*/forgotten-\w+)$", done.stdout, re.MULTILINE)
    assert not Path(path).parent.exists()
    until_sync(lambda: not Path("/proc", process).exists() or not Path("/proc", process, "cmdline").read_bytes())


def test_a_run_that_cleans_up_passes(tmp_path: Path) -> None:
    done = _run(tmp_path, CLEANS_UP)
    assert done.returncode == pytest.ExitCode.OK, done.stdout
    assert "left behind" not in done.stdout


def test_a_run_that_is_killed_leaves_nothing_either(tmp_path: Path) -> None:
    argv = _argv(tmp_path, HANGS, "-s")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        assert list(folder.glob("forgotten-*"))
        run.send_signal(signal.SIGKILL)
    until_sync(lambda: not folder.exists())
    until_sync(lambda: not list(processes_of(folder)))  # nor the guard
