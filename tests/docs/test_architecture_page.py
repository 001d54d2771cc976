"""The page of the architecture names every room of the code, and no other."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, Page, names
from tests.test_floors import FLOORS

PAGE = Page("docs/explanation/architecture.md")


def _rooms() -> set[str]:
    return {path.parent.name for path in (ROOT / "exporter").glob("*/__init__.py")}


def test_every_room_has_a_row_and_there_is_no_other() -> None:
    assert {name for cells in PAGE.rows("Rooms by floors") for name in names(cells[1])} == _rooms()


def test_the_floors_are_those_of_the_code() -> None:
    rows = {name: int(cells[0]) for cells in PAGE.rows("Rooms by floors") for name in names(cells[1])}
    assert rows == {room: FLOORS[f"exporter.{room}"] for room in _rooms()}


def test_every_box_of_the_picture_that_is_a_room_is_one() -> None:
    (picture,) = [block.text for block in PAGE.blocks() if block.language == "mermaid"]
    boxes = set(re.findall(r"^\s*(\w+)(?:\[| -->)", picture, re.MULTILINE))
    assert boxes - {"file", "subgraph", "session", "prometheus", "browser"} <= _rooms()
