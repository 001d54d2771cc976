"""An SMTP server that follows a script: well-behaved unless scripted otherwise, and then as hostile as one likes.

The script (:mod:`exporter.lab.smtp_script`) has the answers to the connection and each verb. The commands of a client,
and the end of its session, are kept in :class:`ServerSession` records. The host runs on any asyncio event loop.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from exporter.lab.client_connection import ClientConnection
from exporter.lab.host import LOOPBACK, require_loopback
from exporter.lab.smtp_script import (
    CLOSE,
    HALF_CLOSE,
    RESET,
    Answer,
    Drip,
    End,
    Flood,
    SmtpScript,
    Step,
    SwitchToTls,
    Wait,
)

# Records kept of a host that is probed for days; the newest count.
MAX_SESSIONS: Final = 1000
# Of one session, should a client be the hostile side.
MAX_COMMANDS: Final = 200
MAX_MESSAGE_BYTES: Final = 65536
# Connections not yet accepted; the kernel silently drops a SYN beyond, which is SilentHost's business and not ours.
BACKLOG: Final = 1024
_STUFFED: Final = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321 4.5.2


class Ended(Enum):
    """The end of a session."""

    QUIT = "quit"  # the client said QUIT
    EOF = "eof"  # the client closed without a word
    RESET = "reset"  # the client reset the connection, or closed it before it had read everything
    SCRIPT = "script"  # the script closed or reset it
    STOPPED = "stopped"  # the host was stopped


@dataclass(slots=True)
class ServerSession:
    """The record of one connection. Times are those of the clock of the event loop."""

    client: str
    opened: float
    commands: list[bytes] = field(default_factory=list)  # in order, without the line end
    message: bytes = b""  # as sent after DATA, dots still stuffed
    sent: int = 0  # bytes of the steps the client's side took whole
    tls: str = ""  # version, once a handshake is done
    ended: Ended | None = None  # None: still open
    closed: float | None = None

    @property
    def verbs(self) -> list[bytes]:
        """The first word of each command, upper case."""
        return [_verb(command) for command in self.commands]


class SmtpHost:
    """A listening socket and its script. `script` may be replaced at any time, for sessions to come.

    `beyond_loopback` lets it listen on any address: for a network namespace of one's own, from which nothing leaves.
    `on_message` is given each message after DATA, as it was before its dots were stuffed, ahead of the answer to it.
    """

    def __init__(
        self,
        script: SmtpScript,
        *,
        beyond_loopback: bool = False,
        on_message: Callable[[bytes], None] | None = None,
    ) -> None:
        self.script = script
        self._on_message = on_message
        self._beyond_loopback = beyond_loopback
        self.sessions: deque[ServerSession] = deque(maxlen=MAX_SESSIONS)
        self.connections = 0  # ever
        self.ended = 0
        self.concurrent = 0
        self.concurrent_max = 0
        self._listener: socket.socket | None = None
        self._opening: set[asyncio.Task[object]] = set()
        self._clients: set[ClientConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    async def start(self, address: str = LOOPBACK, port: int = 0) -> int:
        """Listen; returns the port."""
        if not self._beyond_loopback:
            require_loopback(address)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = listener = socket.create_server((address, port), family=family, backlog=BACKLOG)
        listener.setblocking(False)
        # Not create_server(): it may hand over connections after it was closed, and these would outlive the host.
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        bound: int = listener.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stop listening and drop every session."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        asyncio.get_running_loop().remove_reader(listener)
        listener.close()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._clients:  # whose task had not begun
            client = self._clients.pop()
            client.abort()
            await client.lost.wait()

    async def sessions_ended(self, count: int) -> None:
        """Wait until `count` sessions have ended, of all there ever were."""
        while self.ended < count:
            self._news.clear()
            await self._news.wait()

    def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            sock, _ = listener.accept()
        except OSError:
            return  # the client has gone again
        sock.setblocking(False)
        # A reply over TLS may follow the session tickets, and must not wait until these are acknowledged.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opening: asyncio.Task[object] = loop.create_task(
            loop.connect_accepted_socket(lambda: ClientConnection(self._begin), sock, ssl=self.script.implicit_tls)
        )
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # a client that does not care for our TLS is no client

    def _begin(self, client: ClientConnection) -> None:
        self._clients.add(client)
        task = asyncio.get_running_loop().create_task(self._serve(client))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        session = ServerSession(client.peer, loop.time(), tls=client.tls_version)
        self.sessions.append(session)
        self.connections += 1
        self.concurrent += 1
        self.concurrent_max = max(self.concurrent_max, self.concurrent)
        ended = Ended.STOPPED
        try:
            ended = await _SmtpSession(self.script, client, session, self._on_message).run()
            client.close()
            await client.lost.wait()
        finally:
            client.abort()
            session.ended, session.closed = ended, loop.time()
            self.concurrent -= 1
            self.ended += 1
            self._news.set()
            await client.lost.wait()
            self._clients.discard(client)


class _SmtpSession:
    """The script played against one client."""

    def __init__(
        self,
        script: SmtpScript,
        client: ClientConnection,
        session: ServerSession,
        on_message: Callable[[bytes], None] | None,
    ) -> None:
        self._on_message = on_message
        self._script = script
        self._client = client
        self._session = session
        self._closed = False

    async def run(self) -> Ended:
        try:
            await self._play(self._script.greeting)
            while not self._closed:
                line = await self._client.read_line()
                if line is None:
                    break
                await self._obey(line)
        except (ConnectionError, ssl.SSLError):
            pass  # the client has gone, or did not care for our TLS: it shows in the record
        if self._session.verbs[-1:] == [b"QUIT"]:
            return Ended.QUIT
        if self._closed:
            return Ended.SCRIPT
        return Ended.EOF if self._client.error is None else Ended.RESET

    async def _obey(self, line: bytes) -> None:
        if len(self._session.commands) == MAX_COMMANDS:
            await self._play(CLOSE)
            return
        self._session.commands.append(line)
        verb = _verb(line)
        sent = await self._play(self._script.answer(verb))
        if verb == b"DATA" and sent.startswith(b"354") and await self._take_message():
            await self._play(self._script.answer(b"."))

    async def _take_message(self) -> bool:
        """RFC 5321 4.1.1.4: up to a line that is only a dot; False when the client went before it."""
        began = len(self._session.message)
        while (line := await self._client.read_line()) is not None:
            if line == b".":
                if self._on_message is not None:
                    self._on_message(_STUFFED.sub(b"", self._session.message[began:]))
                return True
            room = MAX_MESSAGE_BYTES - len(self._session.message)
            self._session.message += (line + b"\r\n")[:room]
        return False

    async def _play(self, answer: Answer) -> bytes:
        """Play the steps; returns the first bytes sent as they stand."""
        steps: tuple[Step, ...] = () if answer is None else answer if isinstance(answer, tuple) else (answer,)
        for step in steps:
            await self._step(step)
            if self._closed:
                break
        return next((step for step in steps if isinstance(step, bytes)), b"")

    async def _step(self, step: Step) -> None:
        client = self._client
        match step:
            case bytes():
                await self._send(step)
            case Wait(seconds):
                await client.wait_gone(seconds)
            case Drip(data, seconds):
                for byte in data:
                    if await client.wait_gone(seconds):
                        break
                    await self._send(bytes([byte]))
            case Flood(data, seconds):
                while not await client.wait_gone(seconds):
                    await self._send(data)
            case SwitchToTls(context, then):
                self._session.tls = await client.start_tls(context)
                self._script = then or self._script
            case End():
                self._end(step)

    def _end(self, how: End) -> None:
        self._closed = how is not HALF_CLOSE
        if how is HALF_CLOSE:
            self._client.half_close()
        elif how is RESET:
            self._client.reset()

    async def _send(self, data: bytes) -> None:
        await self._client.send(data)
        self._session.sent += len(data)


def _verb(command: bytes) -> bytes:
    return command.split(b" ", 1)[0].split(b":", 1)[0].strip().upper()
