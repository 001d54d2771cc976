"""Lists of domains from one reading to the next: a file that is not settled waits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.config import domain_lists
from exporter.config.domain_lists import DomainLists, KeptList, Reading


class Lists:
    """Lists by a clock that runs with each look at it, and files of long ago unless a test writes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 0.0
        self.lists = DomainLists(clock=self._tick)

    def _tick(self) -> float:
        self.now += 0.5
        return self.now

    def write(self, name: str, text: str, *, ago: float = 3600.0) -> None:
        path = self.folder / name
        path.write_text(text)
        now = path.stat().st_mtime
        os.utime(path, (now - ago, now - ago))

    def read(self) -> Reading:
        reading = self.lists.read(self.folder, {0: "*.txt"})
        self.lists.keep(
            {file.shown: KeptList(file.path, file.raw, 1, "*.txt") for file in reading.files if file.raw is not None}
        )
        return reading

    def changed(self) -> bool:
        return self.lists.check(self.folder, {0: "*.txt"}).changed


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lists:
    monkeypatch.setattr(domain_lists, "_LOOK_SECONDS", 0.0)
    return Lists(tmp_path)


def test_a_change_is_seen_once_the_file_is_settled(lists: Lists) -> None:
    lists.write("a.txt", "a.example\n")
    assert [file.raw for file in lists.read().files] == [b"a.example\n"]
    assert not lists.changed()
    lists.write("a.txt", "a.example\nb.exa")
    look = lists.lists.check(lists.folder, {0: "*.txt"})
    assert (look.changed, look.unsettled) == (False, True)
    while not lists.changed():
        assert lists.now < 60.0
    assert [file.raw for file in lists.read().files] == [b"a.example\nb.exa"]


def test_a_file_that_is_gone_keeps_its_list(lists: Lists) -> None:
    lists.write("a.txt", "a.example\n")
    lists.read()
    (lists.folder / "a.txt").unlink()
    (file,) = lists.read().files
    assert (file.gone, file.raw, file.trouble) == (True, None, "is gone")
    assert file.kept is not None
    assert file.kept.raw == b"a.example\n"


def test_two_patterns_may_match_one_file(lists: Lists) -> None:
    lists.write("a.txt", "a.example\n")
    reading = lists.lists.read(lists.folder, {0: "*.txt", 3: "a.*"})
    assert [(file.shown, file.place) for file in reading.files] == [(str(lists.folder / "a.txt"), 0)]
