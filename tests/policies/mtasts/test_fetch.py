"""Fetching a policy over HTTPS from hosts that do it right and wrong, on both event loops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from exporter.lab.certificates import Authority
from exporter.lab.host import listening
from exporter.lab.https_host import HttpsHost, http
from exporter.model.policy import MtaStsProblem as P
from exporter.policies.mtasts.fetch import MAX_ADDRESSES, FetchFault, fetch, tls_context
from exporter.policies.mtasts.policy import MAX_POLICY_BYTES
from tests.support.loops import LoopFactory, on_every_loop, run_on

NAME = "mta-sts.a.example"
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.a.example\nmax_age: 86400\n"
AUTHORITY = Authority()
LONG = b"x" * (MAX_POLICY_BYTES + 1)
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
ELSEWHERE = "Location: https://b.example/"
OVERDRAWN = http(status="200 OK", length=10**9)


def _trusting() -> ssl.SSLContext:
    context = tls_context()
    context.load_verify_locations(cadata=AUTHORITY.pem)
    return context


CONTEXT = _trusting()
SERVER = AUTHORITY.server_context(NAME)


async def _fetch(
    host: HttpsHost, server: ssl.SSLContext | None = SERVER, seconds: float = 10.0, context: ssl.SSLContext = CONTEXT
) -> bytes | FetchFault:
    host.context = server
    async with listening(host) as port:
        return await fetch(NAME, ["127.0.0.1"], context, port=port, seconds=seconds)


@dataclass(frozen=True)
class Case:
    name: str
    answer: Sequence[bytes]
    expected: bytes | P = POLICY
    pause: float = 0.0
    stays_open: bool = False
    seconds: float = 10.0


CASES = [
    Case("plain", [http(POLICY)]),
    Case("with a charset", [http(POLICY, content_type="Text/Plain ; charset=utf-8")]),
    Case("stays open", [http(POLICY)], stays_open=True),
    Case("byte by byte", [bytes([byte]) for byte in http(POLICY)], pause=0.001),
    Case(
        "chunked",
        [CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(POLICY), POLICY)],
    ),
    Case("until the end", [b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + POLICY]),
    Case("after an interim answer", [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", http(POLICY)]),
    Case("as large as allowed", [http(LONG[:-1])], LONG[:-1]),
    Case("empty", [http(b"")], b""),
    *(
        Case(f"redirect {code}", [http(POLICY, f"{code} Moved", "text/plain", ELSEWHERE)], P.REDIRECT)
        for code in (301, 302, 307, 308)
    ),
    Case("not modified", [b"HTTP/1.1 304 Not Modified\r\n\r\n"], P.REDIRECT),
    Case("not found", [http(b"nothing here", "404 Not Found")], P.HTTP_STATUS),
    Case("broken", [http(POLICY, "500 Internal Server Error")], P.HTTP_STATUS),
    Case("created", [http(POLICY, "201 Created")], P.HTTP_STATUS),
    Case("html", [http(POLICY, content_type="text/html")], P.CONTENT_TYPE),
    Case("no type", [http(POLICY, content_type="")], P.CONTENT_TYPE),
    Case("escapes as a type", [http(POLICY, content_type="text/\x1b[31m")], P.CONTENT_TYPE),
    Case("compressed", [http(POLICY, "200 OK", "text/plain", "Content-Encoding: gzip")], P.HTTP),
    Case("too large", [http(LONG)], P.TOO_LARGE),
    Case("endless", [OVERDRAWN, *([b"x" * 65536] * 20)], P.TOO_LARGE),
    Case("endless in chunks", [CHUNKED, *([b"1\r\nx\r\n" * 20000] * 9)], P.TOO_LARGE),
    Case("endless head", [b"HTTP/1.1 200 OK\r\n", *([b"X-Y: z\r\n" * 1000] * 9)], P.HTTP, stays_open=True),
    Case("endless interim answers", [b"HTTP/1.1 100 Continue\r\n\r\n" * 20000], P.TOO_LARGE, stays_open=True),
    Case("short", [http(POLICY, length=1000)], P.HTTP),
    Case("no answer", [], P.HTTP),
    Case("no HTTP", [b"220 mx.a.example ESMTP\r\n"], P.HTTP),
    Case("HTTP/2", [b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18], P.HTTP),
    Case("silent", [], P.TIMEOUT, stays_open=True, seconds=0.5),
    Case("drips", [http(POLICY)[:40], *(b"x" for _ in range(1000))], P.HTTP, pause=0.001),
    Case("drips beyond the time", [bytes([byte]) for byte in http(POLICY)], P.TIMEOUT, pause=0.1, seconds=0.5),
]


@on_every_loop
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_what_a_host_answers_is_the_policy_or_a_fault(case: Case, loop_factory: LoopFactory) -> None:
    host = HttpsHost(case.answer, case.pause, case.stays_open)
    fetched = run_on(loop_factory, _fetch(host, seconds=case.seconds))
    if isinstance(fetched, FetchFault):
        assert fetched.problem is case.expected, fetched
        assert fetched.detail.isprintable()
    else:
        assert fetched == case.expected
    assert host.counts["connections"] == 1


def test_one_plain_get_is_sent() -> None:
    host = HttpsHost([http(POLICY)])
    asyncio.run(_fetch(host))
    (request,) = host.requests
    lines = request.decode().split("\r\n")
    assert lines[0] == "GET /.well-known/mta-sts.txt HTTP/1.1"
    assert f"Host: {NAME}" in lines
    assert any(line.startswith("User-Agent: mx-exporter/") for line in lines)


@on_every_loop
@pytest.mark.parametrize(
    ("server", "problem"),
    [
        (AUTHORITY.server_context("other.example"), P.CERTIFICATE),
        (AUTHORITY.server_context("a.example"), P.CERTIFICATE),
        (AUTHORITY.server_context(NAME, expired=True), P.CERTIFICATE),
        (Authority().server_context(NAME), P.CERTIFICATE),
        (None, P.TLS),
    ],
    ids=["name", "parent", "expired", "untrusted", "no TLS"],
)
def test_a_host_must_prove_its_name(server: ssl.SSLContext | None, problem: P, loop_factory: LoopFactory) -> None:
    host = HttpsHost([http(POLICY)])
    if server is None:
        host = HttpsHost([b"HTTP/1.1 400 Bad Request\r\n\r\n"], stays_open=True, speaks_first=True)
    result = run_on(loop_factory, _fetch(host, server))
    assert isinstance(result, FetchFault)
    assert result.problem is problem, result
    assert host.requests == []


def test_a_wildcard_certificate_is_enough() -> None:
    host = HttpsHost([http(POLICY)])
    assert asyncio.run(_fetch(host, AUTHORITY.server_context("*.a.example"))) == POLICY


def test_old_tls_is_refused() -> None:
    assert CONTEXT.minimum_version is ssl.TLSVersion.TLSv1_2


def test_the_roots_are_those_of_ssl_cert_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    roots = tmp_path_factory.mktemp("roots") / "roots.pem"
    roots.write_text(AUTHORITY.pem)
    host = HttpsHost([http(POLICY)])
    assert isinstance(asyncio.run(_fetch(host, context=tls_context())), FetchFault)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    assert asyncio.run(_fetch(host, context=tls_context())) == POLICY


@on_every_loop
def test_a_dead_address_does_not_hide_a_living_one(loop_factory: LoopFactory) -> None:
    async def fetched() -> bytes | FetchFault:
        async with listening(HttpsHost([http(POLICY)], context=SERVER), "127.0.0.9") as port:
            return await fetch(NAME, ["127.0.0.8", "127.0.0.9"], CONTEXT, port=port)

    assert run_on(loop_factory, fetched()) == POLICY


@on_every_loop
def test_nobody_listens(loop_factory: LoopFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    fault = run_on(loop_factory, fetch(NAME, ["127.0.0.1"] * 100, CONTEXT, port=port))
    assert isinstance(fault, FetchFault)
    assert fault.problem is P.CONNECT
    assert MAX_ADDRESSES < 100


@on_every_loop
def test_a_handshake_that_hangs_ends_with_the_time(loop_factory: LoopFactory) -> None:
    async def fetched() -> bytes | FetchFault:
        with socket.create_server(("127.0.0.1", 0)) as server:
            return await fetch(NAME, ["127.0.0.1"], CONTEXT, port=server.getsockname()[1], seconds=0.3)

    fault = run_on(loop_factory, fetched())
    assert isinstance(fault, FetchFault)
    assert fault.problem in (P.CONNECT, P.TIMEOUT)


def test_a_source_address_is_used() -> None:
    seen: list[str] = []

    class Noting(HttpsHost):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.append(writer.get_extra_info("peername")[0])
            await super().serve(reader, writer)

    async def fetched() -> bytes | FetchFault:
        async with listening(Noting([http(POLICY)], context=SERVER)) as port:
            return await fetch(NAME, ["127.0.0.1"], CONTEXT, port=port, sources=("127.0.0.5", ""))

    assert asyncio.run(fetched()) == POLICY
    assert seen == ["127.0.0.5"]


def test_a_source_address_that_is_not_ours_is_no_fault_of_theirs() -> None:
    async def fetched() -> bytes | FetchFault:
        async with listening(HttpsHost([http(POLICY)], context=SERVER)) as port:
            return await fetch(NAME, ["127.0.0.1"], CONTEXT, port=port, sources=("192.0.2.1", ""))

    fault = asyncio.run(fetched())
    assert isinstance(fault, FetchFault)
    assert fault.problem is P.LOCAL
