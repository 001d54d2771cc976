"""A path trace as plain data."""

from __future__ import annotations

from typing import Any

from exporter.model.path_trace import Hop, PathTrace
from exporter.report.path_summary import path_summary


def path_as_json(name: str, mx: str, preference: int | None, path: PathTrace) -> dict[str, Any]:
    """A path as plain data; `name` as it was asked for, `mx` and `preference` of the host (None: no MX record)."""
    return {
        "name": name,
        "mx": mx,
        "preference": preference,
        "address": path.address,
        "port": path.port,
        "reached": path.reached is not None,
        "summary": path_summary(path),
        "hops": [_hop_json(hop) for hop in path.hops],
        "against": None
        if path.against is None
        else {
            "port": path.against.port,
            "reached": path.against.reached is not None,
            "hops": [_hop_json(hop) for hop in path.against.hops],
        },
    }


def _hop_json(hop: Hop) -> dict[str, Any]:
    return {
        "hop": hop.ttl,
        "answer": hop.kind,
        "address": hop.address or None,
        "rtt_seconds": None if hop.rtt is None else round(hop.rtt, 6),
        "detail": hop.detail or None,
    }
