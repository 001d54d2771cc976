"""The shares of the open files: probes, web clients, the rest."""

from __future__ import annotations

import logging
import resource
import subprocess
import sys

import pytest

from exporter.net.open_files import OpenFiles, raise_open_files
from exporter.web.server.server import MAX_CONNECTIONS, ConnectionSlots


@pytest.mark.parametrize("limit", [64, 256, 1024, 4096, 65536])
def test_web_clients_have_a_quarter_and_probes_leave_it_to_them(limit: int) -> None:
    files = OpenFiles(limit)
    places = ConnectionSlots.of(files)
    assert places.connections + places.refused + places.handshakes <= limit // 4
    assert places.connections <= MAX_CONNECTIONS
    assert files.probes_below + files.web + files.own <= limit
    assert files.below <= limit - files.own < limit
    assert files.probes_below >= limit // 2


_SCRIPT = """
import asyncio, errno, os, sys
from exporter.app import logs
from exporter.net.open_files import raise_open_files
from exporter.net.connection import TcpConnection
logs.configure("warn", "logfmt")
TcpConnection.most_files = raise_open_files(10).probes_below

class Receiver:
    def connect_failed(self, evidence): self.evidence = evidence

async def main():
    receiver = Receiver()
    held = []
    while len(held) < TcpConnection.most_files:
        held.append(os.dup(2))
        if held[-1] >= TcpConnection.most_files - 1:
            break
    connection = TcpConnection(asyncio.get_running_loop(), receiver)
    connection.open("127.0.0.1", 9)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert receiver.evidence.errno == errno.EMFILE, receiver.evidence
    os.close(os.dup(2))  # one of the exporter's own
asyncio.run(main())
"""


@pytest.mark.unmeasured
def test_a_probe_takes_no_file_that_is_for_others() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_too_few_for_the_probes_are_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with caplog.at_level(logging.WARNING, "exporter.net.open_files"):
            files = raise_open_files(1)
            assert not caplog.records
            raise_open_files(files.limit)
        assert caplog.records[0].fields["for_web_clients"] == files.web  # type: ignore[attr-defined]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
