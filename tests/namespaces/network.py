"""A small internet of Linux network namespaces: routers with packet filters, and mail servers on unrelated networks.

    client - gateway - provider -+- edge-a - remote-a
      hop:      1         2      +- ...  3   ...    4

The namespaces have no names: they live as long as an open file of this process, so that none is left behind even when
the test run is killed. A thread enters one with setns(2); processes, sockets and event loops begun there stay there.
The addresses look like those of the public internet, because the exporter refuses special ones, and no packet leaves.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, TypeVar

from exporter.lab.host import LoopThread
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import CLOSE, SmtpScript
from tests.support.require import require_network_namespaces, require_program

T = TypeVar("T")
Family = Literal[4, 6]
Hook = Literal["prerouting", "input", "forward", "output"]

_CLONE_NEWNET: Final = 0x40000000  # linux/sched.h; os.unshare and os.setns came with Python 3.12
_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_START_SECONDS: Final = 30.0  # a command or a listener that takes longer hangs

REMOTES: Final = ("remote-a", "remote-b", "remote-c", "remote-d")
ROUTERS: Final = ("gateway", "provider", "edge-a", "edge-b", "edge-c", "edge-d")
NODES: Final = ("client", *ROUTERS, *REMOTES)
_SERVERS: Final = (10, 11, 12)  # the host numbers of each remote
_VACANT: Final = 200  # a host number on the remote's link that no one has


@dataclass(frozen=True, slots=True)
class _Link:
    """A cable, with a /24 and a /64 of its own. The near node is the one closer to the client."""

    near: str
    far: str
    prefixes: dict[Family, str]
    near_hosts: tuple[int, ...] = (1,)
    far_hosts: tuple[int, ...] = (2,)

    def network(self, family: Family) -> str:
        return f"{self.prefixes[family]}.0/24" if family == 4 else f"{self.prefixes[family]}::/64"

    def address(self, host: int, family: Family) -> str:
        return f"{self.prefixes[family]}.{host}" if family == 4 else f"{self.prefixes[family]}::{host}"


_REMOTE_NETWORKS: Final = {
    "a": ("185.10.1", "2a01:4f00:1:1"),
    "b": ("91.20.1", "2a02:2e00:1:1"),
    "c": ("62.30.1", "2a05:d000:1:1"),
    "d": ("80.40.1", "2600:1900:1:1"),
}
_LINKS: Final = (
    _Link("client", "gateway", {4: "46.30.1", 6: "2a0a:1e00:1:1"}, (10,), (1,)),
    _Link("gateway", "provider", {4: "46.30.2", 6: "2a0a:1e00:1:2"}),
    *(
        _Link("provider", f"edge-{letter}", {4: f"46.30.{number}", 6: f"2a0a:1e00:1:{number}"})
        for number, letter in enumerate(_REMOTE_NETWORKS, start=3)
    ),
    *(
        _Link(f"edge-{letter}", f"remote-{letter}", {4: ipv4, 6: ipv6}, far_hosts=_SERVERS)
        for letter, (ipv4, ipv6) in _REMOTE_NETWORKS.items()
    ),
)
_FAMILIES: Final[tuple[Family, ...]] = (4, 6)

# In the namespaces only. Each router answers each packet: what a rate limit leaves out would look like a filter.
_SYSCTLS: Final = {
    "ipv4/icmp_ratemask": "0",  # a limit of 0 would also use up the tokens of "no route", which no namespace can set
    "ipv4/icmp_msgs_per_sec": "100000",
    "ipv4/icmp_msgs_burst": "100000",
    "ipv6/icmp/ratelimit": "0",
    "ipv4/ip_forward": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # No address waits a second for duplicates.
    "ipv6/conf/all/accept_dad": "0",
    "ipv6/conf/default/accept_dad": "0",
}
# Of each device: a next hop that does not exist is known after one second in place of three.
_DEVICE_SYSCTLS: Final = {
    "ipv4/neigh/{device}/mcast_solicit": "1",
    "ipv6/neigh/{device}/mcast_solicit": "1",
}


def address(node: str, family: Family = 4, number: int = 0) -> str:
    """An address of `node`; of a router the one that its ICMP errors to the client come from."""
    if node == "client":
        return _LINKS[0].address(_LINKS[0].near_hosts[number], family)
    link = _link_to(node)
    return link.address(link.far_hosts[number], family)


def addresses(node: str) -> tuple[str, ...]:
    """All addresses that :func:`address` tells of `node`, IPv4 before IPv6."""
    count = 1 if node == "client" else len(_link_to(node).far_hosts)
    return tuple(address(node, family, number) for family in _FAMILIES for number in range(count))


def vacant_address(remote: str, family: Family = 4) -> str:
    """An address on the network of `remote` that no host has: its edge reports it unreachable."""
    return _link_to(remote).address(_VACANT, family)


def drop_port_25(hook: Hook = "forward", to: str = "") -> str:
    """SYNs to port 25 (of the address `to`) vanish."""
    return _filter(hook, to, "tcp dport 25", "drop")


def drop_everything(hook: Hook = "forward", to: str = "") -> str:
    """All packets (to the address `to`) vanish."""
    return _filter(hook, to, "", "drop")


def reject_with(answer: str, hook: Hook = "forward", to: str = "") -> str:
    """SYNs to port 25 draw an ICMP error: `icmp admin-prohibited`, `icmpv6 policy-fail`, `icmpx port-unreachable`..."""
    kind, _, code = answer.partition(" ")
    return _filter(hook, to, "tcp dport 25", f"reject with {kind} type {code}")


def reset_port_25(hook: Hook = "forward", to: str = "") -> str:
    """SYNs to port 25 draw a forged RST. In `forward` the router first lets those go whose TTL ends at it."""
    return _filter(hook, to, "tcp dport 25", "reject with tcp reset")


def drop_icmp_errors(hook: Hook = "output") -> str:
    """A router that does not tell whose TTL ended at it."""
    rules = ("icmp type time-exceeded drop", "icmpv6 type time-exceeded drop")
    return "".join(_filter(hook, "", rule, "") for rule in rules)


def redirect_port_25_to(address: str, port: int = 25) -> str:
    """Connections to port 25 of anyone end at `address`, for whom the router's own addresses are the natural choice."""
    family, host = ("ip6", f"[{address}]") if ":" in address else ("ip", address)
    return _chain("intercept", "nat hook prerouting priority dstnat", f"tcp dport 25 dnat {family} to {host}:{port}")


