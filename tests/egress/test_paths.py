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
from exporter.model.result import HostIdentity, HostResult
from tests.paths import path
from tests.results import changed, down_host, up_host
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


def failing(mx: str = "mx.a.example", **connect: object) -> HostResult:
    evidence = Evidence(25, ConnectEvidence(ADDRESS, **connect))  # type: ignore[arg-type]
    return changed(down_host(FailureClass.CONNECT_TIMEOUT, mx, ADDRESS), evidence=evidence)


def path_of(host: HostResult) -> PathTrace | None:
    assert host.evidence is not None
    return host.evidence.path


async def test_a_path_is_requested_once_and_joined_when_it_is_known(compared: list[int | None]) -> None:
    """All names of an address have one path."""
    found: list[tuple[str, frozenset[HostIdentity]]] = []
    paths = HostPaths(
        Egress(witness_ports=(25, 587)), lambda address, _, identities: found.append((address, identities))
    )
    silent = failing("mx.a.example", errno=None), failing("mx.b.example", errno=None)
    for host in silent:
        assert path_of(paths.with_path(host, "", request=True)) is None
    await until(lambda: found)
    assert found == [(ADDRESS, frozenset(host.identity for host in silent))]
    for host in silent:
        joined = paths.with_path(host, "", request=False)
        assert path_of(joined) == TRACED
        assert paths.with_path(joined, "", request=True) is joined
    assert compared == [587]  # not with the port itself
    paths.forget(ADDRESS, 25)
    assert path_of(paths.with_path(joined, "", request=False)) is None
    await paths.close()


@pytest.mark.parametrize(
    ("probed", "trace"),
    [
        (failing(errno=None), False),
        (failing(errno=None, unsent=True), True),  # no SYN left this host
        (failing(errno=ECONNREFUSED, icmp=None), False),
        (up_host(), True),
    ],
)
async def test_no_path_is_traced_where_it_would_show_nothing(
    probed: HostResult, trace: bool, compared: list[int | None]
) -> None:
    paths = HostPaths(Egress(trace=trace), lambda *_: None)
    await paths.trace_all((probed,), lambda address: "")
    assert paths.with_path(probed, "", request=True) is probed
    assert compared == []
    await paths.close()


async def test_each_path_is_traced_from_the_source_of_its_family(monkeypatch: pytest.MonkeyPatch) -> None:
    sources: list[tuple[str, str]] = []

    async def trace(address: str, port: int, *, against: int | None, source: str) -> PathTrace:
        sources.append((address, source))
        return TRACED

    monkeypatch.setattr(traces, "trace", trace)
    paths = HostPaths(Egress(), lambda *_: None)
    silent = failing(errno=None)
    six = changed(silent, address="2001:db8::1")
    assert paths.wanted((silent, up_host(), six)) == [(ADDRESS, 25), ("2001:db8::1", 25)]
    await paths.trace_all((silent, six), lambda address: "2001:db8::9" if ":" in address else "")
    assert sorted(sources) == [(ADDRESS, ""), ("2001:db8::1", "2001:db8::9")]
    await paths.close()
