"""The web server over TLS: real handshakes, slow ones, and what changes while it serves."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from exporter.config.web.load import load_web
from exporter.web.access.active_config import ActiveWebConfig
from exporter.web.app import create_app
from exporter.web.server import handshake as handshake_module
from exporter.web.server.connection import HttpConnection
from exporter.web.server.handshake import ServerHandshake
from exporter.web.server.listen import listen
from exporter.web.server.server import WebServer
from tests.support.certificates import Issued, authority, issue
from tests.support.waiting import until_sync
from tests.web.fake_backend import FakeBackend

WEB = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = WEB + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"


class Site:
    """A folder with a web configuration, and the server that has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca = authority()
        self.backend = FakeBackend()
        (folder / "ca.pem").write_text(self.ca.pem)
        self.certificate()
        self.write(WEB)
        self.security = ActiveWebConfig(self.path, load_web(self.path))
        self.server = WebServer(
            create_app(self.backend, security=self.security), listen(["127.0.0.1:0"]), self.security
        )

    @property
    def path(self) -> Path:
        return self.folder / "web.yaml"

    def certificate(self, name: str = "localhost") -> Issued:
        issued = issue(name, "127.0.0.1", by=self.ca)
        issued.write(self.folder)
        return issued

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def reload(self) -> list[str]:
        return asyncio.run(self.security.reload())

    def client_context(self, certificate: Issued | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.ca.pem)
        if certificate is not None:
            context.load_cert_chain(*certificate.write(self.folder, "client"))
        return context

    def get(self, path: str = "/metrics", certificate: Issued | None = None) -> httpx.Response:
        host, port = self.server.addresses[0]
        with httpx.Client(verify=self.client_context(certificate)) as client:
            return client.get(f"https://{host}:{port}{path}")

    def connect(self, opened: ExitStack) -> socket.socket:
        return opened.enter_context(socket.create_connection(self.server.addresses[0], 10))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.server.start()
    yield site
    site.server.stop(1)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def is_cut(client: socket.socket) -> bool:
    client.settimeout(10)
    try:
        return client.recv(100) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_it_answers_over_tls_and_not_without(site: Site, opened: ExitStack) -> None:
    assert site.get().text == "mx_domain_up 1\nmx_domain_addresses 2\n"
    plain = site.connect(opened)
    plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"mx_domain_up" not in plain.recv(1000)


