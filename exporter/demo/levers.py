"""Levers for the status page of the demo, with which its hosts are broken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from exporter.demo.mail_hosts import WorldError
from exporter.demo.world import DemoWorld
from exporter.web.pages.panel import Lever, LeverStuck, Panel

# As often as everything is probed.
_REFRESH_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class _HostLever:
    """One host that can be broken in one way."""

    key: str
    host: str
    domain: str
    throw_text: str
    restore_text: str
    thrown_text: str
    effect: str
    throw: Callable[[DemoWorld, str], None]


_HOSTS: Final = (
    _HostLever(
        "mx1",
        "mx1.healthy.example",
        "healthy.example",
        "Kill mx1",
        "Revive mx1",
        "mx1.healthy.example is dead",
        "It refuses connections (connect_refused); the domain is up while its mx2 lives.",
        DemoWorld.kill,
    ),
    _HostLever(
        "mx2",
        "mx2.healthy.example",
        "healthy.example",
        "Kill mx2",
        "Revive mx2",
        "mx2.healthy.example is dead",
        "The other mail host of that domain: without both, it is dead.",
        DemoWorld.kill,
    ),
    _HostLever(
        "filter",
        "implicit.example",
        "implicit.example",
        "Filter implicit.example",
        "Take its filter away",
        "implicit.example is filtered",
        "Its mail port goes silent while another one answers: blocked (port_filtered).",
        DemoWorld.timed_out,
    ),
    _HostLever(
        "power",
        "mx.helo.example",
        "helo.example",
        "Switch helo.example off",
        "Switch it on again",
        "mx.helo.example is switched off",
        "It goes silent on every port: dead (connect_timeout).",
        DemoWorld.switch_off,
    ),
)


def panel(world: DemoWorld) -> Panel:
    """All of them."""
    return Panel(
        "Break this demo",
        "Everything here is a mail world on this machine's loopback, yours to break. It is probed every 5 seconds, "
        "and its effect is diagnosed within about 10.",
        tuple(_levers(world)),
        _REFRESH_SECONDS,
    )


def _levers(world: DemoWorld) -> Iterator[Lever]:
    yield Lever(
        key="gateway",
        throw_text="Block port 25 at the gateway",
        restore_text="Open the gateway",
        thrown_text="port 25 is blocked at the gateway",
        effect="Every mail host stops answering at once while other ports get out: egress_blocked.",
        watch=("egress", "The egress"),
        is_thrown=lambda: world.gateway_is_closed,
        throw=_movement(world.close_gateway),
        restore=_movement(world.open_gateway),
    )
    for lever in _HOSTS:
        yield Lever(
            key=lever.key,
            throw_text=lever.throw_text,
            restore_text=lever.restore_text,
            thrown_text=lever.thrown_text,
            effect=lever.effect,
            watch=(f"domain/{lever.domain}", lever.domain),
            is_thrown=partial(_is_broken, world, lever.host),
            throw=_movement(partial(lever.throw, world, lever.host)),
            restore=_movement(partial(world.revive, lever.host)),
        )


def _is_broken(world: DemoWorld, host: str) -> bool:
    return host in world.broken


def _movement(change: Callable[[], None]) -> Callable[[], None]:
    def move() -> None:
        try:
            change()
        except WorldError as error:
            raise LeverStuck(str(error)) from error

    return move
