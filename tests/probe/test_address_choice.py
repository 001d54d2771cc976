"""The addresses of a target that are probed, and those that are only counted."""

from __future__ import annotations

from dataclasses import replace

from exporter.lab.smtp_script import ordinary
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import MxHost
from tests.probe.probing import (
    Names,
    domain_of,
    mx_lookup,
    new_prober,
    settings_of,
    smtp_hosts,
)

C = FailureClass


async def test_a_forbidden_address_is_counted_and_never_connected_to() -> None:
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, (host,)):
        settings = replace(settings_of(port), allow_addresses=())
        lookup = mx_lookup(MxHost("b.example", 10, ("127.0.0.2",)))
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings))
        assert host.connections == 0
    assert result.failure is not None
    assert result.failure.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert "loopback" in result.failure.detail
    assert result.addresses == 1


async def test_more_addresses_than_allowed_are_counted_and_not_probed() -> None:
    addresses = tuple(f"127.0.0.{number}" for number in range(2, 8))
    async with smtp_hosts(*((address, ordinary("b.example")) for address in addresses)) as (port, hosts):
        lookup = mx_lookup(MxHost("b.example", 10, addresses))
        settings = replace(settings_of(port), max_addresses=2)
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings))
        assert [host.connections for host in hosts] == [1, 1, 0, 0, 0, 0]
    assert (len(result.hosts), result.addresses) == (2, 6)


async def test_addresses_that_are_never_connected_to_are_as_few_and_all_are_counted() -> None:
    private = tuple(f"10.0.{number // 256}.{number % 256}" for number in range(500))
    async with smtp_hosts(("127.0.0.2", ordinary("b.example"))) as (port, hosts):
        lookup = mx_lookup(MxHost("a.example", 5, private, more=1000), MxHost("b.example", 10, ("127.0.0.2", *private)))
        settings = replace(settings_of(port), max_addresses=3)
        result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings))
        assert hosts[0].connections == 1
    assert [host.failure and host.failure.failure_class for host in result.hosts] == [
        *[C.MX_ADDRESS_FORBIDDEN] * 3,
        None,
    ]
    assert result.addresses == 2001
    assert result.up


async def test_mx_hosts_without_an_address_are_as_few() -> None:
    failure = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no such host")
    hosts = [MxHost(f"mx{number:02}.example", number, failure=failure) for number in range(64)]
    lookup = replace(mx_lookup(*hosts), failure=failure)
    settings = replace(settings_of(1), max_addresses=4)
    result = await new_prober(Names({"a.example": lookup})).probe(domain_of("a.example", settings))
    assert [host.mx for host in result.hosts] == [f"mx{number:02}.example" for number in range(4)]
    assert result.failure == failure
