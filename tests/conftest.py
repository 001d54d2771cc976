"""What holds for every run: see :mod:`tests.support.leftovers`."""

from __future__ import annotations

import os
import tempfile

import pytest

from tests.support.leftovers import Run

_RUN = pytest.StashKey[Run]()
_LEFT = pytest.StashKey[list[str]]()


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
