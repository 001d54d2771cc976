"""The scripted HTTPS server, asked with plain streams on every event loop, and with a real client."""

from __future__ import annotations

import asyncio
import ssl
import time

import httpx
import pytest

from exporter.lab.certificates import Authority
from exporter.lab.host import listening, listening_in_thread
from exporter.lab.https_host import HttpsHost, http
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until

AUTHORITY = Authority()
NAME = "localhost"
REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


async def _ask(port: int, request: bytes = REQUEST, *, seconds: float = 10.0) -> bytes:
    """The bytes that come back until the host closes; TimeoutError where it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.transport.abort()


def test_a_real_client_is_content_with_it() -> None:
    host = HttpsHost([http(b"hello", "200 OK", "text/plain", "X-Lab: yes")], context=AUTHORITY.server_context(NAME))
    trusting = ssl.create_default_context(cadata=AUTHORITY.pem)
    with listening_in_thread(host) as port:
        answer = httpx.get(f"https://localhost:{port}/policy", verify=trusting)
    assert (answer.status_code, answer.text, answer.headers["x-lab"]) == (200, "hello", "yes")
    assert host.requests[0].startswith(b"GET /policy HTTP/1.1\r\n")
    assert host.port == port


@on_every_loop
def test_its_answer_depends_on_the_name_that_is_asked_for(loop_factory: LoopFactory) -> None:
    async def main() -> list[bytes]:
        host = HttpsHost([b"another"], answers={"a.example": [b"that of ", b"a"]})
        async with listening(host) as port:
            return [await _ask(port), await _ask(port, REQUEST.replace(b"a.example", b"b.example"))]

    assert run_on(loop_factory, main()) == [b"that of a", b"another"]


@on_every_loop
def test_pieces_come_with_pauses(loop_factory: LoopFactory) -> None:
    async def main() -> float:
        async with listening(HttpsHost([b"x"] * 5, pause=0.02)) as port:
            began = time.monotonic()
            assert await _ask(port) == b"xxxxx"
            return time.monotonic() - began

    assert run_on(loop_factory, main()) >= 0.08


@on_every_loop
def test_it_may_speak_before_it_is_asked_and_stay(loop_factory: LoopFactory) -> None:
    async def main() -> bytes:
        host = HttpsHost([b"unasked"], speaks_first=True, stays_open=True)
        async with listening(host) as port:
            with pytest.raises(TimeoutError):
                await _ask(port, b"", seconds=0.1)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            said = await asyncio.wait_for(reader.readexactly(7), 10.0)
            writer.transport.abort()
            await until(lambda: host.counts["concurrent"] == 0)
            return said

    assert run_on(loop_factory, main()) == b"unasked"


@on_every_loop
def test_a_gate_holds_all_of_them_up_and_they_are_counted(loop_factory: LoopFactory) -> None:
    async def main() -> None:
        host = HttpsHost([b"now"], gate=asyncio.Event())
        async with listening(host) as port:
            asked = [asyncio.ensure_future(_ask(port)) for _ in range(3)]
            await until(lambda: host.counts["concurrent"] == 3)
            assert host.gate is not None
            host.gate.set()
            assert await asyncio.gather(*asked) == [b"now"] * 3
        assert host.counts == {"connections": 3, "concurrent": 0, "concurrent_max": 3}

    run_on(loop_factory, main())


@on_every_loop
def test_stopping_drops_the_clients_that_wait(loop_factory: LoopFactory) -> None:
    async def main() -> bytes:
        host = HttpsHost([b"never"], gate=asyncio.Event())
        async with listening(host) as port:
            asked = asyncio.ensure_future(_ask(port))
            await until(lambda: host.counts["concurrent"] == 1)
        try:
            return await asked
        except ConnectionResetError:
            return b""

    assert run_on(loop_factory, main()) == b""


def test_a_length_that_is_not_true_can_be_told() -> None:
    assert http(b"abc") == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nabc"
    assert b"Content-Length: 9\r\n\r\n" in http(b"abc", "404 Not Found", "", length=9)
