"""Paths of hosts: wanted where a connect draws nothing or a reset, joined with the evidence once they are known."""

from __future__ import annotations

from errno import ECONNREFUSED

import pytest

from exporter.egress import traces
from exporter.egress.paths import HostPaths
from exporter.model.configuration import Egress
from exporter.model.evidence import ConnectEvidence, Evidence
from exporter.model.failure import FailureClass
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import TargetKey
from tests.paths import path
from tests.results import changed, domain, down_host, result, up_host
from tests.support.waiting import until

ADDRESS = "192.0.2.1"
TRACED = path(HopKind.TIME_EXCEEDED, HopKind.SILENT)


@pytest.fixture(autouse=True)
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The ports that the traces were compared with."""
    ports: list[int | None] = []

    async def trace(address: str, port: int, *, against: int | None, source: str) -> PathTrace:
        ports.append(against)
        return TRACED

    monkeypatch.setattr(traces, "trace", trace)
    return ports


def failing(**connect: object) -> ProbeResult:
    evidence = Evidence(25, ConnectEvidence(ADDRESS, **connect))  # type: ignore[arg-type]
    return result(changed(down_host(FailureClass.CONNECT_TIMEOUT, address=ADDRESS), evidence=evidence))


def path_of(host: HostResult) -> PathTrace | None:
    assert host.evidence is not None
    return host.evidence.path


async def test_a_path_is_requested_once_and_joined_when_it_is_known(compared: list[int | None]) -> None:
    found: list[tuple[str, frozenset[TargetKey]]] = []
    paths = HostPaths(Egress(witness_ports=(25, 587)), lambda address, _, keys: found.append((address, keys)))
    silent = failing(errno=None)
    assert path_of(paths.with_paths(domain(), silent, request=True).hosts[0]) is None
    await until(lambda: found)
    assert found == [(ADDRESS, frozenset({domain().key}))]
    result = paths.with_paths(domain(), silent, request=False)
    assert path_of(result.hosts[0]) == TRACED
    assert paths.with_paths(domain(), result, request=True) == result
    assert compared == [587]  # not with the port itself
    paths.forget(ADDRESS, 25)
    assert path_of(paths.with_paths(domain(), result, request=False).hosts[0]) is None
    await paths.close()


@pytest.mark.parametrize(
    ("probed", "trace"),
    [
        (failing(errno=None), False),
        (failing(errno=None, unsent=True), True),  # no SYN left this host
        (failing(errno=ECONNREFUSED, icmp=None), False),
        (result(up_host()), True),
    ],
)
async def test_no_path_is_traced_where_it_would_show_nothing(
    probed: ProbeResult, trace: bool, compared: list[int | None]
) -> None:
    paths = HostPaths(Egress(trace=trace), lambda *_: None)
    await paths.trace_all(domain(), probed)
    assert paths.with_paths(domain(), probed, request=True) == probed
    assert compared == []
    await paths.close()
