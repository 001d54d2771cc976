"""The content of the page of certificates by the day they end, as plain values for the template.

Texts of remote servers are escaped for display here; the templates escape markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from exporter.model.printable import printable
from exporter.model.result import HostResult
from exporter.web.backend import TargetState
from exporter.web.pages.ordering import part

# Rows of a page, as of the table of targets.
PAGE_ROWS: Final = 100
# Names of labels to group the targets by.
MAX_LABELS: Final = 20
_DAY: Final = 86400.0
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """The certificate of one address of one MX host."""

    ends: float  # Unix time: the earliest end of the certificates of its path
    mx: str
    address: str
    port: int
    targets: int  # behind it
    verified: bool
    faults: tuple[str, ...]  # classes
    subject: str
    issuer: str


@dataclass(frozen=True, slots=True)
class CertificateDay:
    """The certificates that end on one day in UTC."""

    at: float  # Unix time of its first second
    rows: tuple[CertificateRow, ...]


@dataclass(frozen=True, slots=True)
class CertificatesPage:
    """A page of the table."""

    days: tuple[CertificateDay, ...]  # the earliest first
    total: int  # certificates
    expired: int  # of them
    first: int  # number of the first row shown, from 1
    page: int
    pages: int
    labels: tuple[str, ...]  # names of labels that targets have


class _Seen:
    """A certificate, and the number of targets behind it."""

    __slots__ = ("ends", "host", "targets")

    def __init__(self, host: HostResult, ends: float) -> None:
        self.host = host
        self.ends = ends
        self.targets = 0

    def place(self) -> tuple[float, str, str]:
        return self.ends, self.host.mx, self.host.address


def certificates_page(targets: Iterable[TargetState], page: int, now: float) -> CertificatesPage:
    """The page of this number, or the last one where there are fewer; `now` in Unix time."""
    labels: dict[str, None] = {}
    found = list(_seen(targets, labels).values())
    pages = max(1, -(-len(found) // PAGE_ROWS))
    page = min(max(1, page), pages)
    first = (page - 1) * PAGE_ROWS
    shown = part(found, _Seen.place, first, PAGE_ROWS)
    return CertificatesPage(
        days=tuple(_days(shown)),
        total=len(found),
        expired=sum([seen.ends < now for seen in found]),
        first=first + 1 if found else 0,
        page=page,
        pages=pages,
        labels=tuple(sorted(labels)[:MAX_LABELS]),
    )


def _seen(targets: Iterable[TargetState], labels: dict[str, None]) -> dict[tuple[str, str, int], _Seen]:
    """Each certificate once, however many targets and dialogues see it: as the latest session saw it."""
    found: dict[tuple[str, str, int], _Seen] = {}
    for each in targets:
        labels.update(dict.fromkeys([name for name, _ in each.target.labels]))
        mine: set[tuple[str, str, int]] = set()
        for host in each.result.hosts if each.result is not None else ():
            tls = host.facts.tls
            if tls is None or tls.not_after is None:
                continue
            key = host.identity[:3]
            seen = found.get(key)
            if seen is None:
                seen = found[key] = _Seen(host, tls.not_after)
            elif host.timings.at > seen.host.timings.at:
                seen.host, seen.ends = host, tls.not_after
            if key not in mine:
                mine.add(key)
                seen.targets += 1
    return found


def _days(shown: Sequence[_Seen]) -> Iterable[CertificateDay]:
    for day, seen in groupby(shown, key=lambda each: each.ends // _DAY):
        yield CertificateDay(day * _DAY, tuple(map(_row, seen)))


def _row(seen: _Seen) -> CertificateRow:
    host, tls = seen.host, seen.host.facts.tls
    return CertificateRow(
        ends=seen.ends,
        mx=printable(host.mx),
        address=host.address,
        port=host.identity.port,
        targets=seen.targets,
        verified=tls is not None and tls.verified,
        faults=tuple(fault.failure_class.value for fault in tls.faults) if tls is not None else (),
        subject=printable(tls.subject, _MAX_TEXT) if tls is not None else "",
        issuer=printable(tls.issuer, _MAX_TEXT) if tls is not None else "",
    )
