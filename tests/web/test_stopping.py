"""The end of the exporter while scrapers wait: each is told so, and nothing is logged."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exporter.lab.host import listening_in_thread
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ordinary
from tests.support.exporter_process import HASTY, ExporterProcess, exporter
from tests.support.waiting import until_sync

REQUESTS = 20


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[ExporterProcess]:
    """An exporter whose target is mute: whoever asks for it waits."""
    mute = SmtpHost(ordinary("mx.mute.example", greeting=None))
    with listening_in_thread(mute, "127.53.201.1") as port:
        path = tmp_path / "config.yaml"
        path.write_text(
            "defaults: {interval: 1h, timeout: 60s, helo: probe.example, allow_addresses: [127.0.0.0/8]}\n"
            "egress: {witness_ports: [], trace: false}\n"
            f"modules: {{default: {{}}, other: {{}}}}\nhosts: ['127.53.201.1:{port}']\n"
        )
        with exporter(f"--config.file={path}", first=HASTY) as process:
            yield process


def test_scrapes_under_way_end_quietly(waiting: ExporterProcess) -> None:
    address = waiting.url.removeprefix("http://").rpartition(":")
    target = waiting.get("/sd").json()[0]["targets"][0]
    with ExitStack() as opened:
        clients = [
            opened.enter_context(socket.create_connection((address[0], int(address[2])), 30)) for _ in range(REQUESTS)
        ]
        for number, client in enumerate(clients):
            what = f"target={target}&module={('default', 'other')[number % 2]}&debug={('true', 'no')[number // 2 % 2]}"
            client.sendall(f"GET /probe?{what} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        until_sync(lambda: waiting.value("mx_exporter_probes_in_flight"))
        assert waiting.stop() == 0
        answers = {client.recv(1000).partition(b"\r\n")[0] for client in clients}
    assert answers == {b"HTTP/1.1 503 Service Unavailable"}
    assert "traceback" not in waiting.text.lower()
    assert not [line for line in waiting.log if "level=error" in line]
