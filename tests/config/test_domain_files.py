"""Files of domains: found by patterns, read as lists, watched without being read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.config.domain_files import snapshot
from exporter.config.load import load
from tests.config.loading import file_problems, write


def names(path: Path) -> list[str]:
    return [target.name for target in load(path).targets]


def test_patterns_are_relative_to_the_configuration_s_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": "domain_files: ['d/*.txt', 'd/*.yaml', '*.yml', 'none/*.txt']\n",
        "d/b.txt": "b.example\n",
        "d/a.txt": "a.example\n",
        "d/c.yaml": "- {domain: c.example, interval: 5m}\n",
        "d.yml": "- d.example\n",
        "d/ignored.conf": "x.example\n",
        "d/folder.txt/x": "",
    }
    path = write(tmp_path, files)
    monkeypatch.chdir(path.anchor)
    assert names(path) == ["a.example", "b.example", "c.example", "d.example"]
    assert load(path).files == tuple(
        str(tmp_path / name) for name in ("config.yaml", "d/a.txt", "d/b.txt", "d/c.yaml", "d.yml")
    )


def test_a_text_file_has_one_name_a_line(tmp_path: Path) -> None:
    content = "\ufeff# comment\r\n\r\na.example\r\n  b.example. # why\r\n\tstraße.de\n\n#c.example\nd.example".encode()
    path = write(tmp_path, {"config.yaml": "domain_files: [a.txt]\n", "a.txt": content})
    assert names(path) == ["a.example", "b.example", "xn--strae-oqa.de", "d.example"]


def test_an_empty_file_lists_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: [a.txt, b.yaml]\n", "a.txt": "", "b.yaml": "# none\n"})
    assert names(path) == []


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: ['*.txt', a.txt]\n", "a.txt": "a.example\n"})
    assert names(path) == ["a.example"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"config.yaml": "domain_files: ['d/*']\n", "d/a.csv": "a.example\n"}
    assert file_problems(tmp_path, files) == [
        "config.yaml:1:16: domain_files[0]: d/a.csv is neither a .txt nor a .yaml file"
    ]


def test_text_that_is_not_utf_8_is_refused_with_its_place(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"config.yaml": "domain_files: [a.txt]\n", "a.txt": b"a.example\nb\xe4.example\n"}
    assert file_problems(tmp_path, files) == ["a.txt:2:2: is not UTF-8: byte 0xe4"]


def test_a_name_that_appears_in_two_files_is_told_with_both_places(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": "domains: [a.example]\ndomain_files: ['*.txt']\n",
        "x.txt": "b.example\n\na.example\n",
        "y.txt": "# again\nb.example\n",
    }
    assert file_problems(tmp_path, files) == [
        "x.txt:3:1: is configured twice; the first is at config.yaml:1:11",
        "y.txt:2:1: is configured twice; the first is at x.txt:1:1",
    ]


def test_a_snapshot_stays_while_nothing_changes_and_tells_every_change(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: ['*.txt', '*.yaml.d/*.yaml']\n", "a.txt": "a.example\n"})
    config = load(path)
    first = snapshot(config)
    assert first == snapshot(config) == config.domain_file_states

    (tmp_path / "a.txt").write_text("b.example\nc.example\n")
    longer = snapshot(config)
    assert longer != first

    status = (tmp_path / "a.txt").stat()
    replacement = tmp_path / "new"
    replacement.write_text("d.example\ne.example\n")
    os.utime(replacement, ns=(status.st_atime_ns, status.st_mtime_ns))
    replacement.replace(tmp_path / "a.txt")
    replaced = snapshot(config)
    assert replaced != longer

    (tmp_path / "b.txt").write_text("")
    assert snapshot(config) != replaced
    (tmp_path / "b.txt").unlink()
    assert snapshot(config) == replaced
    (tmp_path / "a.txt").unlink()
    assert snapshot(config) == ()


def test_what_is_wrong_with_one_pattern_does_not_misplace_the_next(tmp_path: Path) -> None:
    assert file_problems(tmp_path, {"config.yaml": "domain_files:\n  - ''\n  - 5\n  - a.csv\n"}) == [
        "config.yaml:2:5: domain_files[0]: must be a file or pattern such as domains.d/*.txt, not an empty name",
        "config.yaml:3:5: domain_files[1]: must be a file or pattern such as domains.d/*.txt, not a number",
        "config.yaml:4:5: domain_files[2]: a.csv is neither a .txt nor a .yaml file",
    ]


def test_when_files_were_read_is_no_part_of_what_is_configured(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: [a.txt]\n", "a.txt": "a.example\n"})
    before = load(path)
    os.utime(tmp_path / "a.txt", ns=(1, 1))
    after = load(path)
    assert before.domain_file_states != after.domain_file_states
    assert before == after
