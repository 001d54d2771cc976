"""Requests that no good client makes, over a socket: for another host, by another site, with two ends, of no sense."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from exporter.cli import main
from tests.support.exporter_process import ExporterProcess, exporter

CRLF: Final = "\r\n"
# A broken server leaves the connection open for 75 seconds.
SECONDS: Final = 20.0
CONFIG: Final = """\
defaults: {interval: 1h, timeout: 1s, helo: probe.example}
resolver: {nameservers: ["127.0.0.1:9"], timeout: 500ms}
egress: {trace: false, witness_ports: []}
domains: [good.example]
"""
FLAGS: Final = (
    "--web.allowed-host=mx_exporter",
    "--web.allowed-host=.below.example",
    "--web.allowed-host=192.0.2.7",
    "--web.external-url=http://public.example:8080/",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExporterProcess]:
    path = tmp_path_factory.mktemp("web") / "config.yaml"
    path.write_text(CONFIG)
    with exporter(f"--config.file={path}", *FLAGS) as process:
        yield process
        assert process.stop() == 0
        assert [line for line in process.log if "raceback" in line or "level=error" in line] == []


def ask(server: ExporterProcess, request: bytes | str) -> bytes:
    """All that is answered until the connection is closed."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), SECONDS) as client:
        received = b""
        try:
            client.sendall(request if isinstance(request, bytes) else request.encode("latin-1"))
            while piece := client.recv(65536):
                received += piece
        except ConnectionError:  # it did not wait for the rest
            pass
        return received


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def get(path: str, *headers: str, method: str = "GET", version: str = "1.1") -> str:
    lines = [f"{method} {path} HTTP/{version}", *headers, "Connection: close", "", ""]
    return CRLF.join(lines)


def status(server: ExporterProcess, request: str) -> int:
    (found,) = statuses(ask(server, request))
    return found


# For another host (DNS rebinding)

OURS: Final = (
    "localhost",
    "LocalHost.:10225",
    "localhost:1",
    "127.0.0.1:{port}",
    "127.1.2.3",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]",
    "[::1%25lo]",
    "mx_exporter:10225",
    "MX_Exporter",
    "a.below.example",
    "a.b.below.example.:80",
    "192.0.2.7:10225",
    "public.example",
    "PUBLIC.example.:8080",
)
FOREIGN: Final = (
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example",
    "evil-localhost",
    "below.example",
    "evilbelow.example",
    "public.example.evil.example",
    "192.0.2.8",  # we listen on loopback alone
    "[2001:db8::1]:{port}",
    "[fe80::1%25eth0]",
    "2130706433",
    "0x7f.1",
    "127.0.0.1.evil.example",
)
MALFORMED: Final = (
    "",
    "user@localhost",
    "localhost@evil.example",
    "localhost:port",
    "localhost:123456",
    "localhost/",
    "localhost, evil.example",
    "local host",
    "[::1",
    "::1",
    "[localhost]",
    "[::g]",
    ".",
    ".localhost",
    "localhost..",
    "\xff\xfe",
    "%6cocalhost",
    "http://localhost",
)
GUARDED: Final = ("/", "/config", "/probe?target=good.example", "/domain/good.example", "/static/style.css", "/egress")
FREE: Final = ("/metrics", "/sd", "/-/healthy", "/-/ready")


def host(server: ExporterProcess, text: str) -> str:
    return "Host: " + text.format(port=urlsplit(server.url).port)


@pytest.mark.parametrize("name", OURS)
def test_by_a_name_of_ours_everything_is_shown(server: ExporterProcess, name: str) -> None:
    for path in ("/config", "/static/style.css"):
        assert status(server, get(path, host(server, name))) == 200
    assert status(server, get("/-/reload", host(server, name), method="POST")) == 200


@pytest.mark.parametrize(("names", "expected"), [(FOREIGN, 403), (MALFORMED, 400)], ids=["foreign", "malformed"])
def test_by_any_other_name_only_what_scrapers_and_supervisors_need(
    server: ExporterProcess, names: tuple[str, ...], expected: int
) -> None:
    for name in names:
        line = host(server, name)
        found = {path: status(server, get(path, line)) for path in (GUARDED if name is names[0] else GUARDED[1:3])}
        assert set(found.values()) == {expected}, (name, found)
        assert status(server, get("/-/reload", line, method="POST")) == expected
        assert status(server, get("/metrics", line)) == 200
    line = host(server, names[0])
    for path in ("/metrics", "/-/healthy", "/domain/good.example/probe"):
        assert status(server, get(path, line, method="POST")) == expected
    for path, method in product(FREE, ("GET", "HEAD")):
        assert status(server, get(path, line, method=method)) == 200


