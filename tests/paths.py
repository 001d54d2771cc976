"""Paths put together by hand, for tests of what they show."""

from __future__ import annotations

from exporter.model.path_trace import Hop, HopKind, PathTrace

_K = HopKind
TARGET = "185.10.1.10"
ROUTERS = ("46.30.1.1", "46.30.2.2", "46.30.3.2")


def path(*answers: HopKind | tuple[HopKind, str], against: PathTrace | None = None, port: int = 25) -> PathTrace:
    """A trace of the answers to TTL 1, 2...: routers by their place, the target for what only it can say."""
    hops = []
    for ttl, answer in enumerate(answers, start=1):
        if isinstance(answer, tuple):
            kind, sender = answer
        else:
            kind = answer
            sender = {_K.TIME_EXCEEDED: ROUTERS[min(ttl, 3) - 1], _K.SILENT: "", _K.LOCAL: ""}.get(kind, TARGET)
        detail = "the router says so" if kind in (_K.PROHIBITED, _K.UNREACHABLE) else ""
        hops.append(Hop(ttl, kind, sender, detail=detail))
    return PathTrace(TARGET, port, tuple(hops), against)


OPEN_443 = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.REACHED, port=443)
GONE_443 = path(_K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.TIME_EXCEEDED, _K.SILENT, _K.SILENT, port=443)
