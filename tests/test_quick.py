"""The quick choice of tests leaves something of every room, and leaves out what there is."""

from __future__ import annotations

from pathlib import Path

import pytest

import exporter
from tests.quick import SLOW, is_slow

ROOMS = sorted(path.name for path in Path(exporter.__file__).parent.iterdir() if (path / "__init__.py").exists())
MODULES = sorted(Path(__file__).parent.rglob("test_*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_tried(room: str) -> None:
    assert [path for path in MODULES if path.is_relative_to(Path(__file__).parent / room) and not is_slow(path)]


@pytest.mark.parametrize("pattern", SLOW)
def test_what_is_left_out_is_there(pattern: str) -> None:
    assert any(path.match(pattern) for path in MODULES if is_slow(path))
