"""The files of a state: there whole or not at all, this exporter's alone, and read within bounds."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import signal
import stat
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from exporter.schedule.shard import Shard
from exporter.storage import state_file
from exporter.storage.state_file import HeldError, StateFile, TornFileError
from tests.support.waiting import until_sync

ONLY = Shard()
TEXT = ["first\n", "second\nthird\n"]
LINES = ["first", "second", "third"]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[StateFile]:
    held = StateFile(tmp_path, ONLY)
    held.hold()
    yield held
    held.release()


def read(file: StateFile) -> tuple[list[str], bool] | None:
    with file.opened(1) as found:
        return None if found is None else (list(found[0]), found[1])


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_without_a_state_there_is_none(file: StateFile) -> None:
    assert read(file) is None


def test_a_state_comes_back_and_is_readable_for_its_owner_alone(file: StateFile) -> None:
    size = file.save(TEXT, is_end=False)
    assert read(file) == (LINES, False)
    assert file.path.stat().st_size == size
    for each in file.path.parent.iterdir():
        assert stat.S_IMODE(each.stat().st_mode) == 0o600


def test_the_state_of_an_end_is_told_as_such_once(file: StateFile, tmp_path: Path) -> None:
    """Whoever reads it begins to count: if that one is killed, the counters in the file are old."""
    file.save(["old\n"], is_end=False)
    file.save(TEXT, is_end=True)
    assert names(tmp_path) == {"mx-exporter.state.end", "mx-exporter.lock"}
    assert read(file) == (LINES, True)
    assert read(file) == (LINES, True), "to read it changes nothing"
    file.begin()
    assert read(file) == (LINES, False)
    assert names(tmp_path) == {"mx-exporter.state", "mx-exporter.lock"}


def test_the_end_of_another_is_no_last_word_once_this_one_has_saved(file: StateFile, tmp_path: Path) -> None:
    """The other one ended while this one ran, and counted without its counters."""
    file.save(["of the other\n"], is_end=True)
    file.save(TEXT, is_end=False)
    assert names(tmp_path) == {"mx-exporter.state", "mx-exporter.lock"}
    assert read(file) == (LINES, False)


def test_each_shard_has_files_of_its_own(tmp_path: Path) -> None:
    files = [StateFile(tmp_path, Shard(index, 2)) for index in range(2)]
    for number, each in enumerate(files):
        each.hold()
        each.save([f"{number}\n"], is_end=False)
    assert [read(each) for each in files] == [(["0"], False), (["1"], False)]
    assert "mx-exporter-1-of-2.state" in names(tmp_path)
    for each in files:
        each.release()


def test_a_second_exporter_is_told_and_takes_over_when_the_first_one_goes(file: StateFile, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from exporter.schedule.shard import Shard;"
        "from exporter.storage.state_file import StateFile, HeldError\n"
        "try: StateFile(Path(sys.argv[1]), Shard()).hold()\n"
        "except HeldError as error: sys.exit(str(error))"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    second = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert second.stderr.strip() == f"another exporter has {tmp_path}/mx-exporter.lock"
    file.release()
    assert subprocess.run(argv, check=False).returncode == 0


def test_the_same_process_may_not_hold_it_twice(file: StateFile, tmp_path: Path) -> None:
    with pytest.raises(HeldError):
        StateFile(tmp_path, ONLY).hold()
    file.hold()
    assert file.is_held


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "a" / "b", ONLY)
    file.hold()
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    file.release()


def test_a_save_that_fails_leaves_the_state_of_before(file: StateFile) -> None:
    def torn() -> Iterator[str]:
        yield "new\n"
        raise OSError("the disk is full")

    file.save(TEXT, is_end=False)
    with pytest.raises(OSError, match="disk is full"):
        file.save(torn(), is_end=False)
    assert names(file.path.parent) == {"mx-exporter.state", "mx-exporter.lock"}, "no half of one takes its space"
    assert read(file) == (LINES, False)
    file.save(["newer\n"], is_end=False)
    assert read(file) == (["newer"], False)


@pytest.mark.parametrize(("number", "is_saved"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_folder_need_not_be_synchronized_where_that_is_unknown(
    file: StateFile, monkeypatch: pytest.MonkeyPatch, number: int, is_saved: bool
) -> None:
    fsync = os.fsync

    def refused(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refused)
    with contextlib.nullcontext() if is_saved else pytest.raises(OSError):
        file.save(TEXT, is_end=True)
        assert read(file) == (LINES, True)


def test_one_that_is_killed_amid_a_save_leaves_the_state_of_before(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from exporter.schedule.shard import Shard;"
        "from exporter.storage.state_file import StateFile\n"
        "def text():\n"
        "    for number in range(100_000): yield f'{number} {number * 7919}\\n'\n"
        "    time.sleep(60)\n"
        "file = StateFile(Path(sys.argv[1]), Shard()); file.hold(); file.save(['old\\n'], is_end=False)\n"
        "file.save(text(), is_end=False)"
    )
    new = tmp_path / "mx-exporter.state.new"
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) as process:
        try:
            until_sync(lambda: new.exists() and new.stat().st_size > 100_000)
        finally:
            process.send_signal(signal.SIGKILL)
    file = StateFile(tmp_path, ONLY)
    file.hold()
    assert read(file) == (["old"], False)
    file.save(TEXT, is_end=False)
    assert read(file) == (LINES, False)
    assert not new.exists()
    file.release()


PACKED = gzip.compress(b"first\nsecond\n", mtime=0)


def _shown(value: object) -> str:
    """The reason as the name of a case: what is packed differs from one run to the next."""
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut off"),
        (b"first\n", "broken"),
        (PACKED[:-1], "cut off"),
        (PACKED[:-9], "cut off"),
        (PACKED[:20] + bytes([PACKED[20] ^ 1]) + PACKED[21:], "broken"),
        (PACKED[:-5] + bytes([PACKED[-5] ^ 1]) + PACKED[-4:], "broken"),
        (PACKED + b"more", "follows"),
        (PACKED + PACKED, "follows"),
        (gzip.compress(b"first\nsecond"), "no end"),
        (gzip.compress(b"\xff\n"), "no text"),
        (gzip.compress(b"a" * (state_file.MAX_LINE + 70_000)), "line is too long"),
        (zlib.compress(b"first\n"), "broken"),
    ],
    ids=_shown,
)
def test_what_is_no_whole_file_is_told(file: StateFile, content: bytes, reason: str) -> None:
    file.path.write_bytes(content)
    with pytest.raises(TornFileError, match=reason):
        read(file)


def test_a_small_file_that_unpacks_to_a_large_text_is_given_up(
    file: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_file, "LEAST_BYTES", 1_000_000)
    file.path.write_bytes(gzip.compress(b"0\n" * 1_000_000))
    assert file.path.stat().st_size < 5000
    with pytest.raises(TornFileError, match="too large"):
        read(file)


def test_a_large_file_is_not_read(file: StateFile) -> None:
    with file.path.open("wb") as sparse:
        sparse.truncate(state_file.LEAST_BYTES + 1)
    with pytest.raises(TornFileError, match="too large"):
        read(file)


def _link(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(PACKED)
    path.symlink_to(other)


@pytest.mark.parametrize("make", [_link, Path.mkdir, os.mkfifo], ids=["link", "folder", "pipe"])
def test_what_is_no_file_is_not_opened_as_one(file: StateFile, make: object) -> None:
    make(file.path)  # type: ignore[operator]
    with pytest.raises((OSError, TornFileError)):
        read(file)


def test_a_link_in_the_place_of_the_new_state_is_not_followed(file: StateFile, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "mx-exporter.state.new").symlink_to(victim)
    file.save(TEXT, is_end=False)
    assert victim.read_text() == "mine"
    assert read(file) == (LINES, False)


def _steps(lines: Sequence[str]) -> Iterator[str]:
    yield from lines


def test_lines_come_as_they_were_written_however_they_are_cut(file: StateFile) -> None:
    lines = [f"{number} é {'x' * (number % 7919)}" for number in range(500)]
    file.save(_steps([f"{line}\n" for line in lines]), is_end=False)
    assert read(file) == (lines, False)
