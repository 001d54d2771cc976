"""A reader of the log that stalls, goes away or has no room left: nothing of the exporter's work waits for it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import logging
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.app import logs
from exporter.app.log_writer import MAX_BYTES, MAX_LINES, Buffer, LogWriter, descriptor_sink
from tests.support.exporter_process import command
from tests.support.waiting import until_sync

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="pipes of a size that can be set")
# 400 targets that fail at once, every second: at level debug 60 KB of lines a second.
CONFIG = (
    "defaults: {interval: 1s, timeout: 1s}\nresolver: {nameservers: ['127.0.0.1:1'], timeout: 100ms}\n"
    "egress: {trace: false}\ndomains: [" + ", ".join(f"d{number}.example" for number in range(400)) + "]\n"
)


class Started:
    """An exporter whose log nobody reads any more once it serves."""

    def __init__(self, process: subprocess.Popen[bytes], log: int) -> None:
        self.process = process
        said = b""
        while (serving := re.search(rb"listen=(\S+) ", said)) is None:
            assert select.select((log,), (), (), 30.0)[0]
            said += os.read(log, 4096)
            assert process.poll() is None, said
        self.url = f"http://{serving[1].decode()}"

    def value(self, name: str) -> float:
        families = text_string_to_metric_families(httpx.get(f"{self.url}/metrics", timeout=30.0).text)
        return sum(sample.value for family in families for sample in family.samples if sample.name == name)

    def probes_on(self, more: int = 300) -> None:
        """As many more probes: whatever buffers there are, their lines have filled them."""
        before = self.value("mx_domain_probes_total")
        until_sync(lambda: self.value("mx_domain_probes_total") > before + more)

    def ends(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30.0)


@contextlib.contextmanager
def started(tmp_path: Path, stderr: int, log: int) -> Iterator[Started]:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    flags = (f"--config.file={path}", "--log.level=debug", "--web.listen-address=127.0.0.1:0")
    with subprocess.Popen(command(*flags), stdout=subprocess.DEVNULL, stderr=stderr) as process:
        try:
            yield Started(process, log)
        finally:
            process.kill()


@LINUX
def test_a_full_pipe_and_a_reader_that_goes_away_stop_no_probe_and_no_sigterm(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(reading, "rb", 0) as kept, started(tmp_path, writing, kept.fileno()) as exporter:
        os.close(writing)
        exporter.probes_on()
        assert httpx.get(f"{exporter.url}/-/healthy").status_code == 200
        kept.close()
        until_sync(lambda: exporter.value("mx_exporter_log_lines_dropped_total") > 0)
        assert exporter.ends() == 0


@LINUX
def test_a_terminal_that_is_stopped_stops_nothing(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        with started(tmp_path, theirs, ours) as exporter:
            os.write(ours, termios.tcgetattr(theirs)[6][termios.VSTOP])  # Ctrl-S
            exporter.probes_on()
            assert exporter.ends() == 0
    finally:
        os.close(ours)
        os.close(theirs)


@LINUX
def test_a_demo_whose_page_nobody_reads_ends_when_it_is_told_to(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, True)
    flags = ("demo", "--web.listen-address=127.0.0.1:0")
    # Its probes of silent hosts need not be waited for at the end.
    hasty = "import exporter.app.monitor\nexporter.app.monitor.STOP_GRACE_SECONDS = 0.1"
    with (
        os.fdopen(reading, "rb", 0) as kept,
        subprocess.Popen(command(*flags, first=hasty), stdout=writing, stderr=subprocess.PIPE) as process,
    ):
        os.close(writing)
        assert process.stderr is not None
        try:
            demo = Started(process, process.stderr.fileno())
            assert select.select([kept], (), (), 30)[0]  # its page has begun
            demo.probes_on(5)
            assert demo.ends() == 0
        finally:
            process.kill()


def test_the_last_lines_of_a_crash_are_written(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    crash = (
        "import exporter.app.process\n"
        "def crash():\n    raise RuntimeError('a\\nb\\x1b[2J')\n"
        "exporter.app.process.spare_the_heap = crash"
    )
    flags = (f"--config.file={tmp_path}/config.yaml", "--web.listen-address=127.0.0.1:0")
    done = subprocess.run(command(*flags, first=crash), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    (last,) = [line for line in done.stderr.splitlines() if "level=error" in line]
    assert "RuntimeError: a" in last
    assert last.isprintable()


# The writer by itself


class Reader:
    """A sink that stalls until it is let go, and fails where it is told to."""

    def __init__(self) -> None:
        self.goes = threading.Event()
        self.asked = threading.Event()
        self.taken = b""
        self.errors: list[OSError] = []
        self.at_most = 1 << 20

    def __call__(self, data: Buffer, /) -> int:
        self.asked.set()
        assert self.goes.wait(30.0)
        if self.errors and not self.at_most:
            raise self.errors[0]
        some = bytes(data[: self.at_most])
        self.taken += some
        if self.errors:
            self.at_most = 0
        return len(some)


@pytest.mark.parametrize("size", [20, MAX_BYTES // 100])
def test_what_a_stalled_reader_costs_is_bounded_counted_and_told_once(size: int) -> None:
    reader = Reader()
    writer = LogWriter(reader, lambda lines: f"{lines} lost\n")
    count = 3 * MAX_LINES if size < 100 else 500
    for number in range(count):
        writer.put(f"{number:06}{'x' * (size - 7)}\n")
        assert reader.asked.wait(30.0)  # the writer's thread stalls from the first line on, however late it began
    assert not writer.flush(0.0)
    dropped = writer.dropped
    assert 0 < dropped < count
    reader.goes.set()
    assert writer.flush(30.0)
    lines = reader.taken.decode().splitlines()
    assert len(lines) <= MAX_LINES + 2000  # what was under way, and the line about the rest
    assert len(reader.taken) <= MAX_BYTES + 40_000 + size
    assert lines[-1] == f"{dropped} lost"
    assert len(lines) - 1 + dropped == count
    writer.put("again\n")
    assert writer.flush(30.0)
    assert reader.taken.endswith(b"lost\nagain\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EPIPE, errno.EBADF, errno.EIO, errno.EDQUOT])
def test_an_error_of_writing_costs_the_lines_alone(number: int) -> None:
    reader = Reader()
    writer = LogWriter(reader, lambda lines: f"{lines} lost\n")
    reader.errors = [OSError(number, os.strerror(number))]
    reader.at_most = 5
    reader.goes.set()
    writer.put("one and a half\n")
    assert writer.flush(30.0)
    assert writer.dropped == 1
    reader.errors, reader.at_most = [], 1 << 20
    writer.put("whole\n")
    assert writer.flush(30.0)
    assert reader.taken == b"one a\nwhole\n1 lost\n"


def test_a_descriptor_that_somebody_made_non_blocking_loses_nothing() -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    writer = LogWriter(descriptor_sink(writing))
    sent = [f"{number} {'x' * 1000}\n" for number in range(1000)]
    for line in sent:
        writer.put(line)
    with os.fdopen(reading, "rb") as reader:
        got = [reader.readline().decode() for _ in sent]
    assert (got, writer.dropped) == (sent, 0)
    os.close(writing)


class _Nasty:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.filterwarnings("default")
def test_what_cannot_be_written_and_what_python_would_print_itself_are_lines_too() -> None:
    out = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("info", "logfmt", out)
        with logs.everything_logged():
            logging.getLogger("exporter.x").info("down", extra={"fields": {"detail": _Nasty()}})
            logging.getLogger("exporter.x").info("%d", "no number")
            deep: BaseException = ValueError("x" * 1_000_000)
            for _ in range(300):
                deep, deep.__context__ = RuntimeError("again"), deep
            logging.getLogger("exporter.x").error("deep", exc_info=deep)
            thread = threading.Thread(target=lambda: [][0])
            thread.start()
            thread.join()
            warnings.warn("told by python", UserWarning, stacklevel=1)
            sys.unraisablehook(_Unraisable())  # type: ignore[arg-type]
        assert logs.flush(30.0)
    finally:
        root.handlers[:], root.level = handlers, level
    lines = out.getvalue().splitlines()
    assert len(lines) == 6
    assert all(len(line) < 40_000 for line in lines)
    for word, line in zip(
        ("RuntimeError", "TypeError", "msg=deep", "IndexError", "told by python", "KeyError"), lines, strict=True
    ):
        assert word in line


class _Unraisable:
    exc_type = KeyError
    exc_value = KeyError("gone")
    exc_traceback = None
    err_msg = "Exception ignored in"
    object = None