def test_a_request_in_the_same_flight_as_the_end_of_the_handshake_is_answered(site: Site, opened: ExitStack) -> None:
    """Bytes that are deciphered before the connection is there are not lost."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = site.client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    client = site.connect(opened)
    done = False
    while not done:
        try:
            tls.do_handshake()
            tls.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            done = True
        except ssl.SSLWantReadError:
            pass
        client.sendall(outgoing.read())
        if not done:
            incoming.write(client.recv(65536))
    received = bytearray()
    while b"mx_domain_addresses" not in received:
        piece = client.recv(65536)
        assert piece
        incoming.write(piece)
        try:
            while text := tls.read(65536):
                received += text
        except ssl.SSLWantReadError:
            pass


def test_a_large_answer_arrives_whole(site: Site) -> None:
    site.backend.pieces = [b"x" * 1_000_000] * 16
    assert len(site.get().content) == 16_000_000


def test_a_new_certificate_is_shown_at_once_and_the_sockets_stay(site: Site, opened: ExitStack) -> None:
    def shown() -> bytes | None:
        with (
            socket.create_connection(site.server.addresses[0], 10) as sock,
            site.client_context().wrap_socket(sock, server_hostname="localhost") as tls,
        ):
            return tls.getpeercert(binary_form=True)

    kept = opened.enter_context(httpx.Client(verify=site.client_context()))
    host, port = site.server.addresses[0]
    assert kept.get(f"https://{host}:{port}/-/healthy").status_code == 200
    before = shown()
    renewed = site.certificate()
    assert shown() == before
    assert site.reload() == []
    assert shown() == renewed.chain[0] != before
    assert kept.get(f"https://{host}:{port}/-/healthy").status_code == 200


def test_a_wrong_file_changes_nothing_and_is_told(site: Site) -> None:
    (site.folder / "server.key").write_text("nothing of the kind")
    (problem,) = site.reload()
    assert problem.startswith(f"{site.path}:3:13: tls_server_config.key_file: ")
    assert site.get().status_code == 200


def test_users_and_client_certificates_come_and_go_with_a_reload(site: Site) -> None:
    client = issue("scraper.example", by=site.ca)
    assert site.get().status_code == 200
    site.write(CLIENTS)
    assert site.reload() == []
    with pytest.raises(httpx.TransportError):
        site.get()
    with pytest.raises(httpx.TransportError):
        site.get(certificate=issue("scraper.example"))
    assert site.get(certificate=client).status_code == 200
    site.write(CLIENTS + "basic_auth_users: {a: $2b$04$" + "a" * 53 + "}\n")
    assert site.reload() == []
    assert site.get(certificate=client).status_code == 401
    site.write(WEB)
    assert site.reload() == []
    assert site.get().status_code == 200


@pytest.mark.parametrize(
    ("names", "problem"),
    [((), "PEER_DID_NOT_RETURN_A_CERTIFICATE"), (("other.example",), "client_allowed_sans has none of")],
)
def test_whoever_looks_is_told_why_a_handshake_failed(
    site: Site, names: tuple[str, ...], problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    site.write(CLIENTS + "  client_allowed_sans: [prometheus.example]\n")
    assert site.reload() == []
    with caplog.at_level(logging.DEBUG, "exporter.web.server.handshake"):
        with pytest.raises(httpx.TransportError):
            site.get(certificate=issue(*names, by=site.ca) if names else None)
        # With TLS 1.3 the client may fail first: what the server logs must still find its level.
        until_sync(lambda: caplog.records)
    fields = vars(caplog.records[0])["fields"]
    assert fields["client"] == "127.0.0.1"
    assert fields["problem"].startswith(problem)


@pytest.mark.parametrize(
    ("names", "admitted"),
    [
        (("scraper.example",), True),
        (("other.example", "192.0.2.7"), True),
        (("2001:db8::7",), True),
        (("other.example",), False),
        (("sub.scraper.example",), False),
        ((), False),
    ],
)
def test_a_client_certificate_names_somebody_who_is_allowed(site: Site, names: tuple[str, ...], admitted: bool) -> None:
    site.write(CLIENTS + "  client_allowed_sans: [scraper.example, 192.0.2.7, '2001:db8::7']\n")
    assert site.reload() == []
    certificate = issue(*names, subject="scraper.example", by=site.ca)
    if admitted:
        assert site.get(certificate=certificate).status_code == 200
    else:
        with pytest.raises(httpx.TransportError):
            site.get(certificate=certificate)


@pytest.mark.parametrize("say", [b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "3 bytes", "half"])
def test_a_handshake_is_bounded_in_time(
    site: Site, opened: ExitStack, monkeypatch: pytest.MonkeyPatch, say: bytes
) -> None:
    monkeypatch.setattr(ServerHandshake, "seconds", 0.3)
    client = site.connect(opened)
    client.sendall(say)
    assert is_cut(client)


def test_handshakes_that_do_not_end_do_not_keep_a_scraper_out(
    site: Site, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake_module, "MAX_HANDSHAKES", 5)
    clients = [site.connect(opened) for _ in range(15)]
    assert site.get().status_code == 200
    assert is_cut(clients[0])
    until_sync(lambda: len(site.server._server._handshakes._in_progress) <= 5)


def test_a_client_that_goes_amid_its_handshake_is_forgotten(site: Site, opened: ExitStack) -> None:
    handshakes = site.server._server._handshakes._in_progress
    for say in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"):
        client = site.connect(opened)
        until_sync(lambda: len(handshakes) == 1)
        client.sendall(say)
        client.close()
        until_sync(lambda: not handshakes)


def test_the_turns_of_clients_are_bounded_over_tls_too(
    site: Site, opened: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpConnection, "client_seconds", 0.3)
    site.backend.pieces = [b"x" * 1_000_000] * 64
    for say in (b"", b"GET / HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"):
        tls = opened.enter_context(site.client_context().wrap_socket(site.connect(opened), server_hostname="localhost"))
        tls.sendall(say)
        until_sync(lambda: not site.server._server.server_state.connections)


def test_the_end_does_not_wait_for_a_handshake(site: Site, opened: ExitStack) -> None:
    client = site.connect(opened)
    until_sync(lambda: site.server._server._handshakes._in_progress)
    site.server.stop(1)
    assert is_cut(client)
