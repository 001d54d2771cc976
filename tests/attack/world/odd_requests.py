"""What no web client should say, whole: `{host}` is where the exporter listens."""

from __future__ import annotations

import os
from typing import Final

_GET: Final = "GET {path} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"

# What no client should say; an answer with 500 to one is a defect of ours.
ODD: Final[tuple[bytes, ...]] = tuple(
    text.encode("latin-1")
    for text in (
        "\r\n\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: {host}\r\n\r\n",
        "GET /  HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "get / http/1.1\r\nhost: {host}\r\n\r\n",
        "GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        "CONNECT evil.example:25 HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nOrigin: http://[\r\nConnection: close\r\n\r\n",
        "POST /domain/x HTTP/1.1\r\nHost: {host}\r\nOrigin: http://[\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / ",
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999999999999\r\nConnection: close\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nx",
        "POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, chunked\r\n\r\nzz\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX: " + "a" * 60_000 + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n" + "X: y\r\n" * 5000 + "\r\n",
        "GET /" + "a" * 60_000 + " HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nX\0: y\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\n folded: y\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic " + "A" * 8000 + "\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\nAccept: " + "a/b;q=0.1," * 1000 + "\r\nConnection: close\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\nAccept: application/openmetrics-text;version=\r\n"
        "Accept-Encoding: gzip;q=x\r\nConnection: close\r\n\r\n",
        "GET /probe?target=good-0.example HTTP/1.1\r\nHost: {host}\r\n"
        "X-Prometheus-Scrape-Timeout-Seconds: nan\r\nConnection: close\r\n\r\n",
        *(
            _GET.format(path=path)
            for path in (
                "/../../../../etc/passwd",
                "/static/../../../../etc/passwd",
                "/static/%2e%2e/%2e%2e/etc/passwd",
                "/%00",
                "/%ff%fe",
                "/domain/%0d%0aSet-Cookie:%20x",
                "/domain/<script>alert(1)</script>",
                "/domain/" + "a" * 8000,
                "/host/[::1",
                "/?page=-1",
                "/?page=99999999999999999999999",
                "/?page=%F0%9F%92",
                "/?q=" + "(a%2b)" * 1000,
                "/?label=%3D%3D&verdict=x&class=y",
                "/probe",
                "/probe?target=",
                "/probe?target=good-0.example&module=nonsense",
                "/probe?target=%00",
                "/probe?target=" + "a" * 8000,
                "/probe?target=" + "a." * 200 + "example",
                "/probe?target=127.0.0.1:22",
                "/probe?target=[::1]:25",
                "/probe?target=http://evil.example/",
                "/probe?target=localhost:99999",
                "/probe?target=xn--a&target=b",
            )
        ),
    )
)

# POSTs that another site's page could make a browser send: each must be refused.
OTHER_SITES: Final[tuple[bytes, ...]] = tuple(
    f"POST {path} HTTP/1.1\r\nHost: {{host}}\r\n{header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    for path in ("/-/reload", "/domain/good-0.example/probe", "/levers/all/restore")
    for header in (
        "Origin: http://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Origin: http://evil.example\r\nReferer: http://evil.example/",
    )
)

# As after DNS rebinding: the browser believes that this is its own site. Refused but for /metrics, /sd and the states.
FOREIGN_HOSTS: Final[tuple[bytes, ...]] = tuple(
    f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
    for host in ("evil.example", "evil.example:10225", "localhost.evil.example", "127.0.0.1.evil.example")
    for method, path in (
        ("GET", "/"),
        ("GET", "/config"),
        ("GET", "/domain/good-0.example"),
        ("GET", "/probe?target=good-0.example"),
        ("POST", "/-/reload"),
    )
)

PAGES: Final = (
    "/",
    "/?q=good",
    "/?verdict=dead",
    "/?page=3",
    "/domain/good-0.example",
    "/domain/dns-addresses-0.example",
    "/domain/nobody.example",
    "/egress",
    "/sd",
    "/config",
    "/static/style.css",
)


def noise() -> bytes:
    """Bytes at random, sometimes with a beginning that looks right."""
    return (b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03")[os.urandom(1)[0] % 3] + os.urandom(
        300
    )
