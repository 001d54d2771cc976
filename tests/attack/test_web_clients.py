"""Web clients that ask for much and read little, that say much and mean nothing, or that come in numbers."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import http.client
import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.certificates import authority, issue
from tests.support.exporter_process import exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.unmeasured

TARGETS = 2000
WEB = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
# An answer of that fleet has 5.4 MB, of which the kernel took 2.8: of 250 clients that did not read, 650 MB were kept.
MOST_GROWTH = 110 << 20
FILES = 256
_KEY_UPDATE_REQUESTED = 1


class Served:
    """The server's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        assert process.stderr is not None
        self.log: list[str] = []
        self._reader = threading.Thread(target=lambda: self.log.extend(process.stderr or ()), daemon=True)
        self._reader.start()
        self.address = ("127.0.0.1", int(process.stdout.readline()))
        self.idle = self.files()  # while there is no client

    def say(self, command: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def memory(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def scrape(self, path: str = "/metrics") -> bytes:
        """As Prometheus does, which has ten seconds for it."""
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=10)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read()


@contextlib.contextmanager
def served(targets: int = 10, files: int = 2048, web: Path | None = None) -> Iterator[Served]:
    arguments = [str(targets), str(files), *([] if web is None else [str(web)])]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.attack.large_web_server", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def large() -> Iterator[Served]:
    with served(TARGETS) as server:
        yield server


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(server: Served, opened: ExitStack) -> socket.socket:
    client = opened.enter_context(socket.socket())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(20)
    client.connect(server.address)
    return client


def is_cut(client: socket.socket, say: Callable[[], bytes | None]) -> bool:
    """Whether the server ends the connection while more and more is said."""
    try:
        while (text := say()) is not None:
            client.sendall(text)
        client.settimeout(1)
        while client.recv(1 << 16):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize(
    ("path", "clients", "requests"),
    [("/metrics", 150, 1), ("/metrics", 30, 8), ("/sd", 100, 1), ("/config", 100, 1)],
    ids=["metrics", "pipelined", "sd", "config"],
)
def test_what_many_clients_ask_for_and_do_not_read_is_not_kept(
    large: Served, opened: ExitStack, path: str, clients: int, requests: int
) -> None:
    whole = large.scrape(path)
    before = large.memory()
    for _ in range(clients):
        client = connect(large, opened)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * requests)
        assert client.recv(12)
    assert len(large.scrape(path)) == len(whole), "a scraper has its whole answer meanwhile"
    grown = large.memory() - before
    assert grown < MOST_GROWTH, f"{grown / 2**20:.0f} MiB"


def test_stalled_scrapes_do_not_keep_a_scraper_out(large: Served, opened: ExitStack) -> None:
    """All at once, none of which reads: each place is taken by one of them, and so is the line."""
    clients = [connect(large, opened) for _ in range(100)]
    for client in clients:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")

    def scraped() -> bool:
        try:
            return len(large.scrape()) > 5_000_000
        except ConnectionError:  # on a busy machine the scraper may be taken for the slowest; the next scrape counts
            return False

    until_sync(scraped)


