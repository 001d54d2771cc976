"""The running mail world: what is on its ports, how it breaks and mends, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable

import pytest

from exporter.demo.domain import Port
from exporter.demo.mail_hosts import HostState, WorldError
from exporter.demo.world import DemoWorld

MX1 = "mx1.healthy.example"


def _greeting(world: DemoWorld, host: str, seconds: float = 10.0) -> bytes:
    """The first line of `host`; OSError where there is none."""
    with socket.create_connection((world.hosts[host].address, world.smtp_port), timeout=seconds) as sock:
        return sock.makefile("rb").readline()


def test_every_host_is_in_the_state_of_the_table(world: DemoWorld) -> None:
    expected = {Port.REFUSED: HostState.REFUSING, Port.SILENT: HostState.SILENT, Port.GONE: HostState.SILENT}
    for name, host in world.hosts.items():
        behaviour = host.behaviour
        assert world.state(name) is (expected[behaviour] if isinstance(behaviour, Port) else HostState.SPEAKING)


def test_all_hosts_share_one_port(world: DemoWorld) -> None:
    assert _greeting(world, MX1) == b"220 mx1.healthy.example ESMTP\r\n"
    assert _greeting(world, "implicit.example") == b"220 implicit.example ESMTP\r\n"
    assert _greeting(world, "mx.busy.example").startswith(b"421 ")
    assert _greeting(world, "mx.ssh.example").startswith(b"SSH-")
    with pytest.raises(ConnectionRefusedError):
        _greeting(world, "mx.refused.example")
    with pytest.raises(TimeoutError):
        _greeting(world, "mx.silent.example", 0.2)


def test_a_host_can_be_killed_silenced_and_revived(world: DemoWorld) -> None:
    try:
        world.kill(MX1)
        assert world.state(MX1) is HostState.REFUSING
        with pytest.raises(ConnectionRefusedError):
            _greeting(world, MX1)
        world.timed_out(MX1)
        assert world.state(MX1) is HostState.SILENT
        with pytest.raises(TimeoutError):
            _greeting(world, MX1, 0.2)
    finally:
        world.revive(MX1)
    assert world.state(MX1) is HostState.SPEAKING
    assert _greeting(world, MX1) == b"220 mx1.healthy.example ESMTP\r\n"


def test_a_host_that_is_switched_off_is_silent_on_every_port(world: DemoWorld) -> None:
    address = world.hosts[MX1].address
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, world.witness_port), timeout=10)
    try:
        world.switch_off(MX1)
        for port in (world.smtp_port, world.witness_port):
            with pytest.raises(TimeoutError):
                socket.create_connection((address, port), timeout=0.2)
    finally:
        world.revive(MX1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, world.witness_port), timeout=10)


def test_a_closed_gateway_swallows_mail_to_everybody_and_nothing_else(world: DemoWorld) -> None:
    before = {name: world.state(name) for name in world.hosts}
    try:
        world.close_gateway()
        assert world.gateway_is_closed
        assert {world.state(name) for name in world.hosts} == {HostState.SILENT}
        for host in (MX1, "mx.refused.example"):
            with pytest.raises(TimeoutError):
                _greeting(world, host, 0.2)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((world.hosts[host].address, world.witness_port), timeout=10)
    finally:
        world.open_gateway()
    assert {name: world.state(name) for name in world.hosts} == before
    assert _greeting(world, MX1).startswith(b"220 ")


def test_what_is_broken_behind_a_closed_gateway_is_seen_when_it_opens(world: DemoWorld) -> None:
    try:
        world.close_gateway()
        world.kill(MX1)
        assert world.state(MX1) is HostState.SILENT
        assert world.broken == {MX1: Port.REFUSED}
        world.open_gateway()
        assert world.state(MX1) is HostState.REFUSING
    finally:
        world.open_gateway()
        world.revive(MX1)
    assert world.broken == {}


def test_a_host_that_was_broken_from_the_start_is_revived_broken(world: DemoWorld) -> None:
    world.timed_out("mx.refused.example")
    world.revive("mx.refused.example")
    assert world.state("mx.refused.example") is HostState.REFUSING


def test_killing_drops_the_connections_under_way(world: DemoWorld) -> None:
    address = world.hosts[MX1].address
    with socket.create_connection((address, world.smtp_port), timeout=10) as sock:
        assert sock.recv(100).startswith(b"220 ")
        world.kill(MX1)
        try:
            try:
                assert sock.recv(100) == b""
            except ConnectionResetError:
                pass  # dropped, one way or the other
        finally:
            world.revive(MX1)


@pytest.mark.parametrize(
    "change", [DemoWorld.kill, DemoWorld.timed_out, DemoWorld.switch_off, DemoWorld.revive, DemoWorld.state]
)
def test_a_host_that_does_not_exist_is_an_error(world: DemoWorld, change: Callable[[DemoWorld, str], object]) -> None:
    with pytest.raises(KeyError):
        change(world, "nobody.example")


def test_hosts_that_refuse_us_follow_our_standing(world: DemoWorld) -> None:
    try:
        assert (world.is_listed, world.is_named) == (True, False)
        assert _greeting(world, "mx.blocklisted.example").startswith(b"554 ")
        assert _greeting(world, "mx.nameless.example").startswith(b"554 ")
        world.set_listed(False)
        assert _greeting(world, "mx.blocklisted.example").startswith(b"220 ")
        assert _greeting(world, "mx.nameless.example").startswith(b"554 ")
        world.set_named(True)
        assert _greeting(world, "mx.nameless.example").startswith(b"220 ")
    finally:
        world.set_listed(True)
        world.set_named(False)
    assert _greeting(world, "mx.blocklisted.example").startswith(b"554 ")


def test_a_host_can_lose_its_starttls_and_have_another_certificate(world: DemoWorld) -> None:
    assert world.changed == frozenset()
    try:
        assert _certificate(world, MX1) == (True, True)
        world.swap_certificate(MX1)
        assert _certificate(world, MX1) == (True, False)
        world.strip(MX1)
        assert _certificate(world, MX1) == (False, False)
        assert world.changed == {MX1}
    finally:
        world.change_back(MX1)
    assert _certificate(world, MX1) == (True, True)
    assert world.changed == frozenset()


def _certificate(world: DemoWorld, name: str) -> tuple[bool, bool]:
    """STARTTLS is offered, and the certificate is one of the world's authority."""
    with smtplib.SMTP(world.hosts[name].address, world.smtp_port, timeout=10.0) as client:
        client.ehlo()
        if not client.has_extn("starttls"):
            return False, False
        context = ssl.create_default_context(cadata=world.authority.pem)
        context.check_hostname = False
        try:
            client.starttls(context=context)
        except ssl.SSLError:
            client.close()
            return True, False
        return True, True


