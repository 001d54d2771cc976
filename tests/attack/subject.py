"""The exporter under attack, a process as users run it, whose log is read only now and then; and its vital signs."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from tests.attack.world.plan import Plan
from tests.bench.process import cpu_seconds, memory_bytes, open_files, waited_seconds
from tests.support.exporter_process import ExporterProcess, command

_MOST_LINES: Final = 5000
# The least that the kernel gives (pipe(7)): whoever writes waits the sooner.
_PIPE_BYTES: Final = 4096
_PEAK: Final = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
_THREADS: Final = re.compile(r"^Threads:\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Vitals:
    """The figures of the process by the kernel."""

    memory: int  # bytes
    peak: int  # the most that it ever was
    files: int
    threads: int
    cpu: float  # seconds
    waited: float  # seconds for which the thread of the probes wanted a core and had none

    @classmethod
    def of(cls, pid: int) -> Vitals:
        """Raises OSError when it is no more."""
        status = Path(f"/proc/{pid}/status").read_text()
        peak, threads = _PEAK.search(status), _THREADS.search(status)
        if peak is None or threads is None:
            raise ProcessLookupError(f"{pid} has ended")
        memory = memory_bytes(pid), 1024 * int(peak[1])
        return cls(*memory, open_files(pid), int(threads[1]), cpu_seconds(pid), waited_seconds(pid))


class Subject(ExporterProcess):
    """`readable` is cleared while nobody shall read its log."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.readable = threading.Event()
        self.readable.set()
        self.lines = 0
        self.tracebacks: list[str] = []
        assert process.stderr is not None
        fcntl.fcntl(process.stderr.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        super().__init__(process)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self.process.pid

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines += 1
            if len(self.log) < _MOST_LINES:
                self.log.append(line.rstrip("\n"))
            if "Traceback" in line and len(self.tracebacks) < _MOST_LINES:
                self.tracebacks.append(line.rstrip("\n"))
            self.readable.wait()


@contextmanager
def subject(plan: Plan, roots: Path) -> Iterator[Subject]:
    """From when it serves; killed at the end of the block if it still runs."""
    # A log that nobody reads does harm where there is much to read: a line for each probe.
    level = "debug" if "own-log" in plan.kinds else "info"
    flags = ("--web.listen-address=127.0.0.1:0", f"--log.level={level}")
    argv = command(f"--config.file={plan.path('config.yaml')}", *flags)
    none = str(plan.path("no-roots"))
    with subprocess.Popen(
        ["/bin/sh", "-c", f'ulimit -n {plan.pace.files}; exec "$@"', "sh", *argv],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHONUNBUFFERED": "1", "SSL_CERT_FILE": str(roots), "SSL_CERT_DIR": none},
    ) as process:
        try:
            yield Subject(process)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
