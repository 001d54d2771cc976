"""Who writes the domain files, and when: by halves, by mistake, on purpose; none of it may stop or empty the list."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from exporter.config import domain_files, domain_lists
from exporter.config.domain_lists import DomainLists
from exporter.config.load import load
from exporter.model.configuration import Config
from tests.config.loading import write
from tests.support import plain_http
from tests.support.exporter_process import FILES_WATCHED_CLOSELY, ExporterProcess, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

# Fifty times the pause between two pieces: whoever writes in a test may have to wait for a processor.
PATIENT = FILES_WATCHED_CLOSELY.replace("= 0.2", "= 1.0")
HEAD = "defaults: {interval: 1h}\nresolver: {nameservers: ['127.0.0.1:1'], timeout: 100ms}\negress: {trace: false}\n"


@contextmanager
def running(tmp_path: Path, files: dict[str, str | bytes], first: str = FILES_WATCHED_CLOSELY) -> Iterator[Lists]:
    main: dict[str, str | bytes] = {"config.yaml": f"{HEAD}domain_files: ['d/*.txt', 'd/*.yaml']\n"}
    path = write(tmp_path, main | files)
    with exporter(f"--config.file={path}", first=first) as process:
        yield Lists(process, tmp_path / "d")


class Lists:
    """An exporter whose domains all come from the files in `folder`."""

    def __init__(self, process: ExporterProcess, folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def domains(self) -> set[str]:
        return {sample.labels["domain"] for sample in self.process.named("mx_domain_probes_total")}

    @property
    def holds(self) -> bool:
        return self.process.value("mx_exporter_config_last_reload_successful") == 1.0

    def reload(self) -> httpx.Response:
        return plain_http.post(f"{self.process.url}/-/reload", timeout=30.0)


NAMES = {"a.example", "b.example", "c.example", "other.example"}
LIST = "- a.example\n- b.example\n- c.example"


def test_a_file_that_is_being_written_is_left_alone_and_no_cut_name_is_probed(tmp_path: Path) -> None:
    names = [f"name{number}.mail.example" for number in range(200)]
    text = "\n".join(names) + "\n"
    with running(tmp_path, {"d/a.txt": "old.example\n", "d/b.txt": "b.example\n"}, PATIENT) as lists:
        until_sync(lambda: lists.domains == {"old.example", "b.example"})
        (lists.folder / "b.txt").write_text("c.example\n")
        enough = threading.Event()

        def write_slowly() -> None:
            """By pieces that end in the middle of a name, one byte at a time where there is no more time."""
            written = 0
            with (lists.folder / "a.txt").open("w") as writing:
                while not enough.wait(0.02):
                    written += writing.write(text[written : written + (31 if written < 3000 else 1)])
                    writing.flush()
                writing.write(text[written:])

        writer = threading.Thread(target=write_slowly)
        writer.start()
        seen: set[str] = set()

        def others_are_read() -> bool:
            nonlocal seen
            now = lists.domains
            seen |= now
            return now == {"old.example", "c.example"}

        try:
            until_sync(others_are_read)
            assert lists.holds
        finally:
            enough.set()
            writer.join()
        until_sync(lambda: lists.domains == {*names, "c.example"})
        assert seen <= {"old.example", "b.example", "c.example"}


def test_what_becomes_of_a_list_leaves_its_targets_until_it_is_mended(tmp_path: Path) -> None:
    with running(tmp_path, {"d/a.yaml": LIST, "d/b.txt": "other.example\n"}) as lists:
        until_sync(lambda: lists.domains == NAMES)
        path = lists.folder / "a.yaml"
        for spoil in (_empty, _cut, _unlink, _pipe):
            spoil(path)
            answer = lists.reload()
            assert (answer.status_code, f"{path}:" in answer.text) == (500, True), spoil
            assert not lists.holds, spoil
            assert lists.domains == NAMES, spoil
            if not path.is_file():
                path.unlink(missing_ok=True)
            path.write_text(LIST)
            assert lists.reload().status_code == 200, spoil
            assert lists.holds
        # The same without being asked.
        lists.folder.rename(tmp_path / "elsewhere")
        until_sync(lambda: not lists.holds)
        assert lists.domains == NAMES
        assert lists.process.text.count(f"{path}:1:1: is gone: its list of 3 names holds") in (
            2,
            3,
        )  # once when asked, and for each pattern
        (tmp_path / "elsewhere").rename(lists.folder)
        until_sync(lambda: lists.holds)
        path.write_text("- d.example\n")
        until_sync(lambda: lists.domains == {"d.example", "other.example"})


def _empty(path: Path) -> None:
    path.write_text("")


def _cut(path: Path) -> None:
    path.write_text(LIST[:-3])


def _unlink(path: Path) -> None:
    path.unlink()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_bad_lines_and_broken_lists_stop_no_start_and_heal(tmp_path: Path) -> None:
    junk = "a.example\n" + "bad_line.example\n" * 30 + "\x00\x1b[2J\n" + "b.example\n"
    files: dict[str, str | bytes] = {
        "d/a.txt": junk,
        "d/b.yaml": "- {domain: c.example, nope: 1}\n- a.example\n",
        "d/c.yaml": "- [",
    }
    with running(tmp_path, files) as lists:
        until_sync(lambda: lists.domains == {"a.example", "b.example"})
        assert not lists.holds
        value = lists.process.value
        assert value("mx_exporter_target_errors", file=f"{tmp_path}/d/a.txt") == 31.0
        assert value("mx_exporter_target_errors", file=f"{tmp_path}/d/b.yaml") == 1.0
        skipped = [line for line in lists.process.log if "domain file line skipped" in line]
        assert len(skipped) == 11
        assert f"{tmp_path}/d/a.txt:2:1: " in skipped[0]
        assert any("lines=31" in line for line in lists.process.log)
        assert any("listed twice" in line and "b.yaml:2:3" in line for line in lists.process.log)
        (lists.folder / "c.yaml").write_text("- c.example\n")
        (lists.folder / "a.txt").write_text("e.example\nworse_.example\n")
        until_sync(lambda: lists.holds and lists.domains == {"a.example", "c.example", "e.example"})
        assert value("mx_exporter_target_errors", file=f"{tmp_path}/d/a.txt") == 1.0


# From the moment when a file says so, no file can be looked at any more: as on a server that does not answer.
HANGS = """
import pathlib, time
_hangs = pathlib.Path({path!r})
def _hanging(look):
    def looking(*arguments):
        while _hangs.exists():
            time.sleep(0.1)
        return look(*arguments)
    return looking
