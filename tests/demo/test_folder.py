"""The demo's folder: locked while it lives, gone with it, and removed by the next when it was killed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from exporter.demo.folder import demo_folder, remove_stale


@pytest.fixture(autouse=True)
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _left(tmp: Path, name: str = "mx-exporter-demo-1-abcdefgh") -> Path:
    """The folder that a demo left which has ended."""
    folder = tmp / name
    folder.mkdir()
    (folder / "config.yaml").touch()
    return folder


def test_it_is_private_tells_whose_it_is_and_is_gone_after_the_block(tmp: Path) -> None:
    with demo_folder() as folder:
        assert folder.parent == tmp
        assert folder.name.startswith(f"mx-exporter-demo-{os.getpid()}-")
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "config.yaml").touch()
    assert list(tmp.iterdir()) == []


def test_it_is_gone_after_a_block_that_failed_too(tmp: Path) -> None:
    with pytest.raises(LookupError), demo_folder():
        raise LookupError
    assert list(tmp.iterdir()) == []


def test_what_the_dead_left_is_removed_and_what_the_living_have_is_not(tmp: Path) -> None:
    with demo_folder() as living:
        left = _left(tmp)
        with demo_folder() as next_one:
            assert not left.exists()
            assert living.is_dir()
            assert next_one.is_dir()


def test_a_lock_counts_whatever_the_process_id(tmp: Path) -> None:
    """The living may be in another container, or the id be that of another by now."""
    folder = _left(tmp, f"mx-exporter-demo-{os.getpid()}-abcdefgh")
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    remove_stale()
    assert folder.is_dir()
    os.close(held)
    remove_stale()
    assert not folder.exists()


def test_nothing_else_is_touched(tmp: Path) -> None:
    others = [_left(tmp, name) for name in ("mx-exporter-demo-abcdefgh", "mx-exporter-demo-1", "mx-exporter-x", "x")]
    elsewhere = _left(tmp, "elsewhere")
    (tmp / "mx-exporter-demo-2-abcdefgh").symlink_to(elsewhere)
    (tmp / "mx-exporter-demo-3-abcdefgh").touch()
    remove_stale()
    assert all((folder / "config.yaml").exists() for folder in (*others, elsewhere))
    assert (tmp / "mx-exporter-demo-3-abcdefgh").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_another_users_are_not_touched(tmp: Path) -> None:
    left = _left(tmp)
    os.chown(left, 65534, 65534)
    remove_stale()
    assert left.is_dir()


def test_a_place_that_cannot_be_listed_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp / "absent"))
    remove_stale()
