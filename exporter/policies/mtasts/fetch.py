"""The policy file over HTTPS (RFC 8461 3.3), as a sender fetches it: one GET, no redirect, a verified certificate.

The connection goes to an address from the exporter's resolver, and h11 reads the answer. A larger HTTP client would
resolve names, follow redirects, keep connections and read environment variables: four features to switch off, and none
that is needed. The fetch runs in the event loop of the probes; its longest step is one handshake or one record.
"""

from __future__ import annotations

import asyncio
import errno
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import h11

from exporter import __version__
from exporter.model.policy import MtaStsProblem
from exporter.model.printable import printable
from exporter.policies.mtasts.policy import MAX_POLICY_BYTES
from exporter.policies.mtasts.tls_stream import READ_BYTES, LimitError, SecureStream
from exporter.tls.client_offer import MODERN

HTTPS_PORT: Final = 443
# RFC 8461 3.3 suggests a minute; a working web server needs less than this for 64 KiB.
FETCH_SECONDS: Final = 15.0
# A dead address of a web host must not hide a live one; but a long list must not take all the time.
MAX_ADDRESSES: Final = 4
# The head of the answer, and everything else around the policy: interim answers, chunk sizes, trailers.
_MAX_HEAD_BYTES: Final = 8192
_MAX_ANSWER_BYTES: Final = 2 * MAX_POLICY_BYTES + _MAX_HEAD_BYTES
# Events of h11, such as interim answers and parts of chunks: a policy of the largest size in pieces of 64 bytes. A
# chunk of one byte costs as much to read as one of 16 KiB.
MAX_PIECES: Final = 1024
_PIECES_AT_ONCE: Final = 128  # about a millisecond
# Faults on our side.
_OUR_ERRORS: Final = frozenset(
    {
        errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.ENETUNREACH,
        errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FetchFault:
    """The reason why there is no policy."""

    problem: MtaStsProblem
    detail: str
    timed_out: bool = False  # the host sent nothing in time


def tls_context() -> ssl.SSLContext:
    """A context that trusts the system's roots, or those of SSL_CERT_FILE. It reads files, so call it in a thread."""
    context = ssl.create_default_context()
    # Older versions are obsolete (RFC 8996); and RFC 8461 3.3: the name must be a DNS-ID.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(MODERN)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.hostname_checks_common_name = False
    return context


async def fetch(
    name: str,
    addresses: Sequence[str],
    context: ssl.SSLContext,
    *,
    port: int = HTTPS_PORT,
    sources: tuple[str, str] = ("", ""),
    seconds: float = FETCH_SECONDS,
) -> bytes | FetchFault:
    """The policy file of the policy host `name`, whole, or why not; within `seconds` altogether.

    `addresses` are the host's, tried in turn until one answers the connect; `sources` are the addresses to connect
    from, for IPv4 and IPv6, where they matter.
    """
    chosen = addresses[:MAX_ADDRESSES]
    faults: list[FetchFault] = []
    try:
        async with asyncio.timeout(seconds):
            for address in chosen:
                source = sources[":" in address]
                stream = await _connect(name, address, port, source, context, seconds / len(chosen))
                if not isinstance(stream, FetchFault):
                    return await _get(name, stream)
                faults.append(stream)
                if stream.problem not in (MtaStsProblem.CONNECT, MtaStsProblem.LOCAL):
                    break
    except TimeoutError:
        return FetchFault(MtaStsProblem.TIMEOUT, f"{name} did not send the policy within {seconds:g} s", timed_out=True)
    # A fault on our side with one address says less than the fault of another address.
    theirs = (fault for fault in faults if fault.problem is not MtaStsProblem.LOCAL)
    return next(theirs, faults[0] if faults else FetchFault(MtaStsProblem.HOST_LOOKUP, f"{name} has no address"))


async def _connect(
    name: str, address: str, port: int, source: str, context: ssl.SSLContext, seconds: float
) -> SecureStream | FetchFault:
    where = f"{name} [{address}]"
    stream: SecureStream | None = None
    try:
        async with asyncio.timeout(seconds):
            streams = await asyncio.open_connection(
                address, port, limit=READ_BYTES, local_addr=(source, 0) if source else None
            )
            stream = SecureStream(*streams, context, name)
            await stream.handshake()
    except BaseException as error:
        if stream is not None:
            stream.abort()
        fault = _fault(where, error)
        if fault is None:
            raise
        return fault
    return stream


def _fault(where: str, error: BaseException) -> FetchFault | None:
    """The fault for an error of a connect; None for errors that have nothing to do with the network."""
    match error:
        case TimeoutError():
            return FetchFault(MtaStsProblem.CONNECT, f"{where} did not answer", timed_out=True)
        case ssl.SSLCertVerificationError():
            return FetchFault(
                MtaStsProblem.CERTIFICATE, f"the certificate of {where}: {printable(error.verify_message)}"
            )
        case ssl.SSLError():
            return FetchFault(MtaStsProblem.TLS, f"no TLS with {where}: {printable(error.reason or str(error))}")
        case LimitError():
            return FetchFault(MtaStsProblem.TLS, f"no TLS with {where}: it {error}")
        case ConnectionError():
            how = error.strerror or "closed in the handshake"
            return FetchFault(MtaStsProblem.CONNECT, f"no connection to {where}: {how}")
        case OSError():
            problem = MtaStsProblem.LOCAL if error.errno in _OUR_ERRORS else MtaStsProblem.CONNECT
            return FetchFault(problem, f"no connection to {where}: {error.strerror or error}")
    return None


async def _get(name: str, stream: SecureStream) -> bytes | FetchFault:
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD_BYTES)
        request = h11.Request(
            method="GET",
            target="/.well-known/mta-sts.txt",
            headers=[
                ("Host", name),
                ("User-Agent", f"mx-exporter/{__version__}"),
                ("Accept", "text/plain"),
                ("Connection", "close"),
            ],
        )
        stream.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
        return await _read(connection, stream)
    except h11.RemoteProtocolError as error:
        return FetchFault(MtaStsProblem.HTTP, f"{name} does not speak HTTP: {printable(str(error))}")
    except LimitError as error:
        return FetchFault(MtaStsProblem.TOO_LARGE, f"{name} {error}")
    except (OSError, EOFError) as error:  # the standard library's TLS errors among them
        return FetchFault(MtaStsProblem.HTTP, f"{name} broke the connection off: {printable(str(error))}")
    finally:
        stream.abort()


async def _read(connection: h11.Connection, stream: SecureStream) -> bytes | FetchFault:
    """The policy in the answer, or the fault of the answer."""
    events = _AnswerEvents(connection, stream)
    body = bytearray()
    while True:
        event = await events.next()
        if isinstance(event, FetchFault):
            return event
        if isinstance(event, h11.Response):
            fault = _refusal(event)
            if fault is not None:
                return fault
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_POLICY_BYTES:
                return FetchFault(MtaStsProblem.TOO_LARGE, f"the policy is longer than {MAX_POLICY_BYTES} bytes")
        elif isinstance(event, h11.EndOfMessage | h11.ConnectionClosed):
            return bytes(body)


class _AnswerEvents:
    """The HTTP events of one answer, with limits for its bytes and events."""

    def __init__(self, connection: h11.Connection, stream: SecureStream) -> None:
        self._connection = connection
        self._stream = stream
        self._received = 0
        self._pieces = 0

    async def next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED] | FetchFault:
        """The next event; a fault where there are too many bytes or events."""
        while (event := self._connection.next_event()) is h11.NEED_DATA:
            data = await self._stream.read()
            self._received += len(data)
            if self._received > _MAX_ANSWER_BYTES:
                return FetchFault(MtaStsProblem.TOO_LARGE, f"the answer is longer than {_MAX_ANSWER_BYTES} bytes")
            self._connection.receive_data(data)
        self._pieces += 1
        if self._pieces > MAX_PIECES:
            return FetchFault(MtaStsProblem.TOO_LARGE, f"the answer comes in more than {MAX_PIECES} pieces")
        if self._pieces % _PIECES_AT_ONCE == 0:
            await asyncio.sleep(0)  # other tasks run meanwhile
        return event


def _refusal(response: h11.Response) -> FetchFault | None:
    """The fault in the head of the answer for which a sender does not use the policy."""
    code = response.status_code
    if 300 <= code < 400:
        # RFC 8461 3.3: redirects are not followed.
        return FetchFault(MtaStsProblem.REDIRECT, f"the policy host answers {code}, and redirects must not be followed")
    if code != 200:
        return FetchFault(MtaStsProblem.HTTP_STATUS, f"the policy host answers {code}")
    headers = dict(response.headers)
    content_type = headers.get(b"content-type", b"").decode("latin-1")
    if content_type.partition(";")[0].strip().lower() != "text/plain":
        # RFC 8461 3.2
        return FetchFault(
            MtaStsProblem.CONTENT_TYPE, f"the policy is not text/plain but {printable(content_type, 128)!r}"
        )
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").lower()
    if encoding != "identity":
        return FetchFault(
            MtaStsProblem.HTTP, f"the policy is sent as {printable(encoding, 128)!r}, which was not asked for"
        )
    return None