def test_many_threads_may_change_one_host(world: DemoWorld) -> None:
    changes = (world.kill, world.timed_out, world.revive) * 4
    threads = [threading.Thread(target=change, args=(MX1,)) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    world.revive(MX1)
    assert _greeting(world, MX1).startswith(b"220 ")


def test_its_name_server_listens(world: DemoWorld) -> None:
    address, port = world.nameserver
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, pytest.raises(OSError, match="in use"):
        taken.bind((address, port))


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running() -> None:
    before = threading.active_count()
    with socket.create_server(("127.52.20.1", 0)) as listener:  # the address where the demo has nobody listen
        port = listener.getsockname()[1]
        with pytest.raises(WorldError, match=f"port {port} is in use"):
            DemoWorld().start(port)
    assert threading.active_count() == before


def test_it_stops_at_once_under_load_and_can_be_started_again() -> None:
    world = DemoWorld()
    world.start()
    port = world.smtp_port

    async def clients() -> None:
        names = ("mx.tarpit.example", "mx.mute.example", MX1) * 10
        addresses = [world.hosts[name].address for name in names]
        streams = await asyncio.gather(*(asyncio.open_connection(address, port) for address in addresses))
        for _, writer in streams:
            writer.write(b"EHLO x\r\n")
        await asyncio.to_thread(world.stop)
        for _, writer in streams:
            writer.transport.abort()

    asyncio.run(clients())
    world.stop()
    with pytest.raises(ConnectionRefusedError):
        _greeting(world, MX1)
    with pytest.raises(RuntimeError, match="not running"):
        world.kill(MX1)
    world.start(port)
    assert world.smtp_port == port
    assert _greeting(world, MX1).startswith(b"220 ")
    world.stop()
