"""TLS over a stream with limits, against real servers and against ones that send without end."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from exporter.lab.certificates import Authority
from exporter.policies.mtasts.fetch import tls_context
from exporter.policies.mtasts.tls_stream import MAX_HANDSHAKE_BYTES, MAX_OVERHEAD_BYTES, LimitError, SecureStream
from tests.tls.test_client import hello

NAME = "mta-sts.a.example"
AUTHORITY = Authority()
SERVER = AUTHORITY.server_context(NAME)
CONTEXT = tls_context()
CONTEXT.load_verify_locations(cadata=AUTHORITY.pem)
# Secure renegotiation, without which OpenSSL ends the handshake at once (RFC 5746 3.4).
SAFE = b"\xff\x01\x00\x01\x00"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected(serve: Serve, tls: ssl.SSLContext | None = SERVER, name: str = NAME) -> AsyncIterator[SecureStream]:
    """The client's end of a connection to a server of one connection."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        stream = SecureStream(reader, writer, CONTEXT, name)
        try:
            yield stream
        finally:
            stream.abort()


async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say a line again, and end."""
    writer.write(await reader.readline())


def sending(data: bytes, times: int = 1) -> Serve:
    """A server without TLS that says `data` so many times to whatever it hears, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        for _ in range(times):
            writer.write(data)
            await writer.drain()

    return serve


async def read_all(stream: SecureStream) -> bytes:
    found = b""
    while text := await stream.read():
        found += text
    return found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_text_goes_to_and_fro_to_the_end(version: ssl.TLSVersion) -> None:
    server = AUTHORITY.server_context(NAME)
    server.minimum_version = server.maximum_version = version
    async with connected(once, server) as stream:
        await stream.handshake()
        stream.write(b"hello\n")
        assert await read_all(stream) == b"hello\n"
        assert await stream.read() == b""


async def test_a_long_text_in_large_records_is_read_whole() -> None:
    async def long(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline() * 20_000)

    async with connected(long) as stream:
        await stream.handshake()
        stream.write(b"hello\n")
        assert await read_all(stream) == b"hello\n" * 20_000


@pytest.mark.parametrize(
    ("tls", "name"),
    [
        (SERVER, "other.example"),
        (Authority().server_context(NAME), NAME),
        (AUTHORITY.server_context(NAME, expired=True), NAME),
    ],
    ids=["name", "untrusted", "expired"],
)
async def test_a_certificate_that_does_not_verify_ends_the_handshake(tls: ssl.SSLContext, name: str) -> None:
    async with connected(once, tls, name) as stream:
        with pytest.raises(ssl.SSLCertVerificationError):
            await stream.handshake()


@pytest.mark.parametrize("data", [b"", hello()[:20]])
async def test_an_end_within_the_handshake_is_a_closed_connection(data: bytes) -> None:
    async with connected(sending(data), None) as stream:
        with pytest.raises(ConnectionResetError):
            await stream.handshake()


async def test_a_server_without_tls_is_an_error_of_tls() -> None:
    async with connected(sending(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None) as stream:
        with pytest.raises(ssl.SSLError):
            await stream.handshake()


async def test_a_handshake_has_a_limit_of_bytes() -> None:
    """Records of a certificate message that never ends."""
    endless = b"\x16\x03\x03\x40\x00" + b"\x0b\x01\x86\xa0" + bytes(0x4000 - 4)
    async with connected(
        sending(hello(extensions=SAFE) + endless * (1 + MAX_HANDSHAKE_BYTES // 0x4000)), None
    ) as stream:
        with pytest.raises(LimitError, match=f"sent more than {MAX_HANDSHAKE_BYTES} bytes of TLS"):
            await stream.handshake()


async def test_after_the_handshake_records_have_a_limit() -> None:
    """A text in records of a byte: each has 22 bytes beside it."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        for _ in range(2 * MAX_OVERHEAD_BYTES // 22):
            writer.write(b"x")

    async with connected(drip) as stream:
        await stream.handshake()
        stream.write(b"go\n")
        with pytest.raises(LimitError, match=r"records of TLS|bytes of TLS that are no text"):
            await read_all(stream)
