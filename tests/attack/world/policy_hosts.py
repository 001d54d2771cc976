"""MTA-STS policy hosts: the honest one of the good domains, and those that hold up whoever asks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from tests.attack.world.kinds import Room
from tests.attack.world.plan import Plan, good_domain
from tests.support.certificates import server_context

HTTPS_PORT: Final = 443
_POLICY: Final = "version: STSv1\r\nmode: enforce\r\nmx: mx.{}\r\nmax_age: 604800\r\n"
_PIECE: Final = b"x" * 16384
_MANY: Final = 4096
_SILENT_SECONDS: Final = 30.0


async def start_honest(plan: Plan, stack: contextlib.AsyncExitStack) -> None:
    """The policies of the good domains."""
    names = [good_domain(number) for number in range(plan.pace.good) if plan.has_policy(number)]
    answers = {f"mta-sts.{name}": [http(_POLICY.format(name).encode())] for name in names}
    host = HttpsHost([http(status="404 Not Found")], answers=answers, context=_context(plan, "good"))
    await stack.enter_async_context(listening(host, plan.honest_policy_host, HTTPS_PORT))


async def start_hostile(plan: Plan, stack: contextlib.AsyncExitStack, tries: Counter[str]) -> None:
    """Those of the kinds that attack; `tries` counts connections."""
    context = _context(plan, "hostile")
    for kind in plan.active(Room.POLICY):
        where = plan.policy_host(kind)
        if kind.name in ("sts-silent", "sts-garbage"):
            serve = _Silent(tries) if kind.name == "sts-silent" else _Garbage(tries)
            await asyncio.start_server(serve, where, HTTPS_PORT, backlog=1024)
            continue
        dripping = kind.name == "sts-drip"
        head, piece = (http(length=60_000), b"x") if dripping else (http(length=10**9), _PIECE)
        host = _Counted([head, *[piece] * _MANY], tries, kind.name)
        host.pause = 0.5 if dripping else 0.0
        host.context = context
        await stack.enter_async_context(listening(host, where, HTTPS_PORT))


class _Counted(HttpsHost):
    def __init__(self, answer: Sequence[bytes], tries: Counter[str], kind: str) -> None:
        super().__init__(answer)
        self._tries = tries
        self._kind = kind

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tries[self._kind] += 1
        self.requests.clear()
        with contextlib.suppress(RuntimeError):  # uvloop's word for a connection that is closed
            await super().serve(reader, writer)


class _Silent:
    def __init__(self, tries: Counter[str]) -> None:
        self._tries = tries

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what comes and say nothing."""
        self._tries["sts-silent"] += 1
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_SILENT_SECONDS):
                while await reader.read(4096):
                    pass
        writer.transport.abort()


class _Garbage:
    _SAID: Final = (b"HTTP/1.1 200 OK\r\n\r\n", b"220 mx ESMTP\r\n", b"\x15\x03\x03\0\2\2\x28", b"")

    def __init__(self, tries: Counter[str]) -> None:
        self._tries = tries

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Something else each time."""
        self._tries["sts-garbage"] += 1
        with contextlib.suppress(OSError):
            writer.write(self._SAID[self._tries["sts-garbage"] % len(self._SAID)] or os.urandom(5000))
            await writer.drain()
        writer.close()


def _context(plan: Plan, name: str) -> ssl.SSLContext:
    return server_context(Path(plan.folder, f"{name}.pem"), Path(plan.folder, f"{name}.key"))
