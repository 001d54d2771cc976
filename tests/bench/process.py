"""Figures of a process by the kernel: its CPU seconds (clock_getcpuclockid(3)), its waits and its memory (proc(5))."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """CPU seconds of all its threads so far, in user space and in the kernel.

    From the process's own clock, which counts nanoseconds: /proc counts hundredths, and a short stretch of work is
    less than one of them. Raises `ProcessLookupError` if there is no such process.
    """
    clock = ctypes.c_int()
    error = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise ProcessLookupError(error, os.strerror(error))
    return time.clock_gettime(clock.value)


def waited_seconds(pid: int) -> float:
    """Seconds for which its first thread, that of the probes, wanted a core and had none."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def memory_bytes(pid: int) -> int:
    """Resident memory, what is shared with others included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """File descriptors it has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
