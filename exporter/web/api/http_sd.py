"""The configured targets in the format of Prometheus's http_sd (`/sd`).

The list has every target of the configuration, whatever the shard of this process: all exporters behind one address
give the same answer, and `/probe` of each probes any target. A Prometheus server that scrapes the shards one by one
selects by `__meta_mx_shard`. All labels are `__meta_…`, which Prometheus drops after relabelling: the series of a
target have its configured labels already, and a target label of the same name would only rename those.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from exporter.model.target import Target
from exporter.schedule.shard import owner

CONTENT_TYPE = "application/json"

# Kind, module, port, labels and shard of the targets of one group.
_Group = tuple[str, str, int, tuple[tuple[str, str], ...], int]


def http_sd(targets: Iterable[Target], total_shards: int) -> Iterator[bytes]:
    """The list, in a piece for each group of targets with the same labels."""
    groups: defaultdict[_Group, list[str]] = defaultdict(list)
    for target in targets:
        shard = owner(target.name, total_shards)
        settings = target.settings
        groups[target.kind, settings.module.name, settings.port, target.labels, shard].append(target.name)
    yield b"["
    for number, (group, names) in enumerate(groups.items()):
        yield b",\n" if number else b"\n"
        yield json.dumps({"targets": names, "labels": _labels(group)}).encode()
    yield b"\n]\n"


def _labels(group: _Group) -> dict[str, str]:
    kind, module, port, labels, shard = group
    return {
        "__meta_mx_kind": kind,
        "__meta_mx_module": module,
        "__meta_mx_port": str(port),
        "__meta_mx_shard": str(shard),
        **{f"__meta_mx_label_{name}": value for name, value in labels},
    }
