"""The settings of the watch over the egress, and the part of them that follows from the targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from exporter.model.configuration import Egress
from exporter.model.egress import SMTP_PORT
from exporter.model.target import Settings, Target
from exporter.net.special_addresses import forbidden


def counts_as_outside(address: str) -> bool:
    """True if reaching `address` means getting out: a private or loopback address is reached without the egress."""
    return forbidden(address, ()) is None


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """The settings of :class:`exporter.egress.watch.EgressWatch`; a reload replaces all but the last two."""

    egress: Egress
    interval: float = math.inf  # seconds after which most targets are probed again; inf: each is probed once
    longest_probe: float = 0.0  # seconds that most probes take at most
    helo: str = ""  # the name that this host calls itself
    port: int = SMTP_PORT  # whose egress is judged
    is_outside: Callable[[str], bool] = counts_as_outside  # the addresses that are reached by the egress


def typical_interval(targets: Iterable[Target], default: float) -> float:
    """Seconds after which half of the targets have been probed again; `default` where there are none."""
    return _median((target.settings.interval for target in targets), default)


def typical_timeout(targets: Iterable[Target], default: float) -> float:
    """Seconds within which half of the targets have answered or failed; `default` where there are none."""
    return _median((target.settings.timeout for target in targets), default)


def source_of(settings: Settings, address: str) -> str:
    """The address to connect from to `address`; empty: the kernel chooses."""
    return settings.source_ipv6 if ":" in address else settings.source_ipv4


def _median(values: Iterable[float], default: float) -> float:
    in_order = sorted(values)
    return in_order[len(in_order) // 2] if in_order else default
