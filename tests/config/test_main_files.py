"""The main file and its passwords: what differs from what is loaded, and what has not been tried yet."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from exporter.config import main_files
from exporter.config.domain_lists import DomainLists
from exporter.config.load import load
from exporter.config.main_files import MainFiles, loaded
from exporter.model.configuration import Config

TEXT = (
    "domains: [a.example]\n"
    "modules: {m: {stages: [ehlo, auth], tls: implicit, starttls: {verify: require},"
    " auth: {username: me, password_file: secret}}}\n"
)


class Files:
    """Files of a folder, and a clock that a second passes by with each look."""

    def __init__(self, folder: Path) -> None:
        self.main, self.secret = folder / "config.yaml", folder / "secret"
        self.main.write_text(TEXT)
        self.secret.write_text("hunter2\n")
        self.now = 0.0
        self.config = self.load()
        self.files = MainFiles(self.main, self.config, self.tick)

    def tick(self) -> float:
        self.now += 1.0
        return self.now

    def load(self) -> Config:
        return load(self.main, DomainLists(patient=False))

    def check(self) -> tuple[bool, bool]:
        changes = self.files.check(self.config)
        return changes.differs, changes.untried


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_what_is_loaded_does_not_differ_whatever_its_times(files: Files) -> None:
    assert files.check() == (False, False)
    os.utime(files.main, (1.0, 1.0))
    assert files.check() == (False, False)


@pytest.mark.parametrize("name", ["config.yaml", "secret"])
def test_a_change_differs_and_is_tried_once(files: Files, name: str) -> None:
    path = files.main.with_name(name)
    text = path.read_text()
    path.write_text(f"{text.strip()}x\n")
    assert files.check() == (True, True)
    files.files.tried(files.files.fingerprint(files.config))  # and it was refused
    assert files.check() == (True, False)
    path.write_text(text)
    assert files.check() == (False, True)  # a mistake mended: the reload that failed is to be made good
    files.files.tried(loaded(files.load()))
    assert files.check() == (False, False)


@pytest.mark.parametrize("name", ["config.yaml", "secret"])
def test_a_file_that_is_gone_or_no_file_differs(files: Files, name: str) -> None:
    path = files.main.with_name(name)
    path.unlink()
    assert files.check() == (True, True)


def test_a_folder_that_is_swapped_behind_a_link_is_a_change(tmp_path: Path) -> None:
    """As Kubernetes does with the volume of a ConfigMap."""
    for name in ("..1", "..2"):
        (tmp_path / name).mkdir()
    (tmp_path / "..data").symlink_to("..1")
    for name in ("config.yaml", "secret"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    files = Files(tmp_path)
    (tmp_path / "..2" / "config.yaml").write_text(TEXT.replace("a.example", "b.example"))
    (tmp_path / "..2" / "secret").write_text("hunter2\n")
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert files.check() == (True, True)


def test_a_change_is_still_after_a_while(files: Files) -> None:
    assert [files.files.check(files.config).still for _ in range(3)] == [False, False, True]
    files.main.write_text(f"{TEXT}# more\n")
    assert not files.files.check(files.config).still


def test_files_that_have_not_changed_are_not_read_again(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    files.check()
    monkeypatch.setattr(main_files, "_digest_of", None)
    assert files.check() == (False, False)


def test_a_pipe_is_left_to_who_reads_it(files: Files) -> None:
    files.main.unlink()
    os.mkfifo(files.main)
    assert files.check() == (False, False)
