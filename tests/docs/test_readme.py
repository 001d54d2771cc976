"""The README is short, and what it tells is what there is."""

from __future__ import annotations

import pytest

from exporter.config.load import parse
from exporter.demo.domains import DEMO
from exporter.model.failure import Verdict
from tests.docs.pages import README, Page, names
from tests.namespaces.scenarios import SCENARIOS

MAX_LINES = 150


def test_it_is_short() -> None:
    assert len(README.text.splitlines()) <= MAX_LINES


def test_its_first_commands_are_the_demo_and_the_tests() -> None:
    shell = [block.text for block in README.blocks() if block.language == "sh"]
    assert shell[:2] == [
        "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/mx-exporter demo\n",
        "tests/run\n",
    ]


def test_the_tutorial_begins_with_the_same_command() -> None:
    first = next(block.text for block in Page("docs/tutorial.md").blocks())
    assert first in README.text


def test_its_first_picture_is_on_the_first_screen() -> None:
    assert any(line.startswith("![") for line in README.text.splitlines()[:12])


@pytest.mark.parametrize("page", [README, Page("docs/tutorial.md")], ids=str)
def test_its_configuration_gives_no_warning(page: Page) -> None:
    (block,) = [block for block in page.blocks() if block.text.startswith("# config.yaml")]
    assert parse(block.text).warnings == ()


def test_the_comparison_has_five_rows() -> None:
    assert len([cells for cells in README.rows() if len(cells) == 4]) == 5


def test_every_verdict_has_a_row_and_there_is_no_other() -> None:
    told = [name for cells in README.rows() if len(cells) == 2 for name in names(cells[0])]
    assert told == list(Verdict)


def test_the_size_of_the_demo() -> None:
    for page in (README, Page("docs/tutorial.md")):
        assert f"({len(DEMO)} domains:" in page.text


def test_the_rows_of_the_comparison_are_those_of_the_whole_table() -> None:
    whole = {cells[0]: cells[1] for cells in Page("docs/explanation/comparison.md").rows()}
    for cells in README.rows():
        if len(cells) == 4:
            scenario = next(name for name in whole if name.startswith(cells[0]))
            assert whole[scenario].startswith(cells[1])


def test_the_scenarios_of_the_comparison_are_those_of_the_laboratory() -> None:
    told = [cells[0] for cells in Page("docs/explanation/comparison.md").rows()]
    assert len(told) == len(set(told)) > 15
    assert set(told) <= {scenario.name for scenario in SCENARIOS}
