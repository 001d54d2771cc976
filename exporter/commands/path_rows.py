"""The rows of a path trace, each as soon as it is settled: on both ports, or one port below the other.

A hop that does not answer is settled when its time is over. An answer that comes later still is told in a row of its
own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from exporter.commands.terminal import Ink, Line, Span, line
from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.probe.traceroute import TraceRequest
from exporter.report.path_summary import path_summary

_INDENT: Final = "  "
_HOP_COLUMNS: Final = 6  # the number of a hop, and the space between it and the first cell
_GAP: Final = 2  # least characters between the two ports
# Of a cell: the longest address, a time and a word.
_COLUMN: Final = 52
# Widths of the first port's column, the best first, and the width that the second port's needs, by length of address.
_COLUMNS_IPV4: Final = ((_COLUMN, 34), (36, 34), (27, 34))
_COLUMNS_IPV6: Final = ((_COLUMN, 60),)
_ENDS: Final = frozenset(HopKind) - {HopKind.TIME_EXCEEDED, HopKind.SILENT}
_INKS: Final = {
    HopKind.REACHED: Ink.UP,
    HopKind.REFUSED: Ink.DEAD,
    HopKind.UNREACHABLE: Ink.DEAD,
    HopKind.PROHIBITED: Ink.BLOCKED,
    HopKind.LOCAL: Ink.LOCAL,
}
_Cells = tuple[Span, ...]


class PathRows:
    """The rows of one path. It is fed by the trace; :meth:`rows` gives those that are new and settled."""

    def __init__(self, name: str, request: TraceRequest, width: int | None) -> None:
        """`width`: the columns of the terminal; None where there is none."""
        self._request = request
        self._heading = f"{name} [{request.address}]" if name != request.address else name
        column = None if request.against is None else _column(request.address, width)
        ports = [request.port] if request.against is None else [request.port, request.against]
        # The ports that stand beside each other, one table after the other.
        self._tables = [ports] if column is not None or len(ports) == 1 else [[port] for port in ports]
        self._width = column or 0
        self._hops: dict[int, tuple[Hop, ...]] = dict.fromkeys(ports, ())
        self._ended: set[int] = set()
        self._silent_since: dict[tuple[int, int], float] = {}
        self._shown: dict[tuple[int, int], list[Hop | None]] = {}  # by table and hop
        self._table = 0

    def take(self, port: int, hops: tuple[Hop, ...], ended: bool) -> None:
        """Take in the hops of a port as they are now."""
        self._hops[port] = hops
        now = time.monotonic()
        for hop in hops:
            self._silent_since.setdefault((port, hop.ttl), now)
        if ended:
            self._ended.add(port)

    def rows(self) -> Iterator[Line]:
        """The rows that can be shown now and have not been."""
        while self._table < len(self._tables):
            ports = self._tables[self._table]
            ttl = sum(table == self._table for table, _ in self._shown) + 1
            if ttl > max(len(self._hops[port]) for port in ports):
                if not self._ended.issuperset(ports):
                    return
                yield from self._late(ports)
                self._table += 1
                continue
            if not all(self._is_settled(port, ttl) for port in ports):
                return
            yield from self._row(ports, ttl)

    def end(self, path: PathTrace) -> Iterator[Line]:
        """The rows that are left, and the finding."""
        for one in (path, path.against):
            if one is not None:
                self.take(one.port, one.hops, ended=True)
        yield from self.rows()
        yield line(path_summary(path), hang=2)

    def interrupted(self) -> Iterator[Line]:
        """The rows of all answers so far."""
        for port, hops in self._hops.items():
            answered = [place for place, hop in enumerate(hops, 1) if hop.kind is not HopKind.SILENT]
            self.take(port, hops[: max(answered, default=0)], ended=True)
        yield from self.rows()
        port, against, last = self._request.port, self._request.against, len(self._hops[self._request.port])
        about = f"port {port}" if against is None else f"ports {port} and {against}"
        yield line(f"interrupted: the path of {about} is known up to hop {last}, so there is no finding", hang=2)

    def waiting(self) -> str:
        """The wait for the next row; empty where there is none."""
        waiting = [port for port in self._hops if port not in self._ended]
        if not waiting:
            return ""
        ttl = max(len(self._hops[port]) for port in waiting)
        ports = " and ".join(map(str, waiting))
        return f"tracing the path to {self._request.address} port {ports}, hop {ttl}"

    def heading(self) -> Line:
        """The name of the host, and its address."""
        return line((self._heading, Ink.HEADING), hang=2)

    def _is_settled(self, port: int, ttl: int) -> bool:
        hops = self._hops[port]
        if port in self._ended:
            return True
        # Hops behind the end repeat it, and are left out when all have answered.
        if len(hops) < ttl or any(hop.kind in _ENDS for hop in hops[: ttl - 1]):
            return False
        silent = time.monotonic() - self._silent_since[port, ttl]
        return hops[ttl - 1].kind is not HopKind.SILENT or silent >= self._request.timeout

    def _row(self, ports: list[int], ttl: int) -> Iterator[Line]:
        if ttl == 1:
            yield _titles(ports, self._width)
        hops = [self._hops[port][ttl - 1] if ttl <= len(self._hops[port]) else None for port in ports]
        self._shown[self._table, ttl] = hops
        yield _cells(ttl, hops, self._width)

    def _late(self, ports: list[int]) -> Iterator[Line]:
        """The rows of hops that have answered since they were shown as silent."""
        for (table, ttl), before in self._shown.items():
            if table == self._table:
                hops = [self._hops[port][ttl - 1] if ttl <= len(self._hops[port]) else None for port in ports]
                if any(
                    was is not None and now is not None and was != now for was, now in zip(before, hops, strict=True)
                ):
                    yield _cells(ttl, hops, self._width)


def _column(address: str, width: int | None) -> int | None:
    """The width of the first port's column with which the second fits beside it; None where it does not fit."""
    if width is None:
        return _COLUMN
    columns = _COLUMNS_IPV6 if ":" in address else _COLUMNS_IPV4
    return next((column for column, other in columns if _HOP_COLUMNS + column + other <= width), None)


def _titles(ports: list[int], column: int) -> Line:
    first, *other = (f"port {port}" for port in ports)
    return line((f"{'hop':>4}  {first:{column}}{''.join(other)}".rstrip(), Ink.DIM))


def _cells(ttl: int, hops: list[Hop | None], column: int) -> Line:
    pieces: list[Span] = [(f"{ttl:4}", Ink.DIM), (_INDENT, Ink.PLAIN)]
    for cell, following in zip_longest(map(_cell, hops), map(_cell, hops[1:]), fillvalue=()):
        pieces += cell
        # Nothing stands behind the last cell of a row, not even the spaces that would fill its column.
        if following:
            taken = sum(len(text) for text, _ in cell)
            pieces.append((" " * max(_GAP, column - taken), Ink.PLAIN))
    return line(*pieces, hang=_HOP_COLUMNS)


def _cell(hop: Hop | None) -> _Cells:
    """The router or host that answered, its time and its answer."""
    if hop is None:
        return ()
    if hop.kind is HopKind.SILENT:
        return (("*", Ink.DIM),)
    took = "" if hop.rtt is None else f"  {hop.rtt * 1000:.1f} ms"
    word = "" if hop.kind is HopKind.TIME_EXCEEDED else f"  {hop.kind.replace('_', ' ')}"
    return (hop.address or "this host", Ink.PLAIN), (took, Ink.DIM), (word, _INKS.get(hop.kind, Ink.PLAIN))
