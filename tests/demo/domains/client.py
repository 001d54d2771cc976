"""A mail client as plain as can be, for looking at the demo's hosts."""

from __future__ import annotations

import smtplib
import socket

from exporter.demo.domain import DemoDomain
from exporter.demo.world import DemoWorld

PATIENCE = 10.0  # seconds for what must come
SILENCE = 0.2  # seconds after which nothing counts as nothing


def heard(world: DemoWorld, host: str, said: bytes = b"", seconds: float = PATIENCE) -> bytes:
    """The answer of `host` to `said`: up to its end, or for so many seconds. OSError where there is no connection."""
    address = (world.hosts[host].address, world.smtp_port)
    with socket.create_connection(address, timeout=seconds) as sock:
        sock.sendall(said)
        found = b""
        try:
            while data := sock.recv(65536):
                found += data
        except TimeoutError:
            pass
        return found


def session(world: DemoWorld, host: str) -> smtplib.SMTP:
    """A session of Python's own client with `host`, greeted."""
    return smtplib.SMTP(world.hosts[host].address, world.smtp_port, local_hostname="me.example", timeout=PATIENCE)


def only_host(domain: DemoDomain) -> str:
    """The name of its one mail host."""
    (host,) = domain.hosts
    return host.name
