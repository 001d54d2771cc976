"""The writer of log lines by itself: readers that stall, and errors of writing."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from exporter.app.log_writer import MAX_BYTES, MAX_LINES, Buffer, LogWriter, descriptor_sink


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