def test_the_refusal_names_the_flag_and_repeats_nothing(server: ExporterProcess) -> None:
    answer = ask(server, get("/config", "Host: evil.example"))
    assert b"--web.allowed-host" in answer
    assert b"evil" not in answer


@pytest.mark.parametrize(
    ("target", "header", "expected"),
    [
        # RFC 9112 3.2.2: the host of the target counts, not the header.
        ("http://evil.example/config", "localhost", 403),
        ("http://localhost/config", "evil.example", 200),
        ("HTTP://LOCALHOST:10225/config", "evil.example", 200),
        ("http://localhost/%63onfig", "localhost", 200),
        ("http://localhost", "localhost", 200),
        ("http://user@localhost/config", "localhost", 400),
        ("http://[/config", "localhost", 400),
        ("http:///config", "localhost", 400),
        ("http://evil.example/metrics", "localhost", 200),
        ("ftp://localhost/config", "localhost", 404),
        ("//localhost/config", "localhost", 404),
        ("config", "localhost", 404),
        ("*", "localhost", 404),
        ("*", "evil.example", 403),
        ("localhost:80", "localhost", 404),
    ],
)
def test_the_host_of_an_absolute_target_is_the_one_that_is_asked(
    server: ExporterProcess, target: str, header: str, expected: int
) -> None:
    assert status(server, get(target, f"Host: {header}")) == expected


def test_who_names_no_host_is_no_browser(server: ExporterProcess) -> None:
    assert status(server, get("/config", version="1.0")) == 200
    assert status(server, get("/config")) == 400  # RFC 9112 3.2
    for version in ("1.0", "1.1"):
        assert status(server, get("/config", "Host: localhost", "Host: localhost", version=version)) == 400
        assert status(server, get("/metrics", "Host: localhost", "Host: evil.example", version=version)) == 400


# By another site

HERE: Final = "Host: localhost:10225"
ELSEWHERE: Final = (
    "Origin: http://evil.example",
    "Origin: http://localhost:3000",
    "Origin: http://localhost",
    "Origin: null",
    "Origin: ",
    "Origin: http://[",
    "Origin: http://[::1",
    "Origin: http://]",
    "Origin: http://localhost:10225/",
    "Origin: http://localhost:10225 http://evil.example",
    "Origin: http://localhost:10225, http://evil.example",
    "Origin: http://localhost:10225\r\nOrigin: http://evil.example",
    "Origin: ://localhost:10225",
    "Origin: file://localhost:10225",
    "Origin: \xff\xfe\xfd",
    "Origin: http://%",
    "Origin: " + "x" * 8000,
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: Same-Origin",
    "Sec-Fetch-Site: ",
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: same-origin",
    "Sec-Fetch-Site: cross-site\r\nOrigin: http://localhost:10225",
    "Sec-Fetch-Site: same-origin\r\nOrigin: http://evil.example",
    "Referer: http://evil.example/page",
    "Referer: http://[",
    "Referer: about:blank",
)
FROM_HERE: Final = (
    "X: curl",
    "Origin: http://localhost:10225",
    "Origin: https://LOCALHOST:10225",
    "Origin: http://public.example:8080",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Site: same-origin\r\nOrigin: http://localhost:10225",
    "Referer: http://localhost:10225/domain/good.example",
)
CHANGING: Final = ("/-/reload", "/domain/good.example/probe", "/host/x/probe", "/levers/all/restore", "/metrics")


@pytest.mark.parametrize("line", ELSEWHERE, ids=range(len(ELSEWHERE)))
def test_another_site_cannot_change_or_probe_anything(server: ExporterProcess, line: str) -> None:
    for path in CHANGING:
        answer = ask(server, get(path, HERE, line, method="POST"))
        assert statuses(answer) == [403], path
        assert b"another site" in answer
    assert status(server, get("/probe?target=good.example", HERE, line)) == 403
    assert status(server, get("/probe?target=good.example", HERE, line, method="HEAD")) == 403
    assert status(server, get("/config", HERE, line)) == 200  # which it cannot read


@pytest.mark.parametrize("line", FROM_HERE, ids=range(len(FROM_HERE)))
def test_our_own_pages_and_programs_can(server: ExporterProcess, line: str) -> None:
    assert status(server, get("/-/reload", HERE, line, method="POST")) == 200
    assert status(server, get("/probe?target=good.example", HERE, line)) == 200


