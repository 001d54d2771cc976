"""The demands of targets on the sessions with a host: how often, and how long one may take. Pure."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, NamedTuple


class Demand(NamedTuple):
    """The demand of one target. A lease is that of a client's request, which is not scheduled."""

    interval: float  # seconds
    timeout: float  # seconds
    is_lease: bool = False


# Each with the number of those that ask for it. Most hosts have one demand, so equal ones are one object.
Demands = tuple[tuple[Demand, int], ...]
NO_DEMANDS: Demands = ()
_USUAL_TIMES: Final = 20


def counted(demands: Demands, demand: Demand, times: int) -> Demands:
    """`demands` with `demand` so many times more, or less if `times` is negative."""
    if not demands:
        return _one_demand(demand, times)
    counts = dict(demands)
    counts[demand] = counts.get(demand, 0) + times
    if not counts[demand]:
        del counts[demand]
    if len(counts) == 1:
        return _one_demand(*next(iter(counts.items())))
    return tuple(counts.items())


def _one_demand(demand: Demand, times: int) -> Demands:
    """Counts that many hosts have are one object; the front end of a provider passes through a hundred thousand."""
    return _equal_demand(demand, times) if times <= _USUAL_TIMES else ((demand, times),)


@lru_cache(maxsize=1000)
def _equal_demand(demand: Demand, times: int) -> Demands:
    return ((demand, times),)


def is_scheduled(demands: Demands) -> bool:
    """True if a configured target is among those that ask."""
    return not all(demand.is_lease for demand, _ in demands)


def shortest_interval(demands: Demands) -> float:
    """Seconds from one session to the next; leases count only where there is nothing else."""
    counting = [demand.interval for demand, _ in demands if not demand.is_lease]
    return min(counting or [demand.interval for demand, _ in demands], default=math.inf)


def longest_timeout(demands: Demands) -> float:
    """Seconds for one session."""
    return max([demand.timeout for demand, _ in demands], default=0.0)
