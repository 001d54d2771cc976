"""The demo's mail hosts, each as its table says, or as the user has changed it.

The gateway that all of them are behind can be closed to mail. Everything here belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from exporter.demo.domain import Certificate, DemoHost, Port
from exporter.demo.domains import DEMO, NETWORK
from exporter.demo.mailbox import CANARY_HOST
from exporter.demo.reputation import hello
from exporter.lab.certificates import Authority
from exporter.lab.silent_host import SilentHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import ORDINARY_EXTENSIONS, Answer, SmtpScript, SwitchToTls, reply

# The name in the certificate of a host that presents another's.
_ANOTHER: Final = "mx.another.example"
# A port that one address has free may be taken on another; so many coincidences in a row are none.
_PORT_ATTEMPTS: Final = 20


class HostState(StrEnum):
    """The state of the SMTP port of a host."""

    SPEAKING = "speaking"  # a server follows its script
    REFUSING = "refusing"  # nothing listens
    SILENT = "silent"  # SYNs vanish


class WorldError(Exception):
    """The world cannot be set up on this machine; the message says why."""


class MailHosts:
    """Every mail host of :data:`exporter.demo.domains.DEMO`, and that of canaries, on one port.

    Certificates are of `authority`. `deliveries`, by the key of a host, are given the messages that it takes.
    """

    def __init__(
        self, authority: Authority, deliveries: Mapping[str, Callable[[bytes], None]] = MappingProxyType({})
    ) -> None:
        self._deliveries = deliveries
        self.port = 0
        self.witness_port = 0  # where only a host that is gone does not answer
        self.by_key: Mapping[str, DemoHost] = MappingProxyType(
            {host.key: host for host in (*(host for domain in DEMO for host in domain.hosts), CANARY_HOST)}
        )
        self.gateway_is_closed = False
        self._authority = authority
        self._numbers = {key: number for number, key in enumerate(self.by_key)}
        self._behaviours = {key: self._behaviour_of(key, host) for key, host in self.by_key.items()}
        self._broken: dict[str, Port] = {}
        # Hosts that are not as their table says, and their behaviour instead.
        self._changed: dict[str, SmtpScript | Port] = {}
        self._running: dict[str, SmtpHost | SilentHost] = {}
        self._changing = asyncio.Lock()

    @property
    def broken(self) -> Mapping[str, Port]:
        """The hosts that are not as they were at the start, and the changes to them."""
        return MappingProxyType(dict(self._broken))

    def state(self, key: str) -> HostState:
        """The state of its SMTP port. KeyError for a key that no host has."""
        match self._running.get(self.by_key[key].key):
            case None:
                return HostState.REFUSING
            case SilentHost():
                return HostState.SILENT
            case SmtpHost():
                return HostState.SPEAKING

    async def start(self, port: int = 0) -> None:
        """Put every host on `port`; 0: one that is free on all their addresses. Raises WorldError."""
        for _ in range(1 if port else _PORT_ATTEMPTS):
            if await self._listen(port):
                return
        what = f"port {port} is" if port else f"{_PORT_ATTEMPTS} ports in turn are"
        raise WorldError(f"{what} in use on an address of {NETWORK}")

    async def stop(self) -> None:
        """Take every host down, and forget the changes to them."""
        async with self._changing:
            for key in tuple(self._running):
                await self._take_down(key)
            self._broken.clear()
            self._changed.clear()
            self.gateway_is_closed = False

    async def set_broken(self, key: str, how: Port | None) -> None:
        """Do that to a host; None mends it. Raises WorldError."""
        async with self._changing:
            if how is None:
                self._broken.pop(key, None)
            else:
                self._broken[key] = how
            await self._put_all([key])

    @property
    def changed(self) -> frozenset[str]:
        """The hosts that do not follow their table."""
        return frozenset(self._changed)

    async def set_changed(self, key: str, host: DemoHost | None) -> None:
        """Have a host behave as `host` does; None: as its table says. Raises WorldError."""
        async with self._changing:
            if host is None:
                self._changed.pop(key, None)
            else:
                self._changed[key] = self._behaviour_of(key, host)
            await self._put_all([key])

    async def set_gateway(self, *, closed: bool) -> None:
        """Swallow packets to any host's SMTP port, or let it pass. Raises WorldError."""
        async with self._changing:
            self.gateway_is_closed = closed
            await self._put_all(self.by_key)

    async def _listen(self, port: int) -> bool:
        """Put every host on one port; False where it is taken on one of their addresses."""
        self.port = port
        try:
            # Speaking hosts first: with port 0 the first of them chooses for all.
            for key, host in sorted(self.by_key.items(), key=lambda item: isinstance(item[1].behaviour, Port)):
                if host.behaviour is Port.REFUSED:
                    _check_free(host.address, self.port)
                await self._put(key)
        except OSError as error:
            await self.stop()
            if error.errno == errno.EADDRINUSE:
                return False
            raise WorldError(
                f"the demo needs the loopback addresses {NETWORK}, which Linux has by default: {error}"
            ) from error
        return True

    async def _put_all(self, keys: Iterable[str]) -> None:
        """Bring each into its present state. Side by side: filling a queue takes its time (SilentHost)."""
        problems = await asyncio.gather(*map(self._put, keys), return_exceptions=True)
        for problem in problems:
            if isinstance(problem, OSError):
                raise WorldError(f"not every host could be changed: {problem}") from problem
            if isinstance(problem, BaseException):
                raise problem

    async def _put(self, key: str) -> None:
        behaviour = self._broken.get(key, self._changed.get(key, self._behaviours[key]))
        if self.gateway_is_closed and behaviour is not Port.GONE:
            behaviour = Port.SILENT
        await self._take_down(key)
        if behaviour is Port.REFUSED:
            return
        deliver = self._deliveries.get(key)
        host = SilentHost() if isinstance(behaviour, Port) else SmtpHost(behaviour, on_message=deliver)
        address = self.by_key[key].address
        self.port = await host.start(address, self.port)
        if behaviour is Port.GONE:
            self.witness_port = await host.start(address, self.witness_port)
        self._running[key] = host

    def _behaviour_of(self, key: str, host: DemoHost) -> SmtpScript | Port:
        return _saying_hello(_behaviour(host, self._authority), hello(self._numbers[key]))

    async def _take_down(self, key: str) -> None:
        running = self._running.pop(key, None)
        if running is not None:
            await running.stop()


