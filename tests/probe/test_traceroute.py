"""The path trace: its judgements on hops put together by hand, on loopback, and in the network lab."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from exporter.lab.smtp_host import SmtpHost
from exporter.model.path_trace import HopKind, PathTrace
from exporter.probe.traceroute import trace
from tests.namespaces.network import (
    Family,
    Hook,
    Network,
    address,
    drop_everything,
    drop_icmp_errors,
    drop_port_25,
    redirect_port_25_to,
    reject_with,
    reset_port_25,
    vacant_address,
)
from tests.support.loops import LoopFactory, on_every_loop, run_on
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

_K = HopKind

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the error queue is a feature of Linux")


# --- loopback, without root

LOOPBACKS = pytest.mark.parametrize("loopback", ["127.0.0.1", "::1"])


@pytest.fixture
def listener(loopback: str) -> Iterator[int]:
    family = socket.AF_INET6 if ":" in loopback else socket.AF_INET
    with socket.create_server((loopback, 0), family=family) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port(loopback: str) -> Iterator[int]:
    with socket.socket(socket.AF_INET6 if ":" in loopback else socket.AF_INET) as holder:
        holder.bind((loopback, 0))
        yield holder.getsockname()[1]


@LOOPBACKS
@on_every_loop
def test_this_host_is_reached_at_once(loop_factory: LoopFactory, loopback: str, listener: int) -> None:
    found = run_on(loop_factory, trace(loopback, listener))
    assert found.reached == 1
    assert found.last_hop is None
    (hop,) = found.hops
    assert hop.kind is _K.REACHED
    assert hop.rtt is not None
    assert 0 < hop.rtt < 3


@LOOPBACKS
@on_every_loop
def test_a_closed_port_refuses(loop_factory: LoopFactory, loopback: str, listener: int, closed_port: int) -> None:
    found = run_on(loop_factory, trace(loopback, closed_port, against=listener, source=loopback))
    assert [hop.kind for hop in found.hops] == [_K.REFUSED]
    assert found.reached == 1
    assert not found.forged_reset
    assert found.against is not None
    assert (found.against.port, found.against.reached) == (listener, 1)


@pytest.mark.parametrize("source", ["192.0.2.1", "2001:db8::1", "no address"])
@on_every_loop
def test_a_source_that_is_not_ours_is_a_local_hop(loop_factory: LoopFactory, source: str) -> None:
    found = run_on(loop_factory, trace("127.0.0.1", 9, source=source))
    assert [hop.kind for hop in found.hops] == [_K.LOCAL]
    assert found.local == found.hops[0]
    assert found.local.detail
    assert found.reached is None


@on_every_loop
def test_running_out_of_files_is_a_local_hop(loop_factory: LoopFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> PathTrace:
        real = socket.socket.__init__

        def refuse(self: socket.socket, *arguments: Any, **options: Any) -> None:
            real(self, *arguments, **options)
            self.close()
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(socket.socket, "__init__", refuse)
        try:
            return await trace("127.0.0.1", 9)
        finally:
            monkeypatch.undo()

    found = run_on(loop_factory, main())
    assert found.local is not None
    assert "too many open files" in found.local.detail


@linux_only
@on_every_loop
@pytest.mark.parametrize("loopback", ["127.0.0.1"])
def test_no_socket_is_left_open(loop_factory: LoopFactory, loopback: str, listener: int, closed_port: int) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - one open file for both counts

    async def main() -> tuple[int, int]:
        before = open_files()
        await trace(loopback, listener, against=closed_port)
        task = asyncio.ensure_future(trace(loopback, listener, against=closed_port))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return before, open_files()

    before, after = run_on(loop_factory, main())
    assert after == before


# --- the network lab

SMTP, HTTPS, PROXY = 25, 443, 2525
# Seconds until a hop counts as silent; the lab answers within a few milliseconds.
SHORT = 0.8
ROUTER_NAMES = ("gateway", "provider", "edge-a")
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["ipv4", "ipv6"])
AT_EVERY_ROUTER = pytest.mark.parametrize("router", ROUTER_NAMES)


@pytest.fixture(scope="module")
def built_network() -> Iterator[Network]:
    with Network() as network:
        network.accept("remote-a", HTTPS)
        network.accept("provider", PROXY)
        yield network


@pytest.fixture(scope="module")
def mail_server(built_network: Network) -> SmtpHost:
    """That of remote-a's first IPv4 address."""
    return built_network.listen("remote-a")[0]


