"""The threat model is true: each bound that it names has the value it tells, and each attack is a test there is."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "explanation" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")][2:]
# [`NAME`](../../exporter/room/module.py) 64 KiB
BOUNDS = re.findall(r"\[`(_?[A-Z][A-Z0-9_]+)`\]\(\.\./\.\./(exporter/[\w/]+)\.py\) ([\d.,]*\d) ?([a-zA-Z%]*)", PAGE)
# [`test_name`](../../tests/room/test_module.py)
TESTS = re.findall(r"\[`(test_\w+)`\]\(\.\./\.\./(tests/[\w/]+\.py)\)", PAGE)
UNITS = {"KiB": 1024, "MiB": 1024**2, "%": 0.01}
ACTORS = (
    "a domain's owner", "a policy host", "a mail host", "a router on the path", "a resolver", "a web client",
    "a scraper", "the author of a domain file",
)  # fmt: skip


def test_it_is_about_everybody_and_each_row_names_a_bound_and_a_test() -> None:
    assert all(f"| **{actor}**" in PAGE for actor in ACTORS)
    assert len(ROWS) > 20
    for row in ROWS:
        who, may, bounded, attacked = (cell.strip() for cell in row.strip("|").split(" | "))
        assert may, who
        assert bounded, may
        assert "[`test_" in attacked, may


@pytest.mark.parametrize(("name", "module", "number", "unit"), BOUNDS, ids=lambda value: str(value)[-40:])
def test_a_bound_has_the_value_that_is_told(name: str, module: str, number: str, unit: str) -> None:
    told = float(number.replace(",", "")) * UNITS.get(unit, 1)
    value = getattr(importlib.import_module(module.replace("/", ".")), name)
    assert value == pytest.approx(told)


@pytest.mark.parametrize(("name", "file"), sorted(set(TESTS)), ids=lambda value: str(value)[-60:])
def test_an_attack_is_a_test(name: str, file: str) -> None:
    assert re.search(rf"^(?:async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE), file


def test_every_constant_and_test_on_the_page_is_one_of_those() -> None:
    """A link that is written otherwise would be held to nothing."""
    assert len(re.findall(r"\[`_?[A-Z]", PAGE)) == len(BOUNDS) > 40
    assert len(re.findall(r"\[`test_", PAGE)) == len(TESTS) > 30