def test_an_external_url_is_ours_in_whatever_way_it_is_written(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    with exporter(f"--config.file={config}", "--web.external-url=https://Überwachung.example:443/mx") as process:
        for host in ("xn--berwachung-8db.example", "XN--berwachung-8db.example:443"):
            assert status(process, get("/mx/config", f"Host: {host}")) == 200
        for origin in ("https://xn--berwachung-8db.example", "https://xn--berwachung-8db.example:443"):
            for host in ("127.0.0.1:10225", "xn--berwachung-8db.example"):
                assert status(process, get("/mx/-/reload", f"Host: {host}", f"Origin: {origin}", method="POST")) == 200
        for origin in ("http://xn--berwachung-8db.example", "https://xn--berwachung-8db.example:80"):
            assert status(process, get("/mx/-/reload", "Host: localhost:1", f"Origin: {origin}", method="POST")) == 403
        # A proxy that tells the port which browsers leave out.
        line = "Origin: https://localhost"
        assert status(process, get("/mx/-/reload", "Host: localhost:443", line, method="POST")) == 200
        assert status(process, get("/mx/-/reload", "Host: localhost:80", line, method="POST")) == 403


def test_an_address_that_a_person_typed_probes_but_changes_nothing(server: ExporterProcess) -> None:
    line = "Sec-Fetch-Site: none"
    assert status(server, get("/probe?target=good.example", HERE, line)) == 200
    assert status(server, get("/-/reload", HERE, line, method="POST")) == 403


# With two ends (RFC 9112 6.1, 6.3, 7.1)

SMUGGLED: Final = f"GET /-/healthy HTTP/1.1{CRLF}Host: localhost{CRLF}{CRLF}"


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "Content-Length: 0, 5\r\n\r\n",
        "Content-Length: +0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 0x0\r\n\r\n",
        "Content-Length: \r\n\r\n",
        "Content-Length: 99999999999999999999999999\r\n\r\n",
        "Transfer-Encoding: identity\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh\r\n",
        "Transfer-Encoding: chunked\r\n\r\n" + "f" * 40 + "\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0;" + "a" * 40000,
        "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + "a" * 40000,
        "X: a\rContent-Length: 5\r\n\r\n",
        "X\0: a\r\n\r\n",
        "X: \0\r\n\r\n",
        "X Y: a\r\n\r\n",
        ": a\r\n\r\n",
        "no colon\r\n\r\n",
    ],
)
@pytest.mark.parametrize("first", ["POST /-/reload", "GET /probe?target=good.example"])
def test_a_request_of_two_lengths_or_none_is_the_last_of_its_connection(
    server: ExporterProcess, first: str, lines: str
) -> None:
    answer = ask(server, f"{first} HTTP/1.1{CRLF}Host: localhost{CRLF}{lines}{SMUGGLED}")
    assert statuses(answer) == [400]


@pytest.mark.parametrize("chunks", ["0\r\n\r\n", "5\r\nabcde\r\n0\r\n\r\n", "0;a=b\r\nTrailer: x\r\n\r\n"])
def test_nothing_follows_a_body_of_unknown_length(server: ExporterProcess, chunks: str) -> None:
    request = f"POST /-/reload HTTP/1.1{CRLF}Host: localhost{CRLF}Transfer-Encoding: chunked{CRLF}{CRLF}{chunks}"
    assert statuses(ask(server, request + SMUGGLED)) == [200]


@pytest.mark.parametrize("first", ["POST /-/reload", "GET /-/healthy", "GET /metrics"])
def test_a_large_body_is_not_waited_for(server: ExporterProcess, first: str) -> None:
    for length in ("65537", "9999999999", "99999999999999999999"):
        head = f"{first} HTTP/1.1{CRLF}Host: localhost{CRLF}Content-Length: {length}{CRLF}{CRLF}"
        assert statuses(ask(server, head)) == [413]
    small = f"{first} HTTP/1.1{CRLF}Host: localhost{CRLF}Content-Length: 5{CRLF}{CRLF}abcde"
    closing = SMUGGLED.replace("Host", f"Connection: close{CRLF}Host")
    assert statuses(ask(server, small + closing)) == [200, 200]


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nHost: localhost\r\n" + "X: y\r\n" * 10_000 + "\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + "y" * 60_000 + "\r\n\r\n",
        "GET /" + "y" * 60_000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        "GET / http/1.1\r\nHost: localhost\r\n\r\n",
        "G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\xe4 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\0" * 40,
        "EHLO evil.example\r\n\r\n",
        "\r\n" * 5 + "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=range(14),
)
def test_a_head_that_is_none_or_too_large_is_refused(server: ExporterProcess, head: str) -> None:
    assert statuses(ask(server, head)) == [400]


# Of no sense

