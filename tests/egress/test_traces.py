"""Traces on request: few at once, each address seldom, and remembered."""

from __future__ import annotations

import asyncio
import socket

import pytest

from exporter.egress import traces
from exporter.egress.traces import KEPT_SECONDS, PathTraces
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostIdentity
from tests.paths import path
from tests.support.virtual_time import VirtualLoop, run_virtually
from tests.support.waiting import until

ADDRESS = "127.0.0.1"
A = HostIdentity("mx.a.example", ADDRESS, 25, "default")
B = HostIdentity("mx.b.example", ADDRESS, 25, "default")


class Tracing:
    """Traces that take as long as they are told to, without a network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 1.0) -> None:
        self.traced: list[tuple[str, int, int | None]] = []
        self.at_once = self.most_at_once = 0
        self.seconds = seconds
        self.found: list[tuple[str, frozenset[HostIdentity]]] = []
        monkeypatch.setattr(traces, "trace", self.trace)

    async def trace(self, address: str, port: int, *, against: int | None, source: str) -> PathTrace:
        self.traced.append((address, port, against))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.seconds)
        self.at_once -= 1
        return path(port=port)

    def on_found(self, address: str, trace: PathTrace, wishers: frozenset[HostIdentity]) -> None:
        self.found.append((address, wishers))


@pytest.fixture
def tracing(monkeypatch: pytest.MonkeyPatch) -> Tracing:
    return Tracing(monkeypatch)


def jump(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.jump(seconds)


def test_all_who_wished_are_named_when_the_path_is_found(tracing: Tracing) -> None:
    async def main() -> None:
        found = PathTraces(tracing.on_found)
        found.request(ADDRESS, 25, 443, "", A)
        found.request(ADDRESS, 25, 443, "", B)
        assert found.known(ADDRESS, 25) is None
        await asyncio.sleep(2.0)
        assert found.known(ADDRESS, 25) is not None
        await found.close()

    run_virtually(main())
    assert tracing.traced == [(ADDRESS, 25, 443)]
    assert tracing.found == [(ADDRESS, frozenset({A, B}))]


def test_an_address_is_traced_again_only_after_a_while(tracing: Tracing) -> None:
    async def main() -> None:
        found = PathTraces(tracing.on_found)
        await found.find(ADDRESS, 25, 443)
        found.request(ADDRESS, 25, 443, "", A)
        await found.find(ADDRESS, 25, 443)
        assert len(tracing.traced) == 1
        jump(KEPT_SECONDS + 1)
        assert found.known(ADDRESS, 25) is not None  # until there is a newer one
        found.request(ADDRESS, 25, 443, "", A)
        await asyncio.sleep(2.0)
        assert len(tracing.traced) == 2
        await found.close()

    run_virtually(main())


def test_what_is_forgotten_is_traced_anew(tracing: Tracing) -> None:
    async def main() -> None:
        found = PathTraces(tracing.on_found)
        await found.find(ADDRESS, 25, 443)
        found.forget(ADDRESS, 25)
        assert found.known(ADDRESS, 25) is None
        await found.find(ADDRESS, 25, 443)
        found.forget_all()
        assert found.known(ADDRESS, 25) is None
        await found.close()

    run_virtually(main())
    assert len(tracing.traced) == 2


def test_few_are_under_way_at_once_and_too_many_are_not_kept_waiting(tracing: Tracing) -> None:
    async def main() -> None:
        found = PathTraces(tracing.on_found)
        for number in range(1000):
            found.request(f"192.0.{number // 250}.{number % 250}", 25, 443, "", A)
        await asyncio.sleep(100.0)
        await found.close()

    run_virtually(main())
    assert tracing.most_at_once == traces.AT_ONCE
    assert len(tracing.found) == traces.MAX_WAITING


def test_closing_ends_what_is_under_way(tracing: Tracing) -> None:
    async def main() -> None:
        found = PathTraces(tracing.on_found)
        found.request(ADDRESS, 25, 443, "", A)
        await asyncio.sleep(0.0)
        await found.close()

    tracing.seconds = 1e6
    run_virtually(main())
    assert tracing.found == []


async def test_a_real_path_is_found() -> None:
    told: list[PathTrace] = []
    found = PathTraces(lambda address, trace, wishers: told.append(trace))
    with socket.create_server((ADDRESS, 0)) as listener:
        port = listener.getsockname()[1]
        found.request(ADDRESS, port, None, "", A)
        await until(lambda: told)
        await found.close()
    assert told[0].reached == 1
