"""One client's connection as a scripted server sees it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.lab.client_connection import MAX_COMMAND_BYTES, ClientConnection
from tests.support.loops import LoopFactory, on_every_loop, run_on


@asynccontextmanager
async def _connected() -> AsyncIterator[tuple[ClientConnection, socket.socket]]:
    """A server's side, and the client's plain socket."""
    loop = asyncio.get_running_loop()
    accepted: asyncio.Future[ClientConnection] = loop.create_future()
    server = await loop.create_server(lambda: ClientConnection(accepted.set_result), "127.0.0.1", 0)
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, server.sockets[0].getsockname())
        connection = await accepted
        yield connection, client
        connection.abort()
        await connection.lost.wait()
    server.close()


@on_every_loop
def test_lines_come_without_their_ends_however_they_are_cut(loop_factory: LoopFactory) -> None:
    async def main() -> list[bytes | None]:
        async with _connected() as (connection, client):
            assert connection.peer == "127.0.0.1"
            loop = asyncio.get_running_loop()
            first = asyncio.ensure_future(connection.read_line())
            for piece in (b"EH", b"LO x\r", b"\nNOOP\nQU", b"IT\r\n"):
                await loop.sock_sendall(client, piece)
                await asyncio.sleep(0)
            lines = [await first, await connection.read_line(), await connection.read_line()]
            client.shutdown(socket.SHUT_WR)
            return [*lines, await connection.read_line()]

    assert run_on(loop_factory, main()) == [b"EHLO x", b"NOOP", b"QUIT", None]


@on_every_loop
def test_a_line_beyond_all_measure_is_none(loop_factory: LoopFactory) -> None:
    async def main() -> bytes | None:
        async with _connected() as (connection, client):
            await asyncio.get_running_loop().sock_sendall(client, b"x" * (MAX_COMMAND_BYTES + 1))
            return await connection.read_line()

    assert run_on(loop_factory, main()) is None


@on_every_loop
def test_a_client_that_goes_ends_a_wait_early(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with _connected() as (connection, client):
            assert not await connection.wait_gone(0.0)
            assert not await connection.wait_gone(0.01)
            client.close()
            assert await connection.wait_gone(3600.0)
            assert await connection.wait_gone(0.0)

    run_on(loop_factory, main())


@on_every_loop
def test_after_a_half_close_the_client_is_still_heard_and_no_more_is_said(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        async with _connected() as (connection, client):
            loop = asyncio.get_running_loop()
            await connection.send(b"220 x\r\n")
            connection.half_close()
            assert await loop.sock_recv(client, 100) == b"220 x\r\n"
            assert await loop.sock_recv(client, 100) == b""
            await loop.sock_sendall(client, b"QUIT\r\n")
            assert await connection.read_line() == b"QUIT"
            with pytest.raises(ConnectionResetError):
                await connection.send(b"221 bye\r\n")

    run_on(loop_factory, main())


@on_every_loop
def test_a_reset_is_one_and_a_close_is_none(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with _connected() as (connection, client):
            connection.reset()
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(client, 100)
        async with _connected() as (connection, client):
            connection.close()
            assert await loop.sock_recv(client, 100) == b""

    run_on(loop_factory, main())
