"""Sessions up to now."""

from __future__ import annotations

import asyncio

from exporter.net.connection import TcpConnection
from exporter.probe.begun_session import own_literal
from exporter.probe.session import Session
from exporter.probe.session_request import Endpoint
from exporter.smtp.plan import Plan


async def test_a_connection_that_is_gone_has_no_address_of_ours() -> None:
    receiver = Session(Plan(b""), Endpoint("127.0.0.1", 25), 1.0)
    assert own_literal(TcpConnection(asyncio.get_running_loop(), receiver)) == b"[0.0.0.0]"


async def test_our_address_is_that_of_the_connection() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.2", 0)
    receiver = Session(Plan(b""), Endpoint("127.0.0.2", 25), 1.0)
    connection = TcpConnection(asyncio.get_running_loop(), receiver)
    connection.open("127.0.0.2", server.sockets[0].getsockname()[1], "127.0.0.7")
    try:
        assert own_literal(connection) == b"[127.0.0.7]"
    finally:
        connection.close()
        server.close()
