"""The hooks of every run: see :mod:`tests.support.leftovers` for what a run may leave behind.

Where several processes share the tests, the long ones begin first; some tests are not measured by coverage; `--quick`
leaves most of them out.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.quick import is_slow
from tests.support.leftovers import Run

# A deadline for each example measures how busy the machine is.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

_RUN = pytest.StashKey[Run]()
_LEFT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only what takes next to no time (tests/quick.py)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Modules that are left out are not even imported."""
    return True if config.getoption("--quick") and collection_path.is_file() and is_slow(collection_path) else None


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or not os.path.isdir("/proc/self"):  # noqa: PTH112
        return  # a worker of pytest-xdist has the folder of its controller
    # pytest's own folders stay where they are, and are kept for looking at.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    run = config.stash[_RUN] = Run()
    os.environ["TMPDIR"] = tempfile.tempdir = str(run.folder)


@pytest.hookimpl(trylast=True)  # once the workers are gone
def pytest_sessionfinish(session: pytest.Session) -> None:
    run = session.config.stash.get(_RUN, None)
    if run is None:
        return
    left = session.config.stash[_LEFT] = run.leftovers()
    run.end()
    if left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left := config.stash.get(_LEFT, []):
        terminalreporter.section("left behind by the tests", red=True)
        for each in left:
            terminalreporter.line(each)


# By this, coverage measures the processes that are started, too (its setting `patch`).
_CHILDREN_ARE_MEASURED = "COVERAGE_PROCESS_CONFIG"


@pytest.hookimpl(trylast=True)  # after pytest-randomly
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones, so that no process is left with one of them when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test that is marked so, with its fixtures and the processes they start, as if nobody measured coverage."""
    if item.get_closest_marker("unmeasured") is None:
        return (yield)
    with _unmeasured():
        return (yield)


@contextmanager
def _unmeasured() -> Generator[None, None, None]:
    coverage = sys.modules.get("coverage")  # loaded where somebody measures
    measuring = coverage.Coverage.current() if coverage is not None else None
    setting = os.environ.pop(_CHILDREN_ARE_MEASURED, None)
    if measuring is not None:
        measuring.stop()
    try:
        yield
    finally:
        if measuring is not None:
            measuring.start()
        if setting is not None:
            os.environ[_CHILDREN_ARE_MEASURED] = setting
