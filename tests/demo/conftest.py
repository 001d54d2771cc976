"""The mail world for the tests that only look at it, or mend what they break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporter.demo.world import DemoWorld


@pytest.fixture(scope="package")
def world() -> Iterator[DemoWorld]:
    with DemoWorld() as running:
        yield running
