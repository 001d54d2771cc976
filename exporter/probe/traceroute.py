"""The path to a port, hop by hop, and its end: TCP connects with small TTLs, without privileges.

A SYN whose TTL runs out makes that router say "time exceeded", and the socket's error queue names it. The SYN is a real
one for the real port, so that a filter treats it as it treats mail. Hops are asked in rounds, those of one round at
once; a round in which the target or a filter answers is the last, and so is one at the end of a long silence.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.diagnosis.connect_errors import judge_connect
from exporter.model.evidence import ConnectEvidence, ErrorOrigin, IcmpError
from exporter.model.failure import FailureClass
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.net import error_queue, tcp_info

MAX_HOPS: Final = 30  # the Internet is seldom wider; the same limit as traceroute(8)
# SYNs of one round. Few, because each that has the TTL to reach the target is one more connection for it.
_ROUND: Final = 6
# Seconds until the next round although some hop was silent: Linux sends a lost SYN again after 1 s.
_PATIENCE: Final = 1.2
HOP_SECONDS: Final = 3.0  # for the answer of one hop
# Routers in a row that do not answer, before the path counts as ended: clouds hide the first four or five of theirs.
_GAP: Final = 8
# linux/in.h, linux/in6.h; the socket module does not name them.
_IP_MINTTL: Final = 21
_IPV6_MINHOPCOUNT: Final = 73
_PENDING: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK})

# RFC 792, RFC 4443 3.3: hop limit exceeded in transit.
_TIME_EXCEEDED: Final = frozenset({(ErrorOrigin.ICMP, 11, 0), (ErrorOrigin.ICMP6, 3, 0)})
_KINDS: Final = MappingProxyType(
    {
        FailureClass.CONNECT_REFUSED: HopKind.REFUSED,
        FailureClass.CONNECT_PROHIBITED: HopKind.PROHIBITED,
        FailureClass.CONNECT_UNREACHABLE: HopKind.UNREACHABLE,
        FailureClass.CONNECT_TIMEOUT: HopKind.SILENT,
    }
)


# A port and its hops so far, silent where no answer has come yet; True: no other answer will come.
OnHops = Callable[[int, tuple[Hop, ...], bool], None]


class TraceRequest(NamedTuple):
    """The path that is asked for."""

    address: str
    port: int
    against: int | None = None
    source: str = ""
    max_hops: int = MAX_HOPS
    timeout: float = HOP_SECONDS  # of one hop: the others' answers stay


async def trace(
    address: str,
    port: int,
    *,
    against: int | None = None,
    source: str = "",
    max_hops: int = MAX_HOPS,
    timeout: float = HOP_SECONDS,  # noqa: ASYNC109 - of one hop: the others' answers stay
) -> PathTrace:
    """The path to `port`, and at the same time to the port `against`. A failure to send is a hop, not an exception."""
    return await trace_live(TraceRequest(address, port, against, source, max_hops, timeout), _tell_nobody)


async def trace_live(request: TraceRequest, on_hops: OnHops) -> PathTrace:
    """The same, for somebody who watches."""
    address, port, against, source, *_ = request
    ports = (port,) if against is None else (port, against)
    found = await asyncio.gather(*(_walk(request, each, on_hops) for each in ports))
    other = PathTrace(address, against, found[1]) if against is not None else None
    path = PathTrace(address, port, found[0], other)
    if path.forged_reset and path.hops[0].kind is HopKind.REFUSED:
        return replace(path, reset_within=await _resets_within(address, port, source))
    return path


def _tell_nobody(port: int, hops: tuple[Hop, ...], ended: bool) -> None:
    """Nobody watches."""


async def _resets_within(address: str, port: int, source: str) -> bool:
    """An RST before the first router is that of this host's own packet filter.

    A socket that demands the highest TTL of what it receives (RFC 5082) is deaf to the RST, sends its SYN again, and
    so learns whether one leaves. A filter that resets drops as well.
    """
    with socket.socket(_family(address), socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        try:
            _set_ttl(sock, 1)
            if sock.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, 255)
            else:
                sock.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, 255)
            if source:
                sock.bind((source, 0))
            sock.connect_ex((address, port))
            await asyncio.sleep(_PATIENCE)
            return tcp_info.unsent(sock)
        except OSError:
            return False  # this kernel has no such option


async def _walk(request: TraceRequest, port: int, on_hops: OnHops) -> tuple[Hop, ...]:
    address, _, _, source, max_hops, seconds = request
    attempts: list[_Attempt] = []

    def tell() -> None:
        on_hops(port, tuple([attempt.hop for attempt in attempts]), False)

    try:
        while len(attempts) < max_hops and not _ended(attempts):
            first = len(attempts) + 1
            ttls = range(first, min(first + _ROUND, max_hops + 1))
            attempts.extend(_Attempt(address, port, ttl, source) for ttl in ttls)
            await _answers(attempts[first - 1 :], min(_PATIENCE, seconds), tell)
        if attempts and not _final(attempts):
            # When the last round has had its time, all earlier ones have had theirs.
            await _answers(attempts, attempts[-1].started + seconds - time.perf_counter(), tell)
        hops = _tidy([attempt.hop for attempt in attempts])
        on_hops(port, hops, True)
        return hops
    finally:
        for attempt in attempts:
            attempt.close()


async def _answers(attempts: list[_Attempt], seconds: float, tell: Callable[[], None]) -> None:
    """Wait for the answers that are missing, at most so long, and tell of each."""
    ends = time.perf_counter() + seconds
    tell()
    while waiting := [attempt.done for attempt in attempts if not attempt.done.done()]:
        left = ends - time.perf_counter()
        if left <= 0:
            break
        await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        tell()


def _ended(attempts: list[_Attempt]) -> bool:
    """A further round would show nothing more."""
    silent = [attempt.hop.kind is HopKind.SILENT for attempt in attempts[-_GAP:]]
    return _final(attempts) or (len(silent) == _GAP and all(silent))


def _final(attempts: list[_Attempt]) -> bool:
    return any(attempt.hop.kind not in (HopKind.TIME_EXCEEDED, HopKind.SILENT) for attempt in attempts)


def _tidy(hops: list[Hop]) -> tuple[Hop, ...]:
    """Without the hops behind the one that ends the path: they only repeat it."""
    routers = [hop.ttl for hop in hops if hop.kind is HopKind.TIME_EXCEEDED]
    ends = [hop.ttl for hop in hops if hop.kind not in (HopKind.TIME_EXCEEDED, HopKind.SILENT)]
    if not ends:
        return tuple(hops)
    return tuple(hops[: max(ends[0], *routers) if routers else ends[0]])


def _set_ttl(sock: socket.socket, ttl: int) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class _Attempt:
    """One SYN with its TTL, until something answers it. `hop` is silent before."""

    def __init__(self, address: str, port: int, ttl: int, source: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._own = ""  # the address the SYN leaves from
        self._socket: socket.socket | None = None
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.hop = Hop(ttl, HopKind.SILENT)
        self.started = time.perf_counter()
        try:
            sock = self._socket = socket.socket(_family(address), socket.SOCK_STREAM)
            number = self._connect(sock, port, source)
            if number in _PENDING:
                self._loop.add_writer(sock, self._on_event)
                return
        except OSError as error:
            number = error.errno or errno.EIO
        self._finish(number)

    def close(self) -> None:
        """Close the connection, answered or not."""
        sock, self._socket = self._socket, None
        if sock is not None:
            self._loop.remove_writer(sock)
            sock.close()
        if not self.done.done():
            self.done.set_result(None)

    def _connect(self, sock: socket.socket, port: int, source: str) -> int:
        sock.setblocking(False)
        error_queue.enable(sock)
        _set_ttl(sock, self.hop.ttl)
        if source:
            sock.bind((source, 0))
        self.started = time.perf_counter()
        number = sock.connect_ex((self._address, port))
        self._own = sock.getsockname()[0]
        return number

    def _on_event(self) -> None:
        """The handshake is complete or has failed; an entry of the error queue wakes a writer as well."""
        if self._socket is not None:
            self._finish(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))

    def _finish(self, number: int) -> None:
        rtt = time.perf_counter() - self.started
        seen = error_queue.read(self._socket) if self._socket is not None else None
        if not number and seen is not None:
            number = seen.errno  # the kernel reports an ICMP error a moment before it ends the connect
        self.hop = _hop(self.hop.ttl, ConnectEvidence(self._address, number, seen, self._sent(seen), rtt))
        self.close()

    def _sent(self, seen: IcmpError | None) -> bool:
        return seen is not None and seen.sender == self._own != self._address


def _hop(ttl: int, evidence: ConnectEvidence) -> Hop:
    seen = evidence.icmp if evidence.icmp is not None and evidence.icmp.origin is not ErrorOrigin.LOCAL else None
    if seen is not None and not evidence.own_sender and (seen.origin, seen.type, seen.code) in _TIME_EXCEEDED:
        return Hop(ttl, HopKind.TIME_EXCEEDED, seen.sender, evidence.elapsed)
    if seen is None and evidence.errno == 0:
        return Hop(ttl, HopKind.REACHED, evidence.address, evidence.elapsed)
    failure = judge_connect(evidence)
    kind = _KINDS.get(failure.failure_class, HopKind.LOCAL)
    if kind is HopKind.LOCAL:
        return Hop(ttl, kind, seen.sender if seen else "", detail=failure.detail)
    if kind is HopKind.SILENT:
        return Hop(ttl, kind)
    return Hop(ttl, kind, seen.sender if seen else evidence.address, evidence.elapsed, failure.detail)
