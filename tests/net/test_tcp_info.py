"""The kernel's facts of a connection on loopback."""

from __future__ import annotations

import socket
import sys

import pytest

from exporter.net import tcp_info

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these facts")


def test_a_handshake_that_is_done_has_its_round_trip_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as sock:
        handshake = tcp_info.handshake(sock)
        assert not handshake.under_way
        assert handshake.whole
        assert handshake.rtt is not None
        assert 0.0 < handshake.rtt < 1.0
        assert not tcp_info.unsent(sock)


def test_a_connect_without_an_answer_is_under_way() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        with socket.create_connection(server.getsockname()), socket.socket() as sock:
            sock.setblocking(False)
            sock.connect_ex(server.getsockname())  # the queue is full: its SYN is dropped
            assert tcp_info.handshake(sock).under_way