ODD: Final = (
    "%", "%%", "%00", "%0d%0aX:y", "%ff%fe", "%ed%a0%80", "%c0%ae%c0%ae/", "..", "../..", "%2e%2e%2f", ".%00.", "a%2fb",
    "%2f%2fevil.example", "\\", "\\\\evil.example", "'", "\"", "<script>alert(1)</script>", "{{7*7}}", "{0.__class__}",
    "%s%n%x", "$(id)", "a" * 300, "a." * 150, "xn--", "xn--a", "%E2%80%AE", "%F0%9F%92%A9.example", "[::1", "[]:25",
    "a:b:c", "a:0", "a:99999", "a:-1", "1.2.3.4.5", "0", "-", "_", ";", "#", "?", "&&&", "=", "a=b=c",
)  # fmt: skip
PLACES: Final = (
    "/{}", "/domain/{}", "/host/{}", "/reference/{}", "/static/{}", "/-/{}", "/probe?target={}", "/metrics?{}",
    "/probe?target=good.example&module={}", "/probe?{}", "/?q={}", "/?label={}", "/?page={}", "/?verdict={}&class={}",
    "/sd?{}", "/config?{}", "/domain/good.example?refresh={}",
)  # fmt: skip
HEADERS: Final = (
    "Accept: {}", "Accept-Encoding: {}", "Authorization: {}", "Authorization: Basic {}", "Range: {}", "Range: bytes={}",
    "If-Modified-Since: {}", "If-None-Match: {}", "X-Prometheus-Scrape-Timeout-Seconds: {}", "Cookie: {}", "Expect: {}",
    "Connection: {}", "Upgrade: {}", "Content-Type: {}", "X-Forwarded-For: {}", "X-Forwarded-Host: {}", "Forwarded: {}",
    "Referer: {}", "User-Agent: {}", "X-HTTP-Method-Override: {}", "Accept-Language: {}", "Date: {}", "Via: {}",
)  # fmt: skip
NUMBERS: Final = ("nan", "inf", "-1", "1e400", "1" * 5000, "0x10", "\xb2", "1_0", "")
METHODS: Final = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "FOO", "get", "A" * 3000)


def keeping(server: ExporterProcess) -> http.client.HTTPConnection:
    address = urlsplit(server.url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)


def answered(client: http.client.HTTPConnection, method: str, target: str, *lines: str) -> int:
    """The status of a request, written as it is."""
    if client.sock is None:
        client.connect()
    assert client.sock is not None
    client.sock.sendall(CRLF.join([f"{method} {target} HTTP/1.1", HERE, *lines, "", ""]).encode("latin-1"))
    response = http.client.HTTPResponse(client.sock, method=method)
    response.begin()
    body = response.read()
    assert b"Traceback" not in body
    if response.will_close:
        client.close()
    return response.status


@pytest.mark.parametrize("place", PLACES)
def test_no_address_is_our_error(server: ExporterProcess, place: str) -> None:
    client = keeping(server)
    try:
        for odd in ODD + NUMBERS[:-2]:
            target = place.replace("{}", odd.replace(" ", "%20"))
            status = answered(client, "GET", target)
            assert status < 500 or status == 503, target
    finally:
        client.close()


@pytest.mark.parametrize("path", ["/metrics", "/probe?target=good.example", "/static/style.css"])
def test_no_header_is_our_error(server: ExporterProcess, path: str) -> None:
    client = keeping(server)
    try:
        for header, odd in product(HEADERS, ("\xff\xfe", ",,;;==", 'a"\\', *NUMBERS[:5])):
            line = header.replace("{}", odd)
            status = answered(client, "GET", path, line)
            assert status < 500 or status == 503, line[:80]
    finally:
        client.close()


@pytest.mark.parametrize("method", METHODS)
def test_no_method_is_our_error(server: ExporterProcess, method: str) -> None:
    client = keeping(server)
    try:
        for path in (*GUARDED, *FREE, *CHANGING, "/nope", "/static/", "/-/reload/", "//"):
            if method in ("HEAD", "POST") or path != "/-/reload":
                status = answered(client, method, path, "Content-Length: 0")
                assert status < 500 or status == 503, path
    finally:
        client.close()


@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("--web.allowed-host=a b", "expected a host name"),
        ("--web.allowed-host=.", "expected a host name"),
        ("--web.allowed-host=.192.0.2.1", "expected a host name"),
        ("--web.external-url=http://[", "is not a URL"),
        ("--web.external-url=http://mx.example:port/", "is not a URL"),
        ("--web.external-url=mx.example:8080/mx", "expected http://HOST"),
        ("--web.external-url=mx.example", "expected http://HOST"),
        ("--web.external-url=mx.example.org:10225", "expected http://HOST"),
        ("--web.external-url=foo", "expected http://HOST"),
    ],
)
def test_a_flag_that_makes_no_sense_is_told(flag: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--config.file=none", flag])
    assert end.value.code == 2
    assert sentence in capsys.readouterr().err
