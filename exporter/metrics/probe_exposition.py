"""The answer to `/probe`: the series of one result, its own and those of its hosts, and blackbox_exporter's.

No counters: each answer is a registry of its own, in which they would stand at 1 for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from exporter.metrics.blackbox import probe_series
from exporter.metrics.domain_rows import target_row
from exporter.metrics.exposition import Format, exposition
from exporter.metrics.families import FAMILIES
from exporter.metrics.host_rows import host_row
from exporter.model.result import DomainResult
from exporter.model.target import Target
from exporter.store.hosts import HostRecord
from exporter.store.record import TargetRecord
from exporter.store.row import ToldRow

_COUNTERS: Final = frozenset(family.name for family in FAMILIES if family.type == "counter")
_NONE: Final[frozenset[str]] = frozenset()


def probe_exposition(
    target: Target,
    result: DomainResult,
    format_: Format,
    wanted: frozenset[str] | None = None,
    disabled: frozenset[str] = _NONE,
) -> Iterator[bytes]:
    """The text in pieces. `wanted` and `disabled` are names of families, as for `/metrics`; None: all of them."""
    without = disabled | _COUNTERS
    series = target.settings.host_series
    # Each host once. The domains behind it are not known here.
    hosts = {host.identity: HostRecord(host.identity, host, series=series, domains=None) for host in result.hosts}
    record = TargetRecord(target, result)
    rows: list[ToldRow] = [(target_row(record, without), record)]
    rows += [(host_row(host, without), host) for host in hosts.values()]
    return chain(probe_series(result, format_.openmetrics, wanted), exposition(rows, None, format_, wanted))
