"""What a web client sends: whole requests to the application, and the parts that are read by themselves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import MutableMapping
from functools import cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter
from starlette.datastructures import Headers

from exporter.config.target_names import parse_target
from exporter.metrics.exposition import negotiate
from exporter.model.address import is_address
from exporter.model.target import Settings, TargetKind
from exporter.web.access.allowed_hosts import AllowedHosts, host_of, parse_allowed_host
from exporter.web.access.authentication import credentials
from exporter.web.access.origin import Sender, sender_of
from exporter.web.app import create_app
from exporter.web.backend import Exposition, ProbeRefused, ProbeRequest
from exporter.web.pages.fleet_query import FleetQuery
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless
from tests.results import domain, down_host, result, up_host
from tests.web.fake_backend import FakeBackend

_Message = MutableMapping[str, Any]
_LINE: Final = re.compile(rb"[\x21-\x7e]+: ?[^\r\n]*")
# Such a request never comes as far as the application.
_BAD_LENGTH: Final = re.compile(rb"(?i)content-length:(?! ?[0-9]{1,20}$)")
# RFC 9110 5.5: what may stand in a header.
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")
# Ours, and never markup or a header of a client's.
_CANARY: Final = b"<zq"


class _Backend(FakeBackend):
    """As the real one reads what is asked of it."""

    async def probe(self, request: ProbeRequest, accept: str) -> Exposition:
        self._read(request.target)
        return Exposition(negotiate(accept).content_type, [b"probe_success 1\n"])

    async def probe_dialogue(self, request: ProbeRequest) -> str:
        return f"{self._read(request.target)}\n"

    def metrics(self, accept: str, names: frozenset[str] | None) -> Exposition:
        return Exposition(negotiate(accept).content_type, [b"mx_domain_up 1\n"])

    def _read(self, target: str) -> str:
        try:
            return parse_target(target, Settings()).name
        except ValueError as error:
            raise ProbeRefused(str(error)) from None


def answer_request(data: bytes) -> None:
    """`METHOD /path?query`, header lines, an empty line, a body: an answer, and none that is an error of ours."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    path, _, query = target.partition(b"?")
    pairs = [line.partition(b":")[::2] for line in lines if _LINE.fullmatch(line) and not _BAD_LENGTH.match(line)]
    scope: _Message = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "root_path": "",
        "method": method.decode("latin-1").upper()[:20] or "GET",
        "path": "/" + path.decode("utf-8", "replace").lstrip("/"),
        "raw_path": path, "query_string": query, "client": ("192.0.2.7", 4711), "server": ("192.0.2.1", 10225),
        "headers": [(name.lower(), value.strip()) for name, value in pairs],
    }  # fmt: skip
    sent = asyncio.run(_asked(scope, body))
    start = sent[0]
    agree(start["status"] < 500 or start["status"] == 503, f"{start['status']} {sent[1:]}")
    for name, value in start["headers"]:
        agree(_VALUE.fullmatch(value), f"{name!r}: {value!r}")
        agree(_CANARY not in value, f"{name!r}: {value!r} is a client's")
    page = b"".join(message.get("body", b"") for message in sent[1:])
    if dict(start["headers"]).get(b"content-type", b"").startswith(b"text/html"):
        agree(_CANARY not in page, "markup of a client's")


@cache
def _app() -> Any:
    backend = _Backend()
    backend.kept = _records()
    return create_app(backend)


async def _asked(scope: _Message, body: bytes) -> list[_Message]:
    sent: list[_Message] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> _Message:
        return waiting.pop() if waiting else await asyncio.get_running_loop().create_future()

    async def send(message: _Message) -> None:
        sent.append(message)

    await _app()(scope, receive, send)
    return sent


def _records() -> list[Any]:
    from exporter.store.row import NO_ROW
    from exporter.store.targets import TargetStore
    from tests.support.steps import at_once

    store = TargetStore(lambda record, before: NO_ROW)
    targets = [domain(), domain("b.example", team="mail")]
    at_once(store.replacing(targets))
    store.record(targets[0], result(up_host(), down_host()), turn=True)
    return [*store.records()]


def read_headers(data: bytes) -> None:
    """Authorization, and a query: read or refused, and no error."""
    text = data.decode("latin-1")
    found = credentials(text)
    agree(found is None or ":" not in found[0], "a colon in a name")
    pairs = (part.partition("=")[::2] for part in text.split("&"))
    query = FleetQuery.parse(dict(pairs))
    harmless(query.url(), "a URL of ours", limit=20 * 65536)


