"""Entries of a list of domains, and its other lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.load import load, summary
from exporter.model.configuration import Config
from tests.config.loading import file_problems, write


def names(path: Path) -> list[str]:
    return [target.name for target in load(path).targets]


def test_a_text_file_has_one_name_a_line(tmp_path: Path) -> None:
    content = "\ufeff# comment\r\n\r\na.example\r\n  b.example. # why\r\n\tstraße.de\n\n#c.example\nd.example".encode()
    path = write(tmp_path, {"config.yaml": "domain_files: [a.txt]\n", "a.txt": content})
    assert names(path) == ["a.example", "b.example", "xn--strae-oqa.de", "d.example"]


def test_an_empty_file_lists_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: [a.txt, b.yaml]\n", "a.txt": "", "b.yaml": "# none\n"})
    assert names(path) == []


def listed(folder: Path, files: dict[str, str | bytes]) -> Config:
    """A configuration of these files: the main one names all texts and all YAML."""
    main: dict[str, str | bytes] = {"config.yaml": "domain_files: ['*.txt', 'd/*.yaml']\n"}
    return load(write(folder, main | files))


def told(folder: Path, config: Config) -> list[str]:
    return [text.replace(f"{folder}/", "") for each in config.lists for text in (*each.problems, *each.twice)]


def test_lines_that_cannot_be_used_are_passed_over_counted_and_told(tmp_path: Path) -> None:
    config = listed(
        tmp_path,
        {
            "a.txt": b"a.example\n\n  b_d.example # why\nb\xe4.example\nno dots\nb.example\n"
            + b"c" * 5000
            + b".example",
            "d/b.yaml": "- c.example\n- {domain: d.example, modul: x}\n- 5\n- {domain: e.example, module: nope}\n"
            "- {domain: f.example, domain: g.example}\n- {domain: h.example, interval: 5m}\n",
        },
    )
    assert [target.name for target in config.targets] == ["a.example", "b.example", "c.example", "h.example"]
    assert {Path(each.file).name: each.skipped for each in config.lists} == {"a.txt": 4, "b.yaml": 4}
    assert told(tmp_path, config) == [
        "a.txt:3:3: 'b_d.example' is not a host name: it contains an underscore",
        "a.txt:4:2: is not UTF-8: byte 0xe4",
        "a.txt:5:1: 'no' is a single label: a domain has a dot (or write no. with a final dot)",
        "a.txt:7:1: is a line of more than 4,096 bytes",
        "d/b.yaml:2:23: [1].modul: unknown key; did you mean module?",
        "d/b.yaml:3:3: [2]: must be a domain or a mapping with one, not a number",
        "d/b.yaml:4:31: [3].module: there is no module nope",
        "d/b.yaml:5:23: [4].domain: duplicate key; the first is at d/b.yaml:5:4",
    ]


def test_the_first_bad_lines_of_a_file_are_told_and_all_are_counted(tmp_path: Path) -> None:
    config = listed(tmp_path, {"a.txt": "a.example\n" + "a_b\n" * 1000})
    assert (len(told(tmp_path, config)), config.lists[0].skipped) == (10, 1000)
    assert summary(config).endswith(": 1 domain, 0 hosts, 1 module in 2 files, 1000 lines skipped")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("d/a.yaml", "- a.example\n- [", "d/a.yaml:3:1: YAML syntax error: "),
        ("d/a.yaml", "domains: []\n", "d/a.yaml:1:1: must be a list of domains, not a mapping"),
        ("d/a.yaml", b"- b\xe4.example\n", "d/a.yaml:1:4: is not UTF-8: byte 0xe4"),
        ("d/a.yaml", "- a.example\n---\n- b.example\n", "d/a.yaml:2:1: a second YAML document begins here; "),
        ("a.txt", "a_b\n" * 10_001, "a.txt:1:1: is no list of domains: more than 10,000 lines cannot be used"),
        ("a.txt", "\n" * 250_000, "a.txt:250001:1: has more than 250,000 lines"),
        ("a.txt", "#" * (16 * 1024 * 1024 + 1), "a.txt:1:1: has more than 16,777,216 bytes"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_fails(tmp_path: Path, name: str, content: str | bytes, problem: str) -> None:
    main = "domain_files: ['*.txt', 'd/*.yaml']\n"
    assert file_problems(tmp_path, {"config.yaml": main, name: content})[0].startswith(problem)