@pytest.fixture
def network(built_network: Network, mail_server: SmtpHost) -> Iterator[Network]:
    yield built_network
    for node in ("client", *ROUTER_NAMES, "remote-a"):
        built_network.rules(node)


def traced(
    network: Network,
    loop_factory: LoopFactory,
    family: Family = 4,
    *,
    to: str = "",
    against: int | None = HTTPS,
    max_hops: int = 6,
    timeout: float = SHORT,
) -> PathTrace:
    """Port 25 of remote-a, four hops away, as the client sees it."""
    target = to or address("remote-a", family)

    def run() -> PathTrace:
        return run_on(loop_factory, trace(target, SMTP, against=against, max_hops=max_hops, timeout=timeout))

    return network.run_in("client", run)


def routers(family: Family, count: int = 3) -> list[tuple[HopKind, str]]:
    return [(_K.TIME_EXCEEDED, address(name, family)) for name in ROUTER_NAMES[:count]]


def shape(found: PathTrace | None) -> list[tuple[HopKind, str]]:
    assert found is not None
    assert [hop.ttl for hop in found.hops] == list(range(1, len(found.hops) + 1))
    return [(hop.kind, hop.address) for hop in found.hops]


def distance(router: str) -> int:
    return ROUTER_NAMES.index(router) + 1


def assert_other_port_is_open(found: PathTrace, family: Family) -> None:
    assert shape(found.against) == [*routers(family), (_K.REACHED, address("remote-a", family))]


@FAMILIES
@on_every_loop
def test_an_open_path_names_each_router_and_ends_at_the_target(
    network: Network, loop_factory: LoopFactory, family: Family
) -> None:
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family), (_K.REACHED, address("remote-a", family))]
    assert found.reached == 4
    assert found.last_hop is not None
    assert (found.last_hop.ttl, found.last_hop.address) == (3, address("edge-a", family))
    assert all(hop.rtt is not None and 0 < hop.rtt < SHORT for hop in found.hops)
    assert (found.forged_reset, found.intercepted, found.stops_earlier) == (False, False, False)
    assert_other_port_is_open(found, family)


@on_every_loop
def test_the_target_sees_few_connections_and_no_open_one(
    network: Network, mail_server: SmtpHost, loop_factory: LoopFactory
) -> None:
    before = mail_server.connections
    found = traced(network, loop_factory, against=None, max_hops=30)
    assert found.reached == 4
    until_sync(lambda: mail_server.connections > before and mail_server.ended == mail_server.connections)
    assert mail_server.connections - before <= 3  # TTL 4, 5 and 6


@FAMILIES
@AT_EVERY_ROUTER
@on_every_loop
def test_a_port_dropped_by_a_router_ends_at_it(
    network: Network, loop_factory: LoopFactory, router: str, family: Family
) -> None:
    network.rules(router, drop_port_25())
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family, distance(router)), *[(_K.SILENT, "")] * (6 - distance(router))]
    assert found.reached is None
    assert found.stops_earlier
    assert found.last_hop is not None
    assert (found.last_hop.ttl, found.last_hop.address) == (distance(router), address(router, family))
    assert_other_port_is_open(found, family)


