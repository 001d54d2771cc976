"""The policy file over HTTPS (RFC 8461 3.3), as a sender fetches it: one GET, no redirect, a verified certificate.

The connection goes to an address that our resolver gave, and h11 reads the answer. A larger HTTP client would resolve
names by itself, follow redirects, keep connections and read environment variables: four things to switch off, and none
that is needed. It runs in the loop of the probes, on sockets of its own; what it does at once is one handshake, or what
is in one record.
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
# RFC 8461 3.3 suggests a minute; a web server that needs more than this for 64 KiB is not up to its job.
FETCH_SECONDS: Final = 15.0
# A dead address of a web host must not hide a living one; nor may a long list keep us busy.
MAX_ADDRESSES: Final = 4
# The head of the answer, and everything else around the policy: interim answers, chunk sizes, trailers.
_MAX_HEAD_BYTES: Final = 8192
_MAX_ANSWER_BYTES: Final = 2 * MAX_POLICY_BYTES + _MAX_HEAD_BYTES
# Interim answers, chunks and what of them came at once: a policy of the largest size in pieces of 64 bytes. One byte of
# text in a chunk of its own costs as much to read as 16 KiB in one.
MAX_PIECES: Final = 1024
_PIECES_AT_ONCE: Final = 128  # about a millisecond
# Of ours, so no fault of theirs.
_OUR_ERRORS: Final = frozenset(
    {
        errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.ENETUNREACH,
        errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FetchFault:
    """Why there is no policy."""

    problem: MtaStsProblem
    detail: str
    silent: bool = False  # the host kept us waiting, for nothing


def tls_context() -> ssl.SSLContext:
    """Trusts the system's roots, or SSL_CERT_FILE's. Reads files, so call it where that may take a moment."""
    context = ssl.create_default_context()
    # No sender of today takes less (RFC 8996); and RFC 8461 3.3: the name must be a DNS-ID.
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
        return FetchFault(MtaStsProblem.TIMEOUT, f"{name} did not send the policy within {seconds:g} s", silent=True)
    # That we have no way to one address says less than what became of another.
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
    """What came of a connect; None for what is no matter of the network."""
    match error:
        case TimeoutError():
            return FetchFault(MtaStsProblem.CONNECT, f"{where} did not answer", silent=True)
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
    body = bytearray()
    received = pieces = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await stream.read()
            received += len(data)
            if received > _MAX_ANSWER_BYTES:
                return FetchFault(MtaStsProblem.TOO_LARGE, f"the answer is longer than {_MAX_ANSWER_BYTES} bytes")
            connection.receive_data(data)
            continue
        pieces += 1
        if pieces > MAX_PIECES:
            return FetchFault(MtaStsProblem.TOO_LARGE, f"the answer comes in more than {MAX_PIECES} pieces")
        if pieces % _PIECES_AT_ONCE == 0:
            await asyncio.sleep(0)  # others have their turn
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


def _refusal(response: h11.Response) -> FetchFault | None:
    """What in the head of the answer keeps a sender from using the policy."""
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
            MtaStsProblem.HTTP, f"the policy is sent as {printable(encoding, 128)!r}, which nobody asked for"
        )
    return None
