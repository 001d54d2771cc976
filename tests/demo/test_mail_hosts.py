"""The demo's mail hosts on one event loop: one port for all, changed one after the other, and nothing left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.demo.domain import Port
from exporter.demo.mail_hosts import HostState, MailHosts, WorldError
from exporter.lab.certificates import Authority

AUTHORITY = Authority()
MX1 = "mx1.healthy.example"


@asynccontextmanager
async def _started(port: int = 0) -> AsyncIterator[MailHosts]:
    hosts = MailHosts(AUTHORITY)
    await hosts.start(port)
    try:
        yield hosts
    finally:
        await hosts.stop()


async def _greeting(hosts: MailHosts, name: str) -> bytes:
    reader, writer = await asyncio.open_connection(hosts.by_key[name].address, hosts.port)
    try:
        return await asyncio.wait_for(reader.readline(), 10.0)
    finally:
        writer.transport.abort()


async def test_all_share_one_port_and_each_state_is_there() -> None:
    async with _started() as hosts:
        assert {hosts.state(name) for name in hosts.by_key} == set(HostState)
        speaking = [name for name in hosts.by_key if hosts.state(name) is HostState.SPEAKING]
        assert await _greeting(hosts, MX1) == b"220 mx1.healthy.example ESMTP\r\n"
        assert len({hosts.by_key[name].address for name in speaking}) == len(speaking)


async def test_a_port_that_is_given_is_taken_and_free_again_afterwards() -> None:
    async with _started() as hosts:
        port = hosts.port
    async with _started(port) as hosts:
        assert hosts.port == port
    for host in hosts.by_key.values():
        socket.create_server((host.address, port)).close()


async def test_a_port_that_is_taken_on_one_address_is_no_port_for_all() -> None:
    hosts = MailHosts(AUTHORITY)
    with socket.create_server((hosts.by_key[MX1].address, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WorldError, match=f"port {port} is in use on an address of 127"):
            await hosts.start(port)
    assert {hosts.state(name) for name in hosts.by_key} == {HostState.REFUSING}


async def test_changes_at_the_same_time_are_made_one_after_the_other() -> None:
    async with _started() as hosts:
        await asyncio.gather(*(hosts.set_broken(MX1, how) for how in (Port.REFUSED, Port.SILENT, Port.GONE) * 3))
        assert hosts.broken == {MX1: Port.GONE}
        assert hosts.state(MX1) is HostState.SILENT
        await hosts.set_broken(MX1, None)
        assert hosts.broken == {}
        assert (await _greeting(hosts, MX1)).startswith(b"220 ")


async def test_a_closed_gateway_makes_every_host_silent_and_stopping_opens_it() -> None:
    async with _started() as hosts:
        await hosts.set_gateway(closed=True)
        assert {hosts.state(name) for name in hosts.by_key} == {HostState.SILENT}
        await hosts.set_broken(MX1, Port.REFUSED)
    assert not hosts.gateway_is_closed
    assert hosts.broken == {}
