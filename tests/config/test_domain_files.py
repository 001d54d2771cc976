"""Files of domains: found by patterns, read as lists, watched without being read."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.load import load
from tests.config.loading import write


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


def test_a_file_that_two_patterns_match_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, {"config.yaml": "domain_files: ['*.txt', a.txt]\n", "a.txt": "a.example\n"})
    assert names(path) == ["a.example"]
