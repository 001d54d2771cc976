"""The only name server of the world, over UDP and TCP on one port: cheap, for good domains ask it too."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import cast

from tests.attack.world.hostile_answers import Reply
from tests.attack.world.records import Question, parse

_IDLE_SECONDS = 30.0


class NameServer:
    """Sends what `answer` says."""

    def __init__(self, answer: Callable[[Question], Reply]) -> None:
        self._answer = answer
        self._asked = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, where: str, port: int) -> None:
        """Answer, until the loop ends."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: _Datagrams(self._reply), local_addr=(where, port))
        await asyncio.start_server(self._accept, where, port, backlog=1024)

    def _reply(self, data: bytes, *, tcp: bool = False) -> Reply | None:
        self._asked += 1
        question = parse(data, tcp=tcp, serial=self._asked)
        return None if question is None else self._answer(question)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 7766: messages behind their lengths."""
        with contextlib.suppress(OSError, EOFError, TimeoutError), contextlib.closing(writer):
            while True:
                async with asyncio.timeout(_IDLE_SECONDS):
                    (length,) = struct.unpack("!H", await reader.readexactly(2))
                    data = await reader.readexactly(length)
                reply = self._reply(data, tcp=True)
                if reply is None:
                    return
                if reply.hangs:
                    async with asyncio.timeout(_IDLE_SECONDS):
                        await reader.read()
                    return
                await _send(writer, reply)


async def _send(writer: asyncio.StreamWriter, reply: Reply) -> None:
    for data in _each(reply):
        framed = struct.pack("!H", len(data)) + data
        step = 1 if reply.pause else len(framed)
        for at in range(0, len(framed), step):
            if writer.is_closing():
                return
            writer.write(framed[at : at + step])
            await writer.drain()
            if reply.pause:
                await asyncio.sleep(reply.pause)


def _each(reply: Reply) -> tuple[bytes, ...]:
    return reply.data if isinstance(reply.data, tuple) else (reply.data,)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, reply: Callable[[bytes], Reply | None]) -> None:
        self._reply = reply
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._reply(data)
        if reply is not None and self._transport is not None:
            for datagram in _each(reply):
                if datagram:
                    self._transport.sendto(datagram, addr)
