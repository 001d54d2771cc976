"""The targets that hold a host: most hosts have one, and the front end of a provider has a hundred thousand.

What is told of a host with few is counted when it is asked for. With many the counts are kept.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from exporter.model.target import HostSeries, Target, TargetKind

if TYPE_CHECKING:
    from exporter.probe.hosts import Host

# So many holds stand in a tuple, which is small and quick to search.
_FEW: Final = 8
_WIDTHS: Final[tuple[HostSeries, ...]] = ("none", "failing", "all")  # each with more series than the one before
_DOMAIN, _REFERENCE = TargetKind.DOMAIN, TargetKind.REFERENCE


class Sharer(Protocol):
    """A target that holds hosts, or a lease: a target that a client asked for, which is not scheduled."""

    target: Target
    is_lease: bool

    def host_changed(self, host: Host, *, first: bool, state: bool) -> None:
        """Note that a host has a result: its `first`, or one of another `state`. Takes no time; joins later."""


class Sharing(NamedTuple):
    """All that is told of the sharers of a host together."""

    is_configured: bool  # a target of the configuration, not a reference, is among them
    domains: int  # of the configuration
    series: HostSeries  # the widest that a configured target wants; references want none


class _Part(NamedTuple):
    """The part of one sharer: its holds, and what is counted of it."""

    holds: int
    width: int  # of the series that it wants, as its place among _WIDTHS
    is_target: bool  # of the configuration, and no reference
    is_domain: bool


@lru_cache(maxsize=1000)
def _equal_sharing(is_configured: bool, domains: int, series: HostSeries) -> Sharing:
    """Equal ones are one object: most hosts have one domain."""
    return Sharing(is_configured, domains, series)


def _part(sharer: Sharer, holds: int) -> _Part:
    target = sharer.target
    if sharer.is_lease or target.kind is _REFERENCE:
        return _equal_part(holds, 0, False, False)
    return _equal_part(holds, _WIDTHS.index(target.settings.host_series), True, target.kind is _DOMAIN)


@lru_cache(maxsize=1000)
def _equal_part(holds: int, width: int, is_target: bool, is_domain: bool) -> _Part:
    """Equal ones are one object: a configuration of 100,000 domains has a million."""
    return _Part(holds, width, is_target, is_domain)


class ManySharers:
    """Any number of sharers, counted."""

    __slots__ = ("_domains", "_parts", "_targets", "_widths")

    def __init__(self, sharers: Collection[Sharer]) -> None:
        self._parts: dict[Sharer, _Part] = {}
        self._domains = self._targets = 0
        self._widths = [0] * len(_WIDTHS)
        for sharer in sharers:
            self.add(sharer)

    def all(self) -> Collection[Sharer]:
        """The sharers, each once, in the order in which they came."""
        return self._parts.keys()

    def add(self, sharer: Sharer) -> None:
        """Take in a hold."""
        self._set(sharer, 1)

    def remove(self, sharer: Sharer) -> None:
        """Let a hold go."""
        self._set(sharer, -1)

    def refresh(self, sharer: Sharer) -> None:
        """Count a sharer anew, whose target has other settings."""
        self._set(sharer, 0)

    def together(self) -> Sharing:
        """All that is told of them."""
        widest = max([width for width, count in enumerate(self._widths) if count], default=0)
        return _equal_sharing(self._targets > 0, self._domains, _WIDTHS[widest])

    def _set(self, sharer: Sharer, more: int) -> None:
        before = self._parts.get(sharer)
        holds = more if before is None else before.holds + more
        if before is not None:
            self._domains -= before.is_domain
            self._targets -= before.is_target
            self._widths[before.width] -= 1
        if holds <= 0:
            del self._parts[sharer]
            return
        now = self._parts[sharer] = _part(sharer, holds)
        self._domains += now.is_domain
        self._targets += now.is_target
        self._widths[now.width] += 1


# The holds on a host. One stands for itself, for most of 100,000 hosts have one; up to eight stand in a tuple, a sharer
# with two there twice.
Holds: TypeAlias = "Sharer | tuple[Sharer, ...] | ManySharers"
NO_HOLDS: Final[Holds] = ()


def sharers_of(holds: Holds) -> Collection[Sharer]:
    """The sharers, each once, in the order in which they came."""
    if isinstance(holds, ManySharers):
        return holds.all()
    if isinstance(holds, tuple):
        return dict.fromkeys(holds).keys()
    return (holds,)


def with_hold(holds: Holds, sharer: Sharer) -> Holds:
    """The holds with one more."""
    if isinstance(holds, ManySharers):
        holds.add(sharer)
        return holds
    if not holds:
        return sharer
    several = (*holds, sharer) if isinstance(holds, tuple) else (holds, sharer)
    return several if len(several) <= _FEW else ManySharers(several)


def without_hold(holds: Holds, sharer: Sharer) -> Holds:
    """The holds without one of a sharer, which has one at least."""
    if isinstance(holds, ManySharers):
        holds.remove(sharer)
        return holds
    left = [*holds] if isinstance(holds, tuple) else [holds]
    left.remove(sharer)
    return left[0] if len(left) == 1 else tuple(left)


def sharing_of(holds: Holds) -> Sharing:
    """All that is told of the sharers."""
    if isinstance(holds, ManySharers):
        return holds.together()
    parts = [_part(sharer, 1) for sharer in sharers_of(holds)]
    widest = max([part.width for part in parts], default=0)
    return _equal_sharing(
        any(part.is_target for part in parts), sum([part.is_domain for part in parts]), _WIDTHS[widest]
    )