def read_origin(data: bytes) -> None:
    """Host, Origin, Referer and Sec-Fetch-Site, a line each: nobody is let in by what is not ours."""
    host, origin, referer, site = [*data.decode("latin-1").split("\n"), "", "", ""][:4]
    found = host_of(host)
    if isinstance(found, str):
        agree(re.fullmatch(r"[a-z0-9._-]{1,254}", found), f"{host!r} is {found!r}")
        agree(host_of(found) == found, f"{found!r} is read again as {host_of(found)!r}")
    if found is not None and _OURS.admit(found):
        own = {"localhost", "mx.example", "192.0.2.1"}
        agree(str(found) in own or str(found).endswith(".b.example") or is_loopback(found), f"{host!r} is admitted")
    given = (("host", host), ("origin", origin), ("referer", referer), ("sec-fetch-site", site))
    headers = Headers({name: value for name, value in given if value})
    sender = sender_of(headers, "https://mx.example/prefix/")
    if origin and sender is not Sender.ANOTHER_SITE:
        agree(origin.lower().partition("://")[2] in (host.lower(), "mx.example"), f"{origin!r} at {host!r}")
    agree(site in ("", "same-origin", "none") or sender is Sender.ANOTHER_SITE, f"{site!r}")
    try:
        parse_allowed_host(host)
    except ValueError as error:
        harmless(str(error), "a refusal", limit=1024)


def is_loopback(host: object) -> bool:
    """Any of this machine's addresses for itself."""
    return not isinstance(host, str) and bool(getattr(host, "is_loopback", False))


def negotiate_format(data: bytes) -> None:
    """Some format that the library then writes, and a content type that is ours."""
    found = negotiate(data.decode("latin-1"))
    agree(
        found.content_type.startswith(("text/plain; version=", "application/openmetrics-text; version=")),
        found.content_type,
    )
    agree(re.fullmatch(r"[a-z]+/[a-z-]+(?:; [a-z]+=[a-z0-9.-]+)*", found.content_type), found.content_type)
    agree(found.openmetrics == found.content_type.startswith("application/"), found.content_type)
    written = found.encode(_registry())
    agree(written.endswith(b"# EOF\n") is found.openmetrics and b"asked_total 1.0" in written, f"{written!r}")


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("asked", "Something.", registry=registry).inc()
    return registry


def read_target(data: bytes) -> None:
    """A target that is read as itself again, and that can be looked up, or a sentence."""
    found = None
    try:
        found = parse_target(data.decode("utf-8", "replace"), Settings())
    except ValueError as error:
        harmless(str(error), "a refusal", limit=1024)
        agree(not isinstance(error, UnicodeError), f"{error!r} is no sentence")
    if found is None:
        return
    agree(is_address(found.host) or re.fullmatch(r"[a-z0-9.-]{1,253}", found.host), f"{found.host!r}")
    agree(1 <= found.settings.port <= 65535, f"{found.settings.port}")
    if found.kind is TargetKind.DOMAIN:
        again = parse_target(found.name if "." in found.name else f"{found.name}.", Settings())
        agree(again == found, f"{found} is read again as {again}")


_REQUESTS: Final = (
    b"GET /metrics", b"GET /probe?target=", b"POST /-/reload", b"GET /domain/", b"POST /domain/healthy.example/probe",
    b"&module=", b"&debug=true", b"\nAccept: ", b"application/openmetrics-text;version=1.0.0", b";q=0.",
    b"\nAccept-Encoding: gzip", b"\nX-Prometheus-Scrape-Timeout-Seconds: ", b"\nOrigin: http://[", b"\nHost: ",
    b"\nSec-Fetch-Site: same-origin", b"\nAuthorization: Basic ", b"GET /static/", b"%2e%2e%2f", b"GET /sd",
    b"GET /config", b"?q=", b"&sort=", b"&page=", b"HEAD", b"OPTIONS", b"\nRange: bytes=0-5,-1,",
    b"\nIf-None-Match: *", b"\nIf-Modified-Since: ", b"\n\n", b"&state=", b"&label=", b"\nReferer: ",
    b"\nX-Forwarded-For: ", b"GET /host/", b"GET /egress", b"GET /classes",
)  # fmt: skip
_OURS: Final = AllowedHosts(["mx.example"], ["192.0.2.1"], [".b.example"])
_ORIGINS: Final = (
    b"http://", b"https://", b"mx.example", b"localhost:10225", b"192.0.2.1", b"[::1]", b"[::ffff:127.0.0.1]",
    b"a.b.example", b"null", b"@", b":", b"[", b"]", b".", b"..", b"%", b"\n", b"same-origin", b"cross-site", b"/",
    b"127.1", b"0x7f000001",
)  # fmt: skip
_ACCEPT: Final = (
    b"text/plain", b"application/openmetrics-text", b";version=", b"1.0.0", b"0.0.4", b";q=", b",", b"*/*",
    b";escaping=", b"values", b"allow-utf-8", b"underscores", b"dots", b"nan", b"1e-400",
)  # fmt: skip
TARGETS: Final = (
    Target("http-request", answer_request, tokens=_REQUESTS, max_bytes=8192),
    Target(
        "http-headers",
        read_headers,
        tokens=(b"Basic ", b"cm9vdDp4", b"http://", b"[", b"]", b"://", b"\n", b"null", b"page="),
    ),
    Target("http-origin", read_origin, tokens=_ORIGINS, max_bytes=2048),
    Target("http-accept", negotiate_format, tokens=_ACCEPT),
    Target(
        "target-name",
        read_target,
        tokens=(b"example", b".", b":25", b"[2001:db8::1]:25", b"xn--", "ß。ü".encode(), b"192.0.2.1"),
    ),
)