@on_every_loop
def test_a_port_dropped_by_the_server_ends_at_its_router(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("remote-a", drop_port_25("input"))
    found = traced(network, loop_factory)
    assert shape(found) == [*routers(4), *[(_K.SILENT, "")] * 3]
    assert found.stops_earlier
    assert_other_port_is_open(found, 4)


@on_every_loop
def test_a_port_dropped_by_this_host_has_no_hop(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("client", drop_port_25("output"))
    found = traced(network, loop_factory)
    assert shape(found) == [(_K.SILENT, "")] * 6
    assert found.last_hop is None
    assert found.stops_earlier
    assert_other_port_is_open(found, 4)


@on_every_loop
def test_a_host_that_is_gone_ends_both_ports_at_the_same_router(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("edge-a", drop_everything(to=address("remote-a")))
    found = traced(network, loop_factory)
    assert shape(found) == shape(found.against) == [*routers(4), *[(_K.SILENT, "")] * 3]
    assert not found.stops_earlier


@on_every_loop
def test_a_long_silence_is_not_followed_to_the_last_hop(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("gateway", drop_port_25())
    assert len(traced(network, loop_factory, max_hops=30).hops) == 12


@on_every_loop
def test_silent_routers_do_not_hide_the_target(network: Network, loop_factory: LoopFactory) -> None:
    for router in ("gateway", "provider"):
        network.rules(router, drop_icmp_errors())
    found = traced(network, loop_factory)
    assert shape(found) == [(_K.SILENT, ""), (_K.SILENT, ""), routers(4)[2], (_K.REACHED, address("remote-a"))]


ICMP_REJECTS: list[tuple[Family, str, HopKind]] = [
    (4, "icmp net-unreachable", _K.UNREACHABLE),
    (4, "icmp host-unreachable", _K.UNREACHABLE),
    (4, "icmp prot-unreachable", _K.UNREACHABLE),
    (4, "icmp port-unreachable", _K.PROHIBITED),
    (4, "icmp net-prohibited", _K.PROHIBITED),
    (4, "icmp host-prohibited", _K.PROHIBITED),
    (4, "icmp admin-prohibited", _K.PROHIBITED),
    (6, "icmpv6 no-route", _K.UNREACHABLE),
    (6, "icmpv6 addr-unreachable", _K.UNREACHABLE),
    (6, "icmpv6 port-unreachable", _K.PROHIBITED),
    (6, "icmpv6 admin-prohibited", _K.PROHIBITED),
    (6, "icmpv6 policy-fail", _K.PROHIBITED),
    (6, "icmpv6 reject-route", _K.PROHIBITED),
]


@pytest.mark.parametrize(("family", "answer", "kind"), ICMP_REJECTS)
@AT_EVERY_ROUTER
@on_every_loop
def test_a_router_that_rejects_is_named_with_its_reason(
    network: Network, loop_factory: LoopFactory, router: str, family: Family, answer: str, kind: HopKind
) -> None:
    network.rules(router, reject_with(answer))
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family, distance(router)), (kind, address(router, family))]
    assert found.rejected_by is not None
    assert address(router, family) in found.rejected_by.detail
    assert found.last_hop is not None
    assert (found.last_hop.ttl, found.last_hop.address) == (distance(router), address(router, family))
    assert found.reached is None
    assert found.stops_earlier
    assert_other_port_is_open(found, family)


@on_every_loop
def test_a_router_may_reject_before_it_looks_at_the_ttl(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("provider", reject_with("icmp admin-prohibited", "prerouting"))
    found = traced(network, loop_factory)
    assert shape(found) == [*routers(4, 1), (_K.PROHIBITED, address("provider"))]
    assert found.last_hop == found.rejected_by


@FAMILIES
@on_every_loop
def test_a_server_that_rejects_by_icmp_is_reached(network: Network, loop_factory: LoopFactory, family: Family) -> None:
    network.rules("remote-a", reject_with("icmpx admin-prohibited", "input"))
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family), (_K.PROHIBITED, address("remote-a", family))]
    assert found.reached == 4
    assert not found.stops_earlier


@FAMILIES
@pytest.mark.parametrize(
    ("router", "hook", "ttl"),
    [("gateway", "forward", 2), ("provider", "prerouting", 2), ("provider", "forward", 3), ("edge-a", "prerouting", 3)],
)
@on_every_loop
def test_a_reset_forged_on_the_way_is_seen_as_such(
    network: Network, loop_factory: LoopFactory, router: str, hook: Hook, ttl: int, family: Family
) -> None:
    network.rules(router, reset_port_25(hook))
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family, ttl - 1), (_K.REFUSED, address("remote-a", family))]
    assert found.forged_reset
    assert found.reached is None
    assert found.stops_earlier


