"""The judgement of a failed connect that a real kernel and real packet filters fail, in the network lab."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from exporter.diagnosis.connect_errors import judge_connect
from exporter.diagnosis.domain_failure import domain_failure
from exporter.model.failure import Failure, FailureClass
from exporter.probe.session import Session
from exporter.probe.session_request import Endpoint
from exporter.smtp.plan import Plan
from tests.namespaces.network import (
    Family,
    Network,
    address,
    drop_everything,
    drop_icmp_errors,
    drop_port_25,
    reject_with,
    reset_port_25,
    vacant_address,
)
from tests.results import host_of

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


def _failure(network: Network, target: str, seconds: float = 10.0, source: str = "") -> Failure:
    async def session() -> Failure:
        session = Session(Plan(b"probe.example"), Endpoint(target, 25, source), seconds)
        record = await session.run()
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


@pytest.fixture
def own_network() -> Iterator[Network]:
    """One whose client is changed for good."""
    with Network() as network:
        yield network


def _shell(network: Network, *lines: str) -> None:
    network.exec("client", ["sh", "-ec", "\n".join(lines)])


@pytest.mark.parametrize("family", _FAMILIES)
def test_an_address_to_connect_from_that_is_lost_while_we_run_is_no_route(own_network: Network, family: Family) -> None:
    """Of IPv6 the address of the link is left, from which no router takes anything (RFC 4291 2.5.6)."""
    target, source = address("remote-a", family), address("client", family)
    assert _failure(own_network, target, source=source).failure_class is C.CONNECT_REFUSED
    length = {4: 24, 6: 64}[family]
    _shell(own_network, f"ip address del {source}/{length} dev gateway")
    found = _failure(own_network, target, source=source)
    assert found.failure_class is C.NO_ROUTE
    assert f"{source} (source_address)" in found.detail
    assert _failure(own_network, target).failure_class is C.NO_ROUTE
    own_network.rules("gateway", drop_everything("prerouting"), drop_icmp_errors())
    assert _failure(own_network, target, 1.0).failure_class is C.NO_ROUTE


def test_an_address_that_this_host_never_had_is_no_route(network: Network) -> None:
    for family in _FAMILIES:
        found = _failure(network, address("remote-a", family), source=vacant_address("remote-b", family))
        assert found.failure_class is C.NO_ROUTE
    # Of the link, and no link is named: bind says EINVAL.
    assert _failure(network, address("remote-a", 6), source="fe80::1").failure_class is C.NO_ROUTE


@pytest.mark.parametrize("device", ["all", "gateway"])
def test_ipv6_switched_off_is_no_route(own_network: Network, device: str) -> None:
    _shell(own_network, f"sysctl -wq net.ipv6.conf.{device}.disable_ipv6=1")
    assert _failure(own_network, address("remote-a", 6)).failure_class is C.NO_ROUTE
    assert _failure(own_network, address("remote-a", 6), source=address("client", 6)).failure_class is C.NO_ROUTE
    assert _failure(own_network, address("remote-a", 4)).failure_class is C.CONNECT_REFUSED


def test_a_link_that_is_down_is_no_route(own_network: Network) -> None:
    _shell(own_network, "ip link set gateway down")
    for family in _FAMILIES:
        target, source = address("remote-a", family), address("client", family)
        assert _failure(own_network, target).failure_class is C.NO_ROUTE
        assert _failure(own_network, target, source=source).failure_class is C.NO_ROUTE


def test_want_of_ports_is_want_of_ports(own_network: Network) -> None:
    """The same error number as an address that is lost."""
    _shell(own_network, "sysctl -wq net.ipv4.ip_local_port_range='40000 40001'")
    target, source = address("remote-a"), address("client")
    own_network.listen("remote-a")

    def all_ports() -> list[socket.socket]:
        return [socket.create_connection((target, 25), 10.0) for _ in range(2)]

    taken = own_network.run_in("client", all_ports)
    try:
        assert _failure(own_network, target).failure_class is C.LOCAL_RESOURCE
        assert _failure(own_network, target, source=source).failure_class is C.LOCAL_RESOURCE
    finally:
        for each in taken:
            each.close()


def test_a_domain_is_judged_without_the_family_that_this_host_has_not(own_network: Network) -> None:
    """IPv6 is off here, and their IPv4 refuses: that is what is told of the domain."""
    _shell(own_network, "sysctl -wq net.ipv6.conf.all.disable_ipv6=1")
    targets = [address("remote-a", family) for family in _FAMILIES]
    hosts = tuple(host_of("mx.a.example", each, failure=_failure(own_network, each)) for each in targets)
    told = domain_failure(hosts, None)
    assert told is not None
    assert told.failure_class is C.CONNECT_REFUSED
