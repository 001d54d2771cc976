"""The provider of the demo: its hosts answer, and its customers have no others."""

from __future__ import annotations

import socket
from collections import Counter

from exporter.demo.domains.provider import PROVIDER, PROVIDERS
from exporter.demo.levers import panel
from exporter.demo.mail_hosts import HostState
from exporter.demo.world import DemoWorld

FIRST, *CUSTOMERS = PROVIDERS
KEYS = [host.key for host in FIRST.hosts]


def test_it_has_two_names_with_two_addresses_each() -> None:
    assert FIRST.name == PROVIDER
    assert Counter(host.name for host in FIRST.hosts) == {f"mx1.{PROVIDER}": 2, f"mx2.{PROVIDER}": 2}
    assert len({host.address for host in FIRST.hosts}) == len(set(KEYS)) == 4


def test_its_customers_have_its_hosts_in_its_order() -> None:
    assert len(CUSTOMERS) == 40
    for customer in CUSTOMERS:
        assert customer.all_records == (
            (customer.name, "MX", f"10 mx1.{PROVIDER}."),
            (customer.name, "MX", f"20 mx2.{PROVIDER}."),
        )
        assert customer.mx_names == FIRST.mx_names
        assert customer.takes_mail
        assert not customer.hosts


def test_each_address_greets_under_its_name_and_goes_by_itself(world: DemoWorld) -> None:
    for host in FIRST.hosts:
        with socket.create_connection((host.address, world.smtp_port), 10) as sock:
            assert sock.recv(100) == f"220 {host.name} ESMTP\r\n".encode()
    try:
        world.kill(KEYS[1])
        assert [world.state(key) for key in KEYS] == [
            HostState.SPEAKING,
            HostState.REFUSING,
            HostState.SPEAKING,
            HostState.SPEAKING,
        ]
    finally:
        world.revive(KEYS[1])


def test_its_levers_break_one_address_and_all(world: DemoWorld) -> None:
    levers = {lever.key: lever for lever in panel(world).levers}
    address, provider = levers["address"], levers["provider"]
    try:
        address.throw()
        assert (address.is_thrown(), provider.is_thrown()) == (True, False)
        provider.throw()
        assert {world.state(key) for key in KEYS} == {HostState.REFUSING}
        assert (address.is_thrown(), provider.is_thrown()) == (True, True)
        provider.restore()
        assert (address.is_thrown(), provider.is_thrown()) == (False, False)
    finally:
        provider.restore()
    assert {world.state(key) for key in KEYS} == {HostState.SPEAKING}