def filter_rule(hook: Hook, rule: str) -> str:
    """Any rule of nft(8), where the functions above say too little."""
    return _chain(hook, f"filter hook {hook} priority filter", rule)


def _filter(hook: Hook, to: str, match: str, verdict: str) -> str:
    destination = f"{'ip6' if ':' in to else 'ip'} daddr {to}" if to else ""
    return filter_rule(hook, f"{destination} {match} {verdict}")


def _chain(name: str, kind: str, rule: str) -> str:
    return f"table inet lab {{\n chain {name} {{\n  type {kind};\n  {rule}\n }}\n}}\n"


class Network:
    """The namespaces, from ``with`` to its end. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._ip = require_program("ip")
        self._nft = require_program("nft")
        self._namespaces: dict[str, int] = {}
        self._threads: dict[str, LoopThread] = {}
        self._closing = ExitStack()

    def __enter__(self) -> Network:
        require_network_namespaces()
        try:
            self._build()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def run_in(self, node: str, function: Callable[[], T]) -> T:
        """Call `function` in a thread inside the namespace; what it opens and starts, an event loop too, is there."""
        return _in_thread(lambda: self._inside(node, function))

    def exec(
        self, node: str, argv: Sequence[str], *, stdin: str = "", check: bool = True, timeout: float = _START_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on `node` to its end."""

        def run() -> subprocess.CompletedProcess[str]:
            done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
            if check:
                assert done.returncode == 0, f"{node}: {argv}: {done.stderr}"
            return done

        return self.run_in(node, run)

    def popen(self, node: str, argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a program on `node`; the options are those of subprocess.Popen. It is killed at the end."""
        process: subprocess.Popen[bytes] = self.run_in(node, lambda: subprocess.Popen(argv, **options))
        self._closing.enter_context(process)  # closes its pipes and waits
        self._closing.callback(process.kill)
        return process

    def rules(self, node: str, *texts: str) -> None:
        """Replace the packet filter of `node`; without `texts` there is none. Atomic, connections stay."""
        self.exec(node, [self._nft, "-f", "-"], stdin="\n".join(("flush ruleset", *texts)))

    def listen(
        self, node: str, script: SmtpScript | None = None, *, port: int = 25, at: Sequence[str] = ()
    ) -> tuple[SmtpHost, ...]:
        """Start SMTP servers on `node`, one for each address of `at`, or of the node."""
        thread = self._thread(node)
        hosts = []
        for bind in at or addresses(node):
            host = SmtpHost(script or SmtpScript(), beyond_loopback=True)
            thread.call(host.start(bind, port))
            self._closing.callback(_stop, thread, host)
            hosts.append(host)
        return tuple(hosts)

    def accept(self, node: str, port: int, *, at: Sequence[str] = ()) -> None:
        """Let `node` take connections to `port`, and close them without a word."""
        self.listen(node, SmtpScript(greeting=CLOSE), port=port, at=at)

    def _build(self) -> None:
        for node in NODES:
            self._namespaces[node] = descriptor = _in_thread(_new_namespace)
            self._closing.callback(os.close, descriptor)
        commands: dict[str, list[str]] = {node: ["link set lo up"] for node in NODES}
        for link in _LINKS:
            far = f"/proc/{os.getpid()}/fd/{self._namespaces[link.far]}"
            self.exec(
                link.near, [self._ip, "link", "add", link.far, "type", "veth", "peer", "name", link.near, "netns", far]
            )
            for node, device, hosts in ((link.near, link.far, link.near_hosts), (link.far, link.near, link.far_hosts)):
                sysctls = {name.format(device=device): value for name, value in _DEVICE_SYSCTLS.items()}
                self.run_in(node, partial(_set, sysctls))
                commands[node].append(f"link set {device} up")
                for family in _FAMILIES:
                    length = link.network(family).partition("/")[2]
                    commands[node] += [
                        f"address add {link.address(host, family)}/{length} dev {device}"
                        + (" nodad" if family == 6 else "")
                        for host in hosts
                    ]
        for node, routes in _routes().items():
            commands[node] += routes
        for node, lines in commands.items():
            self.exec(node, [self._ip, "-batch", "-"], stdin="\n".join(lines))

    def _inside(self, node: str, function: Callable[[], T]) -> T:
        self._enter(node)
        return function()

    def _enter(self, node: str) -> None:
        _check(_LIBC.setns(self._namespaces[node], _CLONE_NEWNET))

    def _thread(self, node: str) -> LoopThread:
        """The thread of the servers of `node`."""
        if node not in self._threads:
            thread = LoopThread(f"servers of {node}", partial(self._enter, node))
            self._threads[node] = self._closing.enter_context(thread)
        return self._threads[node]


def _routes() -> dict[str, list[str]]:
    """Everyone's way: away from the client by the prefix, towards it by default, and the client's own by default."""
    routes: dict[str, list[str]] = {node: [] for node in NODES}
    for family in _FAMILIES:
        access, uplink = _LINKS[0], _LINKS[1]
        routes["client"].append(f"route add default via {address('gateway', family)}")
        routes["gateway"].append(f"route add default via {address('provider', family)}")
        routes["provider"].append(
            f"route add {access.network(family)} via {uplink.address(uplink.near_hosts[0], family)}"
        )
        for link in _LINKS[2:]:
            routes[link.far].append(f"route add default via {link.address(link.near_hosts[0], family)}")
            if link.near != "provider":
                routes["provider"].append(f"route add {link.network(family)} via {address(link.near, family)}")
    return routes


def _link_to(node: str) -> _Link:
    return next(link for link in _LINKS if link.far == node)


def _new_namespace() -> int:
    """Make a network namespace, set its sysctls, and leave only an open file of it."""
    _check(_LIBC.unshare(_CLONE_NEWNET))
    _set(_SYSCTLS)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _set(sysctls: dict[str, str]) -> None:
    """Write them as this thread sees them: those of its network namespace."""
    for name, value in sysctls.items():
        Path("/proc/sys/net", name).write_text(value, encoding="ascii")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_thread(function: Callable[[], T]) -> T:
    """A namespace is a matter of the thread, and this one ends with it."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _stop(thread: LoopThread, host: SmtpHost) -> None:
    thread.call(host.stop())
