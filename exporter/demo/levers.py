"""Levers for the status page of the demo, with which its hosts are broken by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from exporter.demo.domains.provider import PROVIDER, PROVIDERS
from exporter.demo.mail_hosts import WorldError
from exporter.demo.mailbox import CANARY_HOST, Filing
from exporter.demo.world import DemoWorld
from exporter.web.pages.panel import Lever, LeverStuck, Panel

# As often as everything is probed.
_REFRESH_SECONDS: Final = 5
# The addresses of the provider, and the domains behind them: its customers and itself.
_BIG: Final = tuple(host.key for domain in PROVIDERS for host in domain.hosts)
_BEHIND: Final = len(PROVIDERS)
# A customer of it that can be moved, and the host that it is moved to.
_CUSTOMER: Final = "customer01.example"
_ELSEWHERE: Final = "mx.moved.example"
# The hosts whose TLS changes: their page has what was before.
_STRIPPED: Final = "mx2.healthy.example"
_SWAPPED: Final = "mx1.healthy.example"


@dataclass(frozen=True, slots=True)
class _HostLever:
    """Hosts, mostly one, that can be broken in one way."""

    key: str
    hosts: tuple[str, ...]  # the first is no other lever's: it tells the position of this one
    watch: tuple[str, str]  # the path of a page, and its name
    throw_text: str
    restore_text: str
    thrown_text: str
    effect: str
    throw: Callable[[DemoWorld, str], None]


def _domain(name: str) -> tuple[str, str]:
    return f"domain/{name}", name


_HOSTS: Final = (
    _HostLever(
        "mx1",
        ("mx1.healthy.example",),
        _domain("healthy.example"),
        "Kill mx1",
        "Revive mx1",
        "mx1.healthy.example is dead",
        "It refuses connections (connect_refused); the domain is up while its mx2 lives.",
        DemoWorld.kill,
    ),
    _HostLever(
        "mx2",
        ("mx2.healthy.example",),
        _domain("healthy.example"),
        "Kill mx2",
        "Revive mx2",
        "mx2.healthy.example is dead",
        "The other mail host of that domain: without both, it is dead.",
        DemoWorld.kill,
    ),
    _HostLever(
        "filter",
        ("implicit.example",),
        _domain("implicit.example"),
        "Filter implicit.example",
        "Take its filter away",
        "implicit.example is filtered",
        "Its mail port goes silent while another one answers: blocked (port_filtered).",
        DemoWorld.timed_out,
    ),
    _HostLever(
        "power",
        ("mx.helo.example",),
        _domain("helo.example"),
        "Switch helo.example off",
        "Switch it on again",
        "mx.helo.example is switched off",
        "It goes silent on every port: dead (connect_timeout).",
        DemoWorld.switch_off,
    ),
    _HostLever(
        "address",
        (_BIG[1],),
        (f"mx/mx1.{PROVIDER}", f"mx1.{PROVIDER}"),
        f"Kill an address of {PROVIDER}",
        "Revive that address",
        f"one address of mx1.{PROVIDER} is dead",
        f"One of the {len(_BIG)} addresses for {_BEHIND} domains: one host is down, and every domain stays up.",
        DemoWorld.kill,
    ),
    _HostLever(
        "provider",
        _BIG,
        ("./?group=provider", "The fleet by provider"),
        f"Kill all of {PROVIDER}",
        f"Revive {PROVIDER}",
        f"{PROVIDER} is dead",
        f"{_BEHIND} domains lose their mail at once: one row of the fleet by provider.",
        DemoWorld.kill,
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
    yield Lever(
        key="customer",
        throw_text=f"Move the MX of {_CUSTOMER}",
        restore_text="Move it back",
        thrown_text=f"the MX of {_CUSTOMER} has moved",
        effect="It names a host of somebody else, who takes its mail: up, with mx_unexpected and mx_missing.",
        watch=_domain(_CUSTOMER),
        is_thrown=lambda: _CUSTOMER in world.moved,
        throw=_movement(lambda: world.move(_CUSTOMER, _ELSEWHERE)),
        restore=_movement(lambda: world.move_back(_CUSTOMER)),
    )
    yield from _tls(world)
    yield from _standing(world)
    yield from _arrival(world)
    for lever in _HOSTS:
        yield Lever(
            key=lever.key,
            throw_text=lever.throw_text,
            restore_text=lever.restore_text,
            thrown_text=lever.thrown_text,
            effect=lever.effect,
            watch=lever.watch,
            is_thrown=partial(_is_broken, world, lever.hosts[0]),
            throw=_movement(partial(_each, partial(lever.throw, world), lever.hosts)),
            restore=_movement(partial(_each, world.revive, lever.hosts)),
        )


def _tls(world: DemoWorld) -> Iterator[Lever]:
    """The levers that change what hosts show in TLS."""
    yield Lever(
        key="strip",
        throw_text="Strip STARTTLS from mx2",
        restore_text="Let its STARTTLS through",
        thrown_text=f"{_STRIPPED} offers no STARTTLS",
        effect="It is up, and its page tells the downgrade under What changed (starttls_lost).",
        watch=_domain("healthy.example"),
        is_thrown=lambda: _STRIPPED in world.changed,
        throw=_movement(partial(world.strip, _STRIPPED)),
        restore=_movement(partial(world.change_back, _STRIPPED)),
    )
    yield Lever(
        key="certificate",
        throw_text="Swap the certificate of mx1",
        restore_text="Give it its own again",
        thrown_text=f"{_SWAPPED} has another certificate",
        effect="One of an unknown authority of the same name: up, and What changed has it, first as issuer_private.",
        watch=_domain("healthy.example"),
        is_thrown=lambda: _SWAPPED in world.changed,
        throw=_movement(partial(world.swap_certificate, _SWAPPED)),
        restore=_movement(partial(world.change_back, _SWAPPED)),
    )


def _standing(world: DemoWorld) -> Iterator[Lever]:
    """The levers that mend our own standing."""
    yield Lever(
        key="delist",
        throw_text="Have our address delisted",
        restore_text="List it again",
        thrown_text="our address is off the block list",
        effect="The list has our address no more, and blocklisted.example takes our mail.",
        watch=("standing", "Our standing"),
        is_thrown=lambda: not world.is_listed,
        throw=_movement(partial(world.set_listed, False)),
        restore=_movement(partial(world.set_listed, True)),
    )
    yield Lever(
        key="pointer",
        throw_text="Give our address its PTR",
        restore_text="Take its PTR away",
        thrown_text="our address has its PTR record",
        effect="Reverse DNS is confirmed, and nameless.example takes our mail (rdns_required).",
        watch=("standing", "Our standing"),
        is_thrown=lambda: world.is_named,
        throw=_movement(partial(world.set_named, True)),
        restore=_movement(partial(world.set_named, False)),
    )


def _arrival(world: DemoWorld) -> Iterator[Lever]:
    """The levers that file the canaries otherwise; the last one thrown counts."""
    name = CANARY_HOST.name
    told = (
        (Filing.JUNK, "junk", "File the canaries as junk", "canaries are filed as junk", "blocked (arrived_as_junk)"),
        (Filing.LOST, "lost", "Lose the canaries", "canaries are accepted and lost", "undetermined (not_arrived)"),
    )
    for filing, key, throw_text, thrown_text, outcome in told:
        yield Lever(
            key=key,
            throw_text=throw_text,
            restore_text="File them in the inbox again",
            thrown_text=thrown_text,
            effect=f"Its whole session works: with the next message, within about a minute, {name} is {outcome}.",
            watch=(world.canary_page, name),
            is_thrown=partial(_is_filed, world, filing),
            throw=partial(_file, world, filing),
            restore=partial(_file, world, Filing.INBOX),
        )


def _is_filed(world: DemoWorld, filing: Filing) -> bool:
    return world.mailbox.filing is filing


def _file(world: DemoWorld, filing: Filing) -> None:
    world.mailbox.filing = filing


def _is_broken(world: DemoWorld, host: str) -> bool:
    return host in world.broken


def _each(change: Callable[[str], None], hosts: Iterable[str]) -> None:
    for host in hosts:
        change(host)


def _movement(change: Callable[[], None]) -> Callable[[], None]:
    def move() -> None:
        try:
            change()
        except WorldError as error:
            raise LeverStuck(str(error)) from error

    return move
