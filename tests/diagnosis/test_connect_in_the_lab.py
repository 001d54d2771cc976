"""How a failed connect is judged when a real kernel and real packet filters fail it, in the network lab."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from exporter.diagnosis.connect import judge_connect
from exporter.probe.session import Session
from exporter.result import Failure, FailureClass
from exporter.smtp.plan import Plan
from tests.lab.network import (
    Family,
    Network,
    address,
    drop_port_25,
    reject_with,
    reset_port_25,
    vacant_address,
)

C = FailureClass
_FAMILIES: tuple[Family, ...] = (4, 6)
# Nobody's networks: what the client's own routing table says of them is all there is.
_NOWHERE = {4: "185.99.0.0/16", 6: "2a0f:99::/32"}
_SOMEONE = {4: "185.99.1.1", 6: "2a0f:99::1"}


@pytest.fixture(scope="module")
def built_network() -> Iterator[Network]:
    with Network() as network:
        yield network


@pytest.fixture
def network(built_network: Network) -> Iterator[Network]:
    yield built_network
    for node in ("client", "provider", "remote-a"):
        built_network.rules(node)


def _failure(network: Network, target: str, seconds: float = 10.0) -> Failure:
    async def session() -> Failure:
        record = await Session(asyncio.get_running_loop(), Plan(b"probe.example")).converse(target, 25, seconds)
        assert record.connect is not None
        return judge_connect(record.connect)

    return network.run_in("client", lambda: asyncio.run(session()))


@pytest.mark.parametrize(
    ("family", "answer", "expected"),
    [
        (4, "icmp net-unreachable", C.CONNECT_UNREACHABLE),
        (4, "icmp host-unreachable", C.CONNECT_UNREACHABLE),
        (4, "icmp prot-unreachable", C.CONNECT_UNREACHABLE),
        (6, "icmpv6 no-route", C.CONNECT_UNREACHABLE),
        (6, "icmpv6 addr-unreachable", C.CONNECT_UNREACHABLE),
        (4, "icmp net-prohibited", C.CONNECT_PROHIBITED),
        (4, "icmp host-prohibited", C.CONNECT_PROHIBITED),
        (4, "icmp admin-prohibited", C.CONNECT_PROHIBITED),
        (4, "icmp port-unreachable", C.CONNECT_PROHIBITED),
        (6, "icmpv6 admin-prohibited", C.CONNECT_PROHIBITED),
        (6, "icmpv6 policy-fail", C.CONNECT_PROHIBITED),
        (6, "icmpv6 reject-route", C.CONNECT_PROHIBITED),
        (6, "icmpv6 port-unreachable", C.CONNECT_PROHIBITED),
    ],
)
def test_what_a_router_answers_has_its_class_and_names_the_router(
    network: Network, family: Family, answer: str, expected: C
) -> None:
    network.rules("provider", reject_with(answer))
    found = _failure(network, address("remote-a", family))
    assert found.failure_class is expected
    assert f"from {address('provider', family)})" in found.detail


@pytest.mark.parametrize("family", _FAMILIES)
def test_a_closed_port_is_refused_by_the_host_itself_in_either_way(network: Network, family: Family) -> None:
    target = address("remote-a", family)
    assert _failure(network, target).failure_class is C.CONNECT_REFUSED
    network.rules("remote-a", reject_with("icmpx port-unreachable", "input"))
    assert _failure(network, target).failure_class is C.CONNECT_REFUSED
    network.rules("remote-a", reset_port_25("input"))
    assert _failure(network, target).failure_class is C.CONNECT_REFUSED


@pytest.mark.parametrize("family", _FAMILIES)
def test_silence_is_a_timeout(network: Network, family: Family) -> None:
    network.rules("provider", drop_port_25())
    assert _failure(network, address("remote-a", family), 0.5).failure_class is C.CONNECT_TIMEOUT


@pytest.mark.parametrize("family", _FAMILIES)
def test_a_host_that_is_not_there_is_unreachable(network: Network, family: Family) -> None:
    assert _failure(network, vacant_address("remote-a", family)).failure_class is C.CONNECT_UNREACHABLE


@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize("answer", ["admin-prohibited", "port-unreachable", "host-unreachable"])
def test_our_own_packet_filter_is_ours(network: Network, family: Family, answer: str) -> None:
    network.rules("client", reject_with(f"icmpx {answer}", "output"))
    assert _failure(network, address("remote-a", family)).failure_class is C.LOCAL_FIREWALL


@pytest.mark.parametrize("family", _FAMILIES)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [("prohibit", C.LOCAL_FIREWALL), ("unreachable", C.NO_ROUTE), ("blackhole", C.NO_ROUTE)],
)
def test_our_own_routing_table_is_ours(network: Network, family: Family, kind: str, expected: C) -> None:
    route = ("ip", f"-{family}", "route")
    network.exec("client", [*route, "add", kind, _NOWHERE[family]])
    try:
        assert _failure(network, _SOMEONE[family]).failure_class is expected
    finally:
        network.exec("client", [*route, "del", kind, _NOWHERE[family]])


@pytest.mark.parametrize("family", _FAMILIES)
def test_a_next_hop_that_does_not_answer_is_our_own_link(network: Network, family: Family) -> None:
    on_our_link = {
        4: address("client", 4).rpartition(".")[0] + ".200",
        6: address("client", 6).rpartition(":")[0] + ":c8",
    }
    assert _failure(network, on_our_link[family]).failure_class is C.NO_ROUTE
