"""A path as plain data."""

from __future__ import annotations

import json

from exporter.model.path_trace import Hop, HopKind, PathTrace
from exporter.report.path_as_json import path_as_json

TARGET = "192.0.2.25"
ROUTER = Hop(1, HopKind.TIME_EXCEEDED, "192.0.2.254", 0.00123456789)


def test_both_ports_have_their_hops() -> None:
    reached = Hop(2, HopKind.REACHED, TARGET, 0.02)
    path = PathTrace(TARGET, 25, (ROUTER, Hop(2, HopKind.SILENT)), PathTrace(TARGET, 443, (ROUTER, reached)))
    data = json.loads(json.dumps(path_as_json("a.example", "mx.a.example", 10, path)))
    assert (data["name"], data["mx"], data["preference"]) == ("a.example", "mx.a.example", 10)
    assert (data["address"], data["port"], data["reached"]) == (TARGET, 25, False)
    assert "a filter of the host itself, or on the way" in data["summary"]
    assert data["hops"][0] == {
        "hop": 1, "answer": "time_exceeded", "address": "192.0.2.254", "rtt_seconds": 0.001235, "detail": None,
    }  # fmt: skip
    assert data["hops"][1] == {"hop": 2, "answer": "silent", "address": None, "rtt_seconds": None, "detail": None}
    assert (data["against"]["port"], data["against"]["reached"], len(data["against"]["hops"])) == (443, True, 2)


def test_a_port_alone_is_compared_with_none() -> None:
    assert path_as_json(TARGET, TARGET, None, PathTrace(TARGET, 25, (ROUTER,)))["against"] is None
