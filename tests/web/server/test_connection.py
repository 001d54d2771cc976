from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from exporter.web.api import probe as probe_module
from exporter.web.app import create_app
from exporter.web.server import server as server_module
from exporter.web.server.connection import HttpConnection
from exporter.web.server.listen import listen
from exporter.web.server.server import WebServer
from tests.support import plain_http
from tests.support.waiting import until_sync
from tests.web.fake_backend import FakeBackend

PLACES = 6
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def server(backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", PLACES)
    # So that every place can be one that waits for us.
    monkeypatch.setattr(probe_module, "most_probes", lambda connections: 2 * PLACES)
    web = WebServer(create_app(backend), listen(["127.0.0.1:0"]))
    web.start()
    yield web
    web.stop(1)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(server: WebServer, opened: ExitStack, say: bytes = b"") -> socket.socket:
    client = opened.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that little is taken unread
    client.settimeout(10)
    client.connect(server.addresses[0])
    client.sendall(say)
    return client


def read_answer(client: socket.socket) -> None:
    received = bytearray()
    last = b"mx_domain_addresses 2\n"
    while not received.endswith((last, last + b"\r\n0\r\n\r\n")):  # a large one comes in chunks (RFC 9112 7.1)
        piece = client.recv(1 << 20)
        assert piece
        received += piece


def healthy(server: WebServer) -> int:
    return status(server, "/-/healthy")


def status(server: WebServer, path: str) -> int:
    host, port = server.addresses[0]
    return plain_http.get(f"http://{host}:{port}{path}").status_code


def is_cut(client: socket.socket) -> bool:
    """True if the server ends the connection within the client's patience; the rest of the answer is read away."""
    try:
        while client.recv(1 << 20):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def refuses(client: socket.socket, say: bytes) -> bool:
    """True if the connection is found reset when something is sent on it."""
    try:
        client.sendall(say)
    except (ConnectionResetError, BrokenPipeError):
        return True
    return False


@pytest.mark.parametrize(
    "say",
    [b"", b"GET / HT", SCRAPE, SCRAPE * 3, b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
    ids=["silent", "half a request", "not reading", "pipelining unread", "not reading the last"],
)
def test_clients_that_keep_all_places_waiting_do_not_keep_a_scraper_out(
    server: WebServer, backend: FakeBackend, opened: ExitStack, say: bytes
) -> None:
    backend.pieces = [b"x" * 1_000_000] * 16  # more than the kernel's buffers hold
    for _ in range(3 * PLACES):
        connect(server, opened, say)
    until_sync(lambda: healthy(server) == 200)  # 503 as long as all places are ours, rendering


def test_the_limit_holds_again_after_a_moment_when_every_place_was_ours(
    server: WebServer, backend: FakeBackend, opened: ExitStack
) -> None:
    backend.hold_scrapes.clear()
    scrapers = [connect(server, opened, SCRAPE) for _ in range(PLACES - 1)]
    until_sync(lambda: backend.scrapes_under_way == PLACES - 1)
    connect(server, opened)  # nobody can make room for it
    assert status(server, "/config") == 503
    assert healthy(server) == status(server, "/-/ready") == 200  # a supervisor would restart us
    backend.hold_scrapes.set()
    for scraper in scrapers:
        read_answer(scraper)
    connect(server, opened)
    assert status(server, "/config") == 200


def test_connections_that_have_ended_leave_nothing_to_a_collector(server: WebServer) -> None:
    """A full collection is seldom with a large heap, and clients may come by the hundred a second."""
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            with ExitStack() as opened:
                connect(server, opened, SCRAPE)
            assert healthy(server) == 200
        until_sync(lambda: sum(isinstance(each, asyncio.Transport) for each in gc.get_objects()) < 10)
    finally:
        gc.enable()


def test_who_has_waited_longest_for_its_client_makes_room(server: WebServer, opened: ExitStack) -> None:
    clients = [connect(server, opened) for _ in range(PLACES - 1)]
    assert healthy(server) == 200
    assert is_cut(clients[0])
    clients[1].settimeout(0.2)
    assert not is_cut(clients[1])


def test_a_request_under_way_does_not_make_room(server: WebServer, backend: FakeBackend, opened: ExitStack) -> None:
    backend.hold_scrapes.clear()
    try:
        scraper = connect(server, opened, SCRAPE)
        until_sync(lambda: backend.scrapes_under_way)
        for _ in range(3 * PLACES):
            connect(server, opened)
        assert healthy(server) == 200
    finally:
        backend.hold_scrapes.set()
    assert scraper.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "say",
    [
        b"",
        b"GET / HT",
        SCRAPE,
        SCRAPE + b"GET / HT",
        b"POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
    ],
    ids=["silent", "half a request", "idle", "half a second request", "half a body"],
)
def test_a_clients_turn_is_bounded(
    server: WebServer, opened: ExitStack, monkeypatch: pytest.MonkeyPatch, say: bytes
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 0.2)
    assert is_cut(connect(server, opened, say))


def test_a_client_that_drips_gets_no_longer_turn(
    server: WebServer, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 0.2)
    client = connect(server, opened)
    until_sync(lambda: refuses(client, b"G"))


def test_an_answer_left_unread_is_given_up(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 0.2)
    backend.pieces = [b"x" * 1_000_000] * 64
    client = connect(server, opened, SCRAPE)
    until_sync(lambda: refuses(client, b"\r\n"))  # nothing is read that would let the answer flow


def test_our_own_time_is_not_the_clients(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 0.05)
    backend.hold_scrapes.clear()
    client = connect(server, opened, SCRAPE)
    client.settimeout(0.3)  # many turns long
    with pytest.raises(TimeoutError):
        client.recv(100)
    backend.hold_scrapes.set()
    client.settimeout(10)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_each_answer_begins_a_new_turn(server: WebServer, opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection lasts as long as it is used, though each of its turns is short."""
    monkeypatch.setattr(HttpConnection, "client_seconds", 1.0)
    client = connect(server, opened)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        client.sendall(SCRAPE)
        read_answer(client)


def test_what_is_asked_before_an_answer_is_read_is_answered_after_it(
    server: WebServer, backend: FakeBackend, opened: ExitStack
) -> None:
    backend.pieces = [b"x" * 1_000_000] * 16
    client = connect(server, opened, SCRAPE + b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = bytearray()
    while piece := client.recv(1 << 20):
        received += piece
    assert received.count(b"HTTP/1.1 200 ") == 2
    assert received.endswith(b"mx-exporter is healthy.\n")


def test_a_request_whose_turn_came_by_reading_is_ours(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 1.0)
    backend.pieces = [b"x" * 1_000_000] * 16 + [b"mx_domain_addresses 2\n"]
    backend.hold_probes = asyncio.Event()
    client = connect(server, opened, SCRAPE + b"GET /probe?target=example.com HTTP/1.1\r\nHost: x\r\n\r\n")
    read_answer(client)
    client.settimeout(1.5)  # longer than the turn that ended with the reading
    with pytest.raises(TimeoutError):
        client.recv(1)


def test_a_connection_is_kept_from_scrape_to_scrape(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever uvicorn's own timer between two requests is set to."""
    monkeypatch.setattr(uvicorn, "Config", partial(uvicorn.Config, timeout_keep_alive=0))
    web = WebServer(create_app(FakeBackend()), listen(["127.0.0.1:0"]))
    web.start()
    opened.callback(web.stop, 1)
    client = connect(web, opened)
    for _ in range(3):
        client.sendall(SCRAPE)
        read_answer(client)
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)


def test_an_answer_left_unread_does_not_outlive_the_server(
    server: WebServer, backend: FakeBackend, opened: ExitStack
) -> None:
    backend.pieces = [b"x" * 1_000_000] * 64
    client = connect(server, opened, SCRAPE)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    server.stop(1)
    assert is_cut(client)
    gc.collect()  # an unclosed transport would warn here


@pytest.mark.parametrize("begun", [False, True], ids=["before-the-answer", "amid-the-answer"])
def test_a_broken_body_ends_the_connection_and_is_no_error_of_ours(
    begun: bool, opened: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    going_on = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        if not begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})
        going_on.set()

    web = WebServer(app, listen(["127.0.0.1:0"]))
    web.start()
    opened.callback(web.stop, 1)
    client = connect(web, opened, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")
    received = client.recv(1 << 16) if begun else b""
    client.sendall(b"zz\r\n")
    while piece := client.recv(1 << 16):
        received += piece
    assert going_on.wait(10)
    assert received.startswith(b"HTTP/1.1 200 " if begun else b"HTTP/1.1 400 ")
    assert b"whole" not in received
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("bound", ["stall_seconds", "answer_seconds"])
def test_an_answer_whose_client_does_not_read_is_cut_half_way(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(HttpConnection, bound, 0.2)
    backend.pieces = [b"x" * 1_000_000] * 16
    client = connect(server, opened, SCRAPE)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    until_sync(lambda: not server._server.server_state.connections)
    assert is_cut(client)


def test_a_client_that_reads_a_little_now_and_then_has_so_long_in_all(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "answer_seconds", 0.5)
    backend.pieces = [b"x" * 1_000_000] * 64
    client = connect(server, opened, SCRAPE)

    def drip() -> bool:
        try:
            return not client.recv(200_000)
        except ConnectionResetError:
            return True

    until_sync(drip, pause=0.05)  # 64 MB would take 16 s like this


def test_memory_that_is_short_half_way_ends_the_answer_and_not_the_server(
    server: WebServer, backend: FakeBackend, opened: ExitStack
) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 1_000_000] * 4
        raise MemoryError

    backend.pieces = pieces()  # type: ignore[assignment]
    client = connect(server, opened, SCRAPE)
    assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert is_cut(client)
    assert healthy(server) == 200


def test_connections_that_are_all_ours_have_a_bound(
    server: WebServer, backend: FakeBackend, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None can make room, and those that are told so have only few places."""
    backend.hold_probes = asyncio.Event()
    probe = b"GET /probe?target=example.com HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(PLACES - 1):
        connect(server, opened, probe)
    until_sync(lambda: backend.probes_under_way == PLACES - 1)
    for _ in range(20 * PLACES):
        connect(server, opened, probe)
    until_sync(lambda: len(server._server.server_state.connections) <= server._server._most)


def test_what_is_sent_ahead_of_an_answer_is_not_kept_without_end(
    server: WebServer, backend: FakeBackend, opened: ExitStack
) -> None:
    backend.hold_probes = asyncio.Event()
    client = connect(server, opened, b"GET /probe?target=example.com HTTP/1.1\r\nHost: x\r\n\r\n")
    until_sync(lambda: backend.probes_under_way)
    (connection,) = server._server.server_state.connections
    assert isinstance(connection, HttpConnection)
    connection.loop.call_soon_threadsafe(connection.data_received, b"x" * 40_000)  # as one read may bring it
    assert is_cut(client)
