from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.types import ASGIApp

from exporter.web.app import create_app
from exporter.web.server.listen import listen
from exporter.web.server.server import WebServer
from tests.support import plain_http
from tests.support.waiting import until_sync
from tests.web.fake_backend import FakeBackend


@contextmanager
def served(app: ASGIApp, *addresses: str) -> Iterator[WebServer]:
    server = WebServer(app, listen(addresses or ("127.0.0.1:0",)))
    server.start()
    try:
        yield server
    finally:
        server.stop(1)


def url(server: WebServer, path: str, place: int = 0) -> str:
    host, port = server.addresses[place]
    return f"http://{host}:{port}{path}"


def test_it_answers_on_every_address_once_started() -> None:
    with served(create_app(FakeBackend()), "127.0.0.1:0", "127.0.0.2:0") as server:
        assert [host for host, _ in server.addresses] == ["127.0.0.1", "127.0.0.2"]
        for place in (0, 1):
            assert plain_http.get(url(server, "/-/healthy", place)).status_code == 200


async def test_it_runs_beside_an_event_loop_that_is_busy() -> None:
    """The main thread's loop is the probes'; the web answers while it does not turn."""
    assert asyncio.get_running_loop().is_running()
    with served(create_app(FakeBackend())) as server:
        answer = plain_http.get(url(server, "/metrics"))
    assert answer.text == "mx_domain_up 1\nmx_domain_addresses 2\n"


def test_a_head_request_has_no_body() -> None:
    with served(create_app(FakeBackend())) as server:
        answer = plain_http.head(url(server, "/metrics"), headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_it_does_not_say_what_it_is_made_of() -> None:
    with served(create_app(FakeBackend())) as server:
        assert "server" not in plain_http.get(url(server, "/nope")).headers


def test_a_request_head_without_end_is_refused() -> None:
    with served(create_app(FakeBackend())) as server, socket.create_connection(server.addresses[0], 10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000)
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_hangs_up_cancels_its_probe() -> None:
    backend = FakeBackend()
    backend.hold_probes = asyncio.Event()
    with served(create_app(backend)) as server:
        with socket.create_connection(server.addresses[0], 10) as client:
            client.sendall(b"GET /probe?target=example.com HTTP/1.1\r\nHost: x\r\n\r\n")
            until_sync(lambda: backend.probes_under_way)
        assert backend.cancelled.wait(10)


def test_stopped_it_answers_no_more_and_its_thread_is_gone() -> None:
    with served(create_app(FakeBackend())) as server:
        address = server.addresses[0]
        assert "web" in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 10)
    assert "web" not in {thread.name for thread in threading.enumerate()}
    server.stop(1)  # a second time does nothing


def test_what_is_under_way_at_the_end_is_answered_within_the_grace() -> None:
    backend = FakeBackend()
    backend.hold_scrapes.clear()
    server = WebServer(create_app(backend), listen(["127.0.0.1:0"]))
    server.start()
    with ExitStack() as ending:
        client = ending.enter_context(socket.create_connection(server.addresses[0], 10))
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        until_sync(lambda: backend.scrapes_under_way)
        stopping = threading.Thread(target=server.stop, args=(10,))
        stopping.start()
        ending.callback(stopping.join)
        backend.hold_scrapes.set()
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_probe_that_outlasts_the_grace_is_cancelled() -> None:
    backend = FakeBackend()
    backend.hold_probes = asyncio.Event()
    server = WebServer(create_app(backend), listen(["127.0.0.1:0"]))
    server.start()
    with socket.create_connection(server.addresses[0], 10) as client:
        client.sendall(b"GET /probe?target=example.com HTTP/1.1\r\nHost: x\r\n\r\n")
        until_sync(lambda: backend.probes_under_way)
        server.stop(1)
    assert backend.cancelled.is_set()
    assert "web" not in {thread.name for thread in threading.enumerate()}


def test_a_server_that_cannot_serve_says_so_at_the_start() -> None:
    (sock,) = listen(["127.0.0.1:0"])
    server = WebServer(create_app(FakeBackend()), [sock])
    sock.close()
    with pytest.raises(RuntimeError, match="the web server did not start") as error:
        server.start()
    assert isinstance(error.value.__cause__, OSError)
    server.stop(1)