@on_every_loop
def test_a_reset_by_the_server_is_its_own(network: Network, loop_factory: LoopFactory) -> None:
    network.rules("remote-a", reset_port_25("input"))
    found = traced(network, loop_factory)
    assert shape(found) == [*routers(4), (_K.REFUSED, address("remote-a"))]
    assert not found.forged_reset
    assert found.reached == 4


@FAMILIES
@pytest.mark.parametrize(("node", "hook", "within"), [("client", "output", True), ("gateway", "prerouting", False)])
@on_every_loop
def test_a_reset_before_the_first_router_is_this_hosts_own_if_no_syn_leaves_it(
    network: Network, loop_factory: LoopFactory, node: str, hook: Hook, within: bool, family: Family
) -> None:
    network.rules(node, reset_port_25(hook))
    found = traced(network, loop_factory, family)
    assert shape(found) == [(_K.REFUSED, address("remote-a", family))]
    assert found.forged_reset
    assert found.reset_within is within
    assert found.reached is None
    assert found.last_hop is None
    assert_other_port_is_open(found, family)


@FAMILIES
@on_every_loop
def test_a_transparent_proxy_answers_too_near(network: Network, loop_factory: LoopFactory, family: Family) -> None:
    own = address("provider", family)
    network.rules("provider", redirect_port_25_to(own, PROXY))
    found = traced(network, loop_factory, family)
    assert shape(found) == [*routers(family, 1), (_K.REACHED, address("remote-a", family))]
    assert found.intercepted
    assert found.reached is None


@FAMILIES
@on_every_loop
def test_this_hosts_own_reject_is_local(network: Network, loop_factory: LoopFactory, family: Family) -> None:
    network.rules("client", reject_with("icmpx admin-prohibited", "output"))
    found = traced(network, loop_factory, family)
    assert shape(found) == [(_K.LOCAL, address("client", family))]
    assert found.local is not None
    assert "own packet filter" in found.local.detail
    assert found.last_hop is None
    assert_other_port_is_open(found, family)


@FAMILIES
@pytest.mark.parametrize("route", ["unreachable", "blackhole", "prohibit"])
@on_every_loop
def test_this_hosts_own_routes_are_local(
    network: Network, loop_factory: LoopFactory, family: Family, route: str
) -> None:
    target = address("remote-d", family)
    network.exec("client", ["ip", "route", "add", route, target])
    try:
        found = traced(network, loop_factory, to=target)
    finally:
        network.exec("client", ["ip", "route", "del", route, target])
    assert shape(found) == shape(found.against) == [(_K.LOCAL, "")]


@pytest.mark.parametrize(("family", "target"), [(4, "93.184.1.1"), (6, "2606:2800::1")])
@on_every_loop
def test_a_network_without_a_route_is_reported_by_the_router(
    network: Network, loop_factory: LoopFactory, family: Family, target: str
) -> None:
    # Two hops: Linux limits this one error by itself.
    found = traced(network, loop_factory, to=target, against=None, max_hops=2)
    assert shape(found) == [*routers(family, 1), (_K.UNREACHABLE, address("provider", family))]
    assert found.last_hop == found.rejected_by


@on_every_loop
def test_an_address_that_no_host_has_is_reported_by_its_router(network: Network, loop_factory: LoopFactory) -> None:
    found = traced(network, loop_factory, to=vacant_address("remote-c"), timeout=5.0)
    assert shape(found)[-1] == (_K.UNREACHABLE, address("edge-c"))
    assert found.rejected_by is not None
    assert found.rejected_by.ttl == 4
