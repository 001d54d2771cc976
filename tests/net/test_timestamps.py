"""The time of arrival of what is read."""

from __future__ import annotations

import socket
import sys
import time

import pytest

from exporter.net import timestamps


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        sock = socket.create_connection(server.getsockname())
        peer, _ = server.accept()
    return sock, peer


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the time of arrival")
def test_data_has_the_time_at_which_it_came_and_not_that_of_its_reading() -> None:
    sock, peer = _pair()
    with sock, peer:
        timestamps.enable(sock)
        before = time.perf_counter()
        peer.sendall(b"220 mx.example\r\n")
        sent = time.perf_counter()
        while time.perf_counter() < sent + 0.05:
            pass
        data, came = timestamps.receive(sock, 100, time.perf_counter())
    assert data == b"220 mx.example\r\n"
    assert before - 0.01 < came < sent + 0.02


def test_without_such_a_time_that_of_the_event_counts() -> None:
    sock, peer = _pair()
    with sock, peer:
        peer.sendall(b"220 mx.example\r\n")
        assert timestamps.receive(sock, 100, 12.5) == (b"220 mx.example\r\n", 12.5)