def test_the_kernel_does_not_take_for_a_client_what_it_does_not_read(large: Served, opened: ExitStack) -> None:
    client = connect(large, opened)
    client.sendall(b"GET /sd HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(12)
    until_sync(lambda: _unread_of(large, client) > 0)
    assert large.scrape("/-/healthy")
    assert _unread_of(large, client) < 1 << 20


def _unread_of(server: Served, client: socket.socket) -> int:
    """Bytes in the kernel that the server has written to `client` and that are not acknowledged."""
    ours, theirs = (f"0100007F:{port:04X}" for port in (server.address[1], client.getsockname()[1]))
    table = Path("/proc/net/tcp").read_text(encoding="ascii")
    found = re.search(rf"{ours} {theirs} \S+ ([0-9A-F]+):", table)
    return int(found[1], 16) if found else 0


@pytest.fixture(scope="module")
def small() -> Iterator[Served]:
    with served(files=FILES) as server:
        yield server


def test_garbage_is_a_line_of_the_log_and_not_a_thousand(small: Served) -> None:
    before = len(small.log)
    for _ in range(100):
        with socket.create_connection(small.address, 10) as client:
            client.sendall(b"\x00garbage\r\n\r\n")
            assert client.recv(12)
    small.scrape()
    assert len(small.log) - before <= 2


def test_clients_that_close_their_side_at_once_leave_nothing_behind(large: Served, opened: ExitStack) -> None:
    before = len(large.log)
    large.say("hurry")
    opened.callback(large.say, "bear")
    until_sync(lambda: large.files() <= large.idle)  # those of other tests have gone
    clients = [connect(large, opened) for _ in range(30)]
    for client in clients:
        client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.shutdown(socket.SHUT_WR)
    until_sync(lambda: large.files() <= large.idle)
    assert len(large.scrape()) > 5_000_000
    assert len(large.log) == before


def test_clients_have_a_quarter_of_the_open_files(small: Served, opened: ExitStack) -> None:
    small.scrape()
    before = small.files()
    for _ in range(300):
        connect(small, opened)
    assert small.scrape()
    assert small.files() - before <= FILES // 4


def test_no_file_for_a_client_is_a_line_a_minute_and_passes(small: Served, opened: ExitStack) -> None:
    before = len(small.log)
    small.say("take")
    for _ in range(50):
        connect(small, opened).sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
    until_sync(lambda: len(small.log) > before)
    small.say("give")
    assert small.scrape("/-/healthy")
    assert len(small.log) - before <= 2
    assert any("no file descriptor left" in line for line in small.log[before:])


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("web")
    issue("localhost", "127.0.0.1", by=authority()).write(folder)
    (folder / "web.yaml").write_text(WEB)
    with served(web=folder / "web.yaml") as server:
        yield server


def _secured(server: Served, opened: ExitStack) -> ssl.SSLSocket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return opened.enter_context(context.wrap_socket(connect(server, opened)))


def test_records_of_one_byte_come_to_an_end(tls: Served, opened: ExitStack) -> None:
    client = _secured(tls, opened)
    client.sendall(b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n")
    left = iter(range(20_000))
    assert is_cut(client, lambda: None if next(left, None) is None else b"x")


def test_new_keys_again_and_again_come_to_an_end(tls: Served, opened: ExitStack) -> None:
    """KeyUpdate, each with one of ours asked for (RFC 8446 4.6.3), by a client that reads none of them."""
    library = ctypes.CDLL(ctypes.util.find_library("ssl") or "libssl.so.3")
    for name in ("TLS_client_method", "SSL_CTX_new", "SSL_new"):
        getattr(library, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.SSL_CTX_new(ctypes.c_void_p(library.TLS_client_method())))
    session = ctypes.c_void_p(library.SSL_new(context))
    client = connect(tls, opened)
    client.setblocking(True)
    assert library.SSL_set_fd(session, client.fileno()) == 1
    assert library.SSL_connect(session) == 1
    sent = 0
    while sent < 30_000:
        library.SSL_key_update(session, _KEY_UPDATE_REQUESTED)
        if library.SSL_do_handshake(session) != 1:
            break
        sent += 1
    library.SSL_free(session)
    library.SSL_CTX_free(context)
    assert sent < 30_000


def test_idle_connections_over_tls_take_little_memory(tls: Served, opened: ExitStack) -> None:
    _secured(tls, opened)
    before = tls.memory()
    clients = [_secured(tls, opened) for _ in range(150)]
    assert (tls.memory() - before) / len(clients) < 160 << 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_AS is the limit of ulimit -v there alone")
def test_unread_scrapes_do_not_use_up_a_limited_address_space(tmp_path: Path, opened: ExitStack) -> None:
    config = tmp_path / "config.yaml"
    names = ", ".join(f"d{number}.example" for number in range(100))
    config.write_text(
        "defaults: {interval: 1s, timeout: 1s, helo: probe.example}\n"
        'resolver: {nameservers: ["127.0.0.1:9"], timeout: 200ms}\n'
        f"egress: {{trace: false, witness_ports: []}}\ndomains: [{names}]\n"
    )
    limited = ("/bin/sh", "-c", 'ulimit -v 1048576; exec "$@"', "sh")
    with exporter(f"--config.file={config}", prefix=limited) as process:
        port = int(process.url.rpartition(":")[2])
        for _ in range(100):
            client = opened.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert process.get("/metrics").status_code == 200
        assert process.get("/config").status_code == 200
        status = Path(f"/proc/{process.process.pid}/status").read_text(encoding="ascii")
        # 115 are; each thread that answers would reserve 64 more, and 256 are said to be enough.
        assert int(status.partition("VmPeak:")[2].split()[0]) < 200 << 10
        assert process.stop() == 0
        assert [line for line in process.log if "level=error" in line or "raceback" in line] == []
