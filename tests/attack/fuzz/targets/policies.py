"""MTA-STS and TLS reporting: records, the policy, and how it is fetched."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any, Final, cast

from exporter.model.policy import MtaStsProblem
from exporter.policies.mtasts.fetch import _MAX_HEAD_BYTES, FetchFault, _get
from exporter.policies.mtasts.policy import MAX_AGE_SECONDS, MAX_POLICY_BYTES, parse_policy
from exporter.policies.mtasts.record import policy_id
from exporter.policies.tlsrpt.record import report_addresses
from tests.attack.fuzz.frame import MAX_INPUT_BYTES, Target, agree
from tests.attack.fuzz.targets.promises import harmless, options, pieces

_PATTERN: Final = re.compile(r"(?:\*\.)?[a-z0-9.-]{1,255}")


def _told(error: ValueError, what: str) -> None:
    harmless(str(error), what, limit=1024)
    agree(type(error) is ValueError, f"{what}: {error!r} is no sentence")


def read_policy(data: bytes) -> None:
    """A policy, or a sentence why there is none; a policy written out is read as itself."""
    try:
        found = parse_policy(data)
    except ValueError as error:
        _told(error, "a policy's fault")
        return
    agree(0 <= found.max_age <= MAX_AGE_SECONDS and len(data) <= MAX_POLICY_BYTES, f"max_age {found.max_age}")
    agree(all(map(_PATTERN.fullmatch, found.mx)), f"mx {found.mx[:4]}")
    agree(found.mx or found.mode == "none", "a mode without hosts")
    for pattern in found.mx[:50]:
        agree(found.matches(pattern.replace("*", "x")) or pattern.count(".") == 0, f"{pattern} does not match itself")
    lines = ["version: STSv1", f"mode: {found.mode}", f"max_age: {found.max_age}", *(f"mx: {one}" for one in found.mx)]
    again = parse_policy("\r\n".join(lines).encode()[:MAX_POLICY_BYTES]) if len("\r\n".join(lines)) < 60000 else found
    agree(again == found, f"{found} is read again as {again}")


def read_records(data: bytes) -> None:
    """TXT records, one a line: an id, or a sentence; addresses, or a sentence."""
    texts = data.split(b"\n")
    try:
        found = policy_id(texts)
        agree(found is None or re.fullmatch("[A-Za-z0-9]{1,32}", found), f"id {found!r}")
    except ValueError as error:
        _told(error, "a record's fault")
    try:
        addresses = report_addresses(texts)
    except ValueError as error:
        _told(error, "a record's fault")
        return
    for address in addresses or ():
        harmless(address, "an address", limit=65536)
        agree(address.partition(":")[0].lower() in ("mailto", "https"), f"{address[:100]}")


class _Server:
    """What a web server sends, as far as the fetch asks of its streams."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self.transport = self

    async def read(self, size: int = MAX_INPUT_BYTES) -> bytes:
        return next(self._parts, b"")[:size]

    def write(self, data: bytes) -> None:
        agree(data.startswith(b"GET /.well-known/mta-sts.txt HTTP/1.1\r\n"), f"{data!r}")

    def abort(self) -> None:
        pass


# Both directions may be one.
_STREAMS: Final = len(inspect.signature(_get).parameters) - 1


def fetch_policy(data: bytes) -> None:
    """An answer over HTTPS: the same from the whole as from pieces."""
    (choice,), said = options(data, 1)
    whole = _fetched(said[place : place + 16384] for place in range(0, len(said), 16384))
    cut = _fetched(pieces(said, choice))
    found = (whole, cut)
    # Too much may be too many pieces, or a head that is not whole for too long.
    if len(said) <= _MAX_HEAD_BYTES and not any(_problem(one) is MtaStsProblem.TOO_LARGE for one in found):
        # Words about a broken answer are h11's, and of what had come by then.
        agree(_problem(whole) is _problem(cut), f"whole {whole!r}\nin pieces {cut!r}")
        agree(isinstance(whole, FetchFault) or whole == cut, f"whole {whole!r}\nin pieces {cut!r}")
    for one in found:
        if isinstance(one, FetchFault):
            harmless(one.detail, "a fault", limit=2048)
        else:
            agree(len(one) <= MAX_POLICY_BYTES, f"{len(one)} bytes")


def _problem(found: bytes | FetchFault) -> MtaStsProblem | None:
    return found.problem if isinstance(found, FetchFault) else None


def _fetched(parts: Iterator[bytes]) -> bytes | FetchFault:
    server: Any = _Server(parts)
    getting = _get("mta-sts.a.example", *[server] * _STREAMS)
    try:
        while True:
            getting.send(None)  # it never waits, and may let others have their turn
    except StopIteration as done:
        return cast("bytes | FetchFault", done.value)


_POLICY: Final = (
    b"version: STSv1", b"mode: enforce", b"mode: testing", b"mode: none", b"max_age: 604800", b"mx: *.a.example",
    b"\r\n", b": ", b"max_age: 99999999999", b"mx: ",
)  # fmt: skip
_RECORD: Final = (
    b"v=STSv1; id=", b"v=TLSRPTv1; rua=", b"mailto:", b"https://", b"http://[", b"; ", b",", b"!", b"%2c", b"\n",
    b"id=1;", b"https://[::1", b"@", b"=", b"ext=1",
)  # fmt: skip
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\n", b"Content-Type: text/plain\r\n", b"Content-Length: 77\r\n",
    b"Transfer-Encoding: chunked\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"ffffffff\r\n",
    b"Content-Encoding: gzip\r\n", b"301", b"Connection: upgrade\r\n", b"HTTP/1.0", b"\n ",
)  # fmt: skip
TARGETS: Final = (
    Target("mta-sts-policy", read_policy, tokens=_POLICY),
    Target("policy-records", read_records, tokens=_RECORD),
    Target("mta-sts-fetch", fetch_policy, tokens=(*_ANSWER, *_POLICY)),
)