import exporter.config.domain_lists as _module, exporter.app.reload
_module.state_of = _hanging(_module.state_of)
exporter.app.reload._CHECK_SECONDS = 0.3
"""


def test_a_file_system_that_does_not_answer_holds_up_neither_a_probe_nor_the_end(tmp_path: Path) -> None:
    path = write(
        tmp_path, {"config.yaml": f"{HEAD}domain_files: [a.txt]\n".replace("1h", "1s"), "a.txt": "a.example\n"}
    )
    hangs = tmp_path / "hangs"
    with exporter(f"--config.file={path}", first=FILES_WATCHED_CLOSELY + HANGS.format(path=str(hangs))) as process:
        lists = Lists(process, tmp_path)
        until_sync(lambda: lists.holds)
        hangs.touch()
        until_sync(lambda: not lists.holds)
        assert lists.reload().status_code == 500
        assert process.text.count("the file system does not answer") <= 2
        before = process.value("mx_domain_probes_total", domain="a.example") or 0.0
        until_sync(lambda: (process.value("mx_domain_probes_total", domain="a.example") or 0.0) > before)
        hangs.unlink()
        until_sync(lambda: lists.holds)
        hangs.touch()
        until_sync(lambda: not lists.holds)
        assert process.stop() == 0


# In one process: what the file system may hold


class Loaded:
    """Loads again and again, as the process does, by a clock that runs with each look."""

    def __init__(self, folder: Path, patterns: str) -> None:
        self.path = write(folder, {"config.yaml": f"domain_files: [{patterns}]\n"})
        self.now = 0.0
        self.lists = DomainLists(clock=self._tick)

    def _tick(self) -> float:
        self.now += 0.5
        return self.now

    def __call__(self) -> Config:
        return load(self.path, self.lists)

    def names(self) -> set[str]:
        return {target.name for target in self().targets}


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_lists, "_LOOK_SECONDS", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "d").mkdir()
    return tmp_path / "d"


def test_a_list_is_emptied_on_purpose_by_saying_so(tmp_path: Path, folder: Path) -> None:
    loaded = Loaded(tmp_path, "'d/*'")
    for name, content, none in (("a.txt", "a.example\n", "# none\n"), ("b.yaml", "- b.example\n", "[]\n")):
        (folder / name).write_text(content)
        assert loaded.names() != set()
        (folder / name).write_text("# written by a program, at ten\n")
        assert loaded().failures
        (folder / name).write_text(none)
        config = loaded()
        assert (config.failures, config.targets) == ((), ())
        (folder / name).unlink()
        assert loaded().failures == ()


def test_a_list_that_was_renamed_or_taken_into_another_is_not_lost(tmp_path: Path, folder: Path) -> None:
    loaded = Loaded(tmp_path, "'d/*'")
    (folder / "a.txt").write_text("a.example\nb.example\n")
    loaded()
    (folder / "a.txt").rename(folder / "new.txt")
    config = loaded()
    assert (config.failures, {target.name for target in config.targets}) == ((), {"a.example", "b.example"})
    (folder / "new.txt").write_text("a.example\n")
    (folder / "other.yaml").write_text("- b.example\n")
    assert loaded().failures == ()
    (folder / "other.yaml").unlink()
    config = loaded()
    assert len(config.failures) == 1
    assert "other.yaml:1:1: is gone: its list of 1 names holds" in config.failures[0]


def test_a_pattern_that_is_taken_away_takes_its_lists_along(tmp_path: Path, folder: Path) -> None:
    loaded = Loaded(tmp_path, "'d/*'")
    (folder / "a.txt").write_text("a.example\n")
    loaded()
    loaded.path.write_text("domains: [b.example]\n")
    config = loaded()
    assert (config.failures, {target.name for target in config.targets}) == ((), {"b.example"})


def test_a_folder_that_vanishes_is_told_once_however_many_files_it_had(tmp_path: Path, folder: Path) -> None:
    loaded = Loaded(tmp_path, "'d/*'")
    for number in range(50):
        (folder / f"{number}.txt").write_text(f"d{number}.example\n")
    assert len(loaded.names()) == 50
    folder.rename(tmp_path / "elsewhere")
    config = loaded()
    assert len(config.targets) == 50
    assert len(config.failures) == 1
    assert "domain_files[0]: 50 files are gone that this matched" in config.failures[0]


@pytest.mark.parametrize("name", ["pipe.txt", "device.txt", "circle.txt", "socket.txt", "folder.txt/x"])
def test_what_is_no_regular_file_is_not_opened(
    tmp_path: Path, folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / name
    with ExitStack() as stack:
        match name:
            case "pipe.txt":
                os.mkfifo(path)
            case "device.txt":
                path.symlink_to("/dev/zero")
            case "circle.txt":
                path.symlink_to(path)
            case "socket.txt":
                import socket

                stack.enter_context(socket.socket(socket.AF_UNIX)).bind(str(path))
            case _:
                path.parent.mkdir()
                path.write_text("x.example\n")
        (folder / "a.txt").write_text("a.example\n")
        opened: list[str] = []
        really_open = os.open

        def spied(file: Path, flags: int) -> int:
            opened.append(str(file))
            return really_open(file, flags)

        monkeypatch.setattr(os, "open", spied)
        config = Loaded(tmp_path, "'d/*.txt'")()
        assert [target.name for target in config.targets] == ["a.example"]
        assert len(config.failures) == (0 if "folder" in name else 1)
        assert not any(name in file for file in opened)


def test_circles_of_links_and_endless_folders_end(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.txt").write_text("a.example\n")
    for name in ("up", "down"):
        (folder / name).symlink_to(folder)
    assert Loaded(tmp_path, "'d/**/*.txt'").names() == {"a.example"}
    assert Loaded(tmp_path, f"'d/{'*/' * 40}*.txt'")().failures == ()
    monkeypatch.setattr(domain_files, "MAX_SCANNED", 100)
    for number in range(200):
        (folder / f"{number}").touch()
    config = Loaded(tmp_path, "'d/*.txt'")()
    assert any("more than 100 entries" in failure for failure in config.failures)
    monkeypatch.undo()
    monkeypatch.setattr(domain_files, "MAX_FILES", 3)
    for number in range(10):
        (folder / f"{number}.txt").write_text(f"d{number}.example\n")
    config = Loaded(tmp_path, "'d/*.txt'")()
    assert len(config.targets) == 3
    assert any("more than 3 files are matched" in failure for failure in config.failures)


def test_all_lists_together_have_so_many_names(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.config.domain_list_loading.MAX_NAMES", 25)
    for number in range(4):
        (folder / f"{number}.txt").write_text("".join(f"d{number}{each}.example\n" for each in range(10)))
    config = Loaded(tmp_path, "'d/*.txt'")()
    assert len(config.targets) == 20
    assert len(config.failures) == 2
    assert "more than 25 names" in config.failures[0]


def test_a_list_of_yaml_that_would_be_large_in_memory_is_not_read(tmp_path: Path, folder: Path) -> None:
    (folder / "a.yaml").write_text(f"[{'a.b,' * 700_000}]")
    config = Loaded(tmp_path, "'d/*.yaml'")()
    assert (config.targets, len(config.failures)) == ((), 1)
    assert "600,000 line breaks and commas" in config.failures[0]


def test_all_lists_together_have_a_bound(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain_lists, "MAX_ALL_BYTES", 100)
    for number in range(10):
        (folder / f"{number}.txt").write_text(f"d{number}.example\n# {'x' * 20}\n")
    config = Loaded(tmp_path, "'d/*.txt'")()
    assert 0 < len(config.targets) < 10
    assert "all lists together" in config.failures[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a user to become")
def test_an_unreadable_folder_is_no_empty_one(tmp_path: Path, folder: Path) -> None:
    (folder / "a.txt").write_text("a.example\n")
    for each in (tmp_path, *tmp_path.parents):
        if each.stat().st_uid == os.geteuid() and each != Path("/"):
            each.chmod(each.stat().st_mode | 0o055)
    loaded = Loaded(tmp_path, "'d/*.txt', 'd/a.txt'")
    load(loaded.path, DomainLists())  # all that Python imports for it, perhaps from a folder of root alone
    os.seteuid(65534)
    try:
        assert loaded.names() == {"a.example"}
        os.seteuid(0)
        folder.chmod(0o700)
        os.seteuid(65534)
        config = loaded()
        assert [target.name for target in config.targets] == ["a.example"]
        assert any("Permission denied" in failure for failure in config.failures)
        fresh = load(loaded.path, DomainLists())
        assert any("Permission denied" in failure for failure in fresh.failures)
    finally:
        os.seteuid(0)


def test_a_name_of_a_file_is_a_label_and_a_line_whatever_it_is(tmp_path: Path, folder: Path) -> None:
    hostile = os.fsencode(folder) + b"/a\n\x1b[2J\xff.txt"
    with open(hostile, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(b"bad_\n")
    (each,) = Loaded(tmp_path, "'d/*.txt'")().lists
    assert each.file.isprintable()
    assert each.file.encode()
    assert each.problems[0].isprintable()


def test_a_file_from_the_future_is_waited_for_and_not_for_ever(tmp_path: Path, folder: Path) -> None:
    loaded = Loaded(tmp_path, "'d/*.txt'")
    (folder / "a.txt").write_text("a.example\n")
    later = time.time() + 86400
    os.utime(folder / "a.txt", (later, later))
    assert loaded.names() == {"a.example"}
