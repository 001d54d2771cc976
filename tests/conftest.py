"""What holds for all tests: which begin first where several processes share them, and which are not measured."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import pytest

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
