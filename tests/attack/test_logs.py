"""A reader of the log that stalls, goes away or has no room left: nothing of the exporter's work waits for it."""

from __future__ import annotations

import contextlib
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

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.app import logs
from tests.support import plain_http
from tests.support.exporter_process import HASTY, command
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
        families = text_string_to_metric_families(plain_http.get(f"{self.url}/metrics", timeout=30.0).text)
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
        assert plain_http.get(f"{exporter.url}/-/healthy").status_code == 200
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
    with (
        os.fdopen(reading, "rb", 0) as kept,
        subprocess.Popen(command(*flags, first=HASTY), stdout=writing, stderr=subprocess.PIPE) as process,
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
