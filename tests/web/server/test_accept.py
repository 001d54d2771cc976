"""Accepting while descriptors are short."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from exporter.web.server.accept import Listener
from exporter.web.server.listen import listen
from exporter.web.server.log_limit import LogLimit
from tests.support.waiting import until

log = logging.getLogger("exporter.test_accept")


@asynccontextmanager
async def listening(
    accepted: list[asyncio.BaseTransport], most_files: int, make_room: Callable[[], None]
) -> AsyncIterator[tuple[str, int]]:
    """A listener on loopback; its address."""

    class Accepted(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted.append(transport)

    (sock,) = listen(["127.0.0.1:0"])
    shortage = LogLimit(log, "short")
    listener = Listener(sock, Accepted, make_room=make_room, most_files=most_files, shortage=shortage)
    try:
        yield sock.getsockname()
    finally:
        listener.close()
        await listener.wait_closed()
        for transport in accepted:
            transport.close()
        sock.close()


async def connect(address: tuple[str, int], opened: AsyncExitStack) -> asyncio.StreamReader:
    reader, writer = await asyncio.open_connection(*address)
    opened.callback(writer.close)
    return reader


async def test_connections_are_accepted_until_it_is_closed() -> None:
    accepted: list[asyncio.BaseTransport] = []
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    async with AsyncExitStack() as opened:
        async with listening(accepted, limit, lambda: None) as address:
            for _ in range(3):
                await connect(address, opened)
            await until(lambda: len(accepted) == 3)
        with pytest.raises(ConnectionRefusedError):
            await connect(address, opened)


async def test_a_descriptor_for_the_exporter_is_given_back_and_a_client_makes_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    accepted: list[asyncio.BaseTransport] = []
    asked: list[None] = []
    with caplog.at_level(logging.WARNING, log.name):
        async with AsyncExitStack() as opened, listening(accepted, 0, lambda: asked.append(None)) as address:
            reader = await connect(address, opened)
            assert await reader.read() == b""  # closed, and the listener goes on a moment later
            reader = await connect(address, opened)
            assert await reader.read() == b""
            await until(lambda: len(asked) == 2)
    assert accepted == []
    assert [record.message for record in caplog.records] == ["short"]  # once a minute
