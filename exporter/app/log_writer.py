"""Lines for a reader that may stall, or be gone: written by a thread of their own, from a queue that is bounded.

Code that logs never waits: not for a full pipe, a terminal stopped by Ctrl-S, a journal that stands still or a slow
disk. Lines that do not fit are counted, and the count is written as a line as soon as there is room again. Errors of
writing (the reader is gone, the disk is full) cost the lines and nothing else.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, TextIO

# Lines that wait for the reader; at the usual level minutes of work, at `debug` seconds.
MAX_LINES: Final = 10_000
# The same in bytes: a line with a traceback has 16 KiB.
MAX_BYTES: Final = 4 * 1024 * 1024
# Written in one go, if there is that much: one call of the system for many short lines.
_BATCH_BYTES: Final = 32_768
# How long one look lasts at a reader whose descriptor is non-blocking (one that we share with others).
_LOOK_SECONDS: Final = 1.0


Buffer = bytes | memoryview


class Sink(Protocol):
    """The destination of lines."""

    def __call__(self, data: Buffer, /) -> int:
        """Write some of `data`; the number of bytes that were. Raises OSError."""


class LogWriter:
    """A queue of lines and the thread that writes them; the thread begins with the first line."""

    def __init__(self, sink: Sink, dropped_line: Callable[[int], str] | None = None) -> None:
        """`dropped_line` makes the line that reports the number of dropped lines."""
        self._sink = sink
        self._dropped_line = dropped_line
        # Reentrant: while a line is put, the collector may run a finaliser that logs.
        self._changed = threading.Condition(threading.RLock())
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._writing = False
        self._thread: threading.Thread | None = None
        self._unreported = 0
        self._cut = False  # the last line was written in part
        self.dropped = 0

    def put(self, line: str) -> None:
        """Have `line`, with its line feed, written; from any thread, without waiting."""
        data = line.encode("utf-8", "backslashreplace")
        with self._changed:
            if len(self._lines) >= MAX_LINES or self._bytes + len(data) > MAX_BYTES:
                self._drop(1)
                return
            self._lines.append(data)
            self._bytes += len(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Wait until all is written, at most so long; whether all is."""
        with self._changed:
            return self._changed.wait_for(lambda: not (self._lines or self._writing), seconds)

    def _drop(self, lines: int) -> None:
        self.dropped += lines
        self._unreported += lines

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines)
                batch = self._next_batch()
                unreported, self._writing = self._unreported, True
            lost = self._write(batch)
            with self._changed:
                if lost:
                    self._drop(lost)
                elif unreported:
                    self._unreported -= unreported
                    self._report_dropped(unreported)
                self._writing = False
                self._changed.notify_all()

    def _next_batch(self) -> bytes:
        taken: list[bytes] = []
        size = 0
        while self._lines and (not taken or size + len(self._lines[0]) <= _BATCH_BYTES):
            taken.append(self._lines.popleft())
            size += len(taken[-1])
        self._bytes -= size
        return b"".join(taken)

    def _report_dropped(self, lines: int) -> None:
        """Add the line behind those that were waiting meanwhile: there the dropped lines are missing."""
        if self._dropped_line is not None:
            data = self._dropped_line(lines).encode("utf-8", "backslashreplace")
            self._lines.append(data)
            self._bytes += len(data)

    def _write(self, batch: bytes) -> int:
        """Write a batch, waiting as long as the reader does; the number of its lines that were lost."""
        # A line that was cut must not run into the next one.
        data = b"\n" + batch if self._cut else batch
        written = 0
        try:
            while written < len(data):
                written += self._sink(memoryview(data)[written:])
        except Exception:  # OSError, and whatever a stream that is no file may raise
            if written:
                self._cut = data[written - 1 : written] != b"\n"
            return max(1, data.count(b"\n", max(written, len(data) - len(batch))))
        self._cut = False
        return 0


def sink_of(stream: TextIO) -> Sink:
    """The destination of `stream`, past its buffer and its lock: both would be held while a reader stalls."""
    try:
        to_descriptor = descriptor_sink(stream.fileno())
    except (OSError, ValueError):  # io.UnsupportedOperation is both; ValueError: it is closed
        to_descriptor = None

    def write(data: Buffer, /) -> int:
        # While the stream is held, its descriptor is not closed, and never becomes that of a socket.
        if to_descriptor is not None and not stream.closed:
            return to_descriptor(data)
        stream.write(bytes(data).decode("utf-8", "replace"))
        stream.flush()
        return len(data)

    return write


def descriptor_sink(descriptor: int) -> Sink:
    """A file descriptor, past Python's streams: their locks would be held while the reader stalls."""

    def write(data: Buffer, /) -> int:
        while True:
            try:
                return os.write(descriptor, data)
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise
            # Another process that shares the descriptor made it non-blocking.
            select.select((), (descriptor,), (), _LOOK_SECONDS)

    return write