def _behaviour(host: DemoHost, authority: Authority) -> SmtpScript | Port:
    """The script of `host` with the STARTTLS that its certificate stands for."""
    script = host.behaviour
    if isinstance(script, Port) or host.certificate is None:
        return script
    names = {host.name, *(name for domain in DEMO for name in domain.aliases(host.name))}
    if host.certificate is Certificate.OTHER_NAME:
        names = {_ANOTHER}
    signer = Authority() if host.certificate is Certificate.UNTRUSTED else authority
    context = signer.server_context(*sorted(names), expired=host.certificate is Certificate.EXPIRED)
    offered: dict[bytes, Answer] = {
        b"EHLO": reply(250, host.name, *ORDINARY_EXTENSIONS, "STARTTLS"),
        b"STARTTLS": (reply(220, "2.0.0 Ready to start TLS"), SwitchToTls(context, script)),
    }
    return replace(script, replies=MappingProxyType({**script.replies, **offered}))


def _saying_hello(script: SmtpScript | Port, words: str) -> SmtpScript | Port:
    """The script with `words` behind the name in its answer to EHLO, where that is an ordinary one."""
    if isinstance(script, Port) or not words:
        return script
    answer = script.answer(b"EHLO")
    if not isinstance(answer, bytes) or not answer.startswith(b"250-"):
        return script
    first, rest = answer.split(b"\r\n", 1)
    told = {**script.replies, b"EHLO": first + b" " + words.encode() + b"\r\n" + rest}
    return replace(script, replies=MappingProxyType(told))


def _check_free(address: str, port: int) -> None:
    """Raise OSError where something listens already."""
    socket.create_server((address, port)).close()
