"""Domains of files among the targets, and files that are no lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.load import load
from exporter.model.configuration import Config
from tests.config.loading import file_problems, write


@pytest.mark.parametrize("name", ["a", "a.csv", "userdomains", "relay_domains", "a.txt", "a.TXT", "a.yaml.txt", "ä b"])
def test_a_list_may_have_any_name(tmp_path: Path, name: str) -> None:
    files: dict[str, str | bytes] = {"config.yaml": "domain_files: ['d/*']\n", f"d/{name}": "a.example\n"}
    assert [target.name for target in load(write(tmp_path, files)).targets] == ["a.example"]


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.YAML", "a.Yml"])
def test_the_name_says_that_a_list_is_yaml(tmp_path: Path, name: str) -> None:
    files: dict[str, str | bytes] = {"config.yaml": "domain_files: ['d/*']\n", f"d/{name}": "- {domain: a.example}\n"}
    assert [target.name for target in load(write(tmp_path, files)).targets] == ["a.example"]


def listed(folder: Path, files: dict[str, str | bytes]) -> Config:
    """A configuration of these files: the main one names all texts and all YAML."""
    main: dict[str, str | bytes] = {"config.yaml": "domain_files: ['*.txt', 'd/*.yaml']\n"}
    return load(write(folder, main | files))


def told(folder: Path, config: Config) -> list[str]:
    return [text.replace(f"{folder}/", "") for each in config.lists for text in (*each.problems, *each.twice)]


def test_a_name_that_two_lists_have_is_one_target_and_told_with_both_places(tmp_path: Path) -> None:
    config = load(
        write(
            tmp_path,
            {
                "config.yaml": "domains: [{domain: a.example, port: 26}]\ndomain_files: ['*.txt', 'd/*.yaml']\n",
                "x.txt": "b.example\n\na.example\n",
                "y.txt": "# again\nb.example\n",
                "d/z.yaml": "- {domain: B.example, port: 27}\n",
            },
        )
    )
    assert [(target.name, target.settings.port) for target in config.targets] == [("a.example", 26), ("b.example", 25)]
    assert told(tmp_path, config) == [
        "x.txt:3:1: a.example: is configured twice; the first is at config.yaml:1:20",
        "y.txt:2:1: b.example: is configured twice; the first is at x.txt:1:1",
        "d/z.yaml:1:12: b.example: is configured twice; the first is at x.txt:1:1",
    ]
    assert {each.skipped for each in config.lists} == {0}


def test_what_is_wrong_with_one_pattern_does_not_misplace_the_next(tmp_path: Path) -> None:
    assert file_problems(tmp_path, {"config.yaml": "domain_files:\n  - ''\n  - 5\n  - none\n"}) == [
        "config.yaml:2:5: domain_files[0]: must be a file or pattern such as domains.d/*.txt, not an empty name",
        "config.yaml:3:5: domain_files[1]: must be a file or pattern such as domains.d/*.txt, not a number",
        "none:1:1: cannot be read: No such file or directory",
    ]


def test_a_pattern_that_matches_no_file_is_told_and_no_mistake(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"config.yaml": "domain_files: ['a/*', 'b/*', 'b/x.*']\n", "b/x.txt": "a.example\n"}
    config = load(write(tmp_path, files))
    assert [text.replace(f"{tmp_path}/", "") for text in config.unmatched] == [
        "config.yaml:1:16: domain_files[0]: matches no file"
    ]
    assert (config.warnings[0].partition(":")[0].endswith("config.yaml"), config.failures) == (True, ())
