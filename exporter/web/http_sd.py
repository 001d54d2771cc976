"""The configured targets as Prometheus's http_sd takes them (`/sd`).

Every target of the configuration is listed, whatever the shard of this process: any of several exporters behind one
address gives the same answer, and `/probe` of any of them probes what it is asked for. Who scrapes the shards one by
one keeps those of `__meta_mx_shard`. The labels are all `__meta_…`, which Prometheus drops after relabelling: the
series of a target carry its own labels already, and a target label of the same name would only rename those.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator

from exporter.model.target import Target
from exporter.schedule.shard import owner

CONTENT_TYPE = "application/json"

# Kind, module, port, labels, shard: what the targets of one group have in common.
_Group = tuple[str, str, int, tuple[tuple[str, str], ...], int]


def http_sd(targets: Iterable[Target], total_shards: int) -> Iterator[bytes]:
    """The list, a piece for each group of targets whose labels are the same."""
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
