"""Demands on sessions, counted."""

from __future__ import annotations

import math
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from exporter.probe.demands import (
    NO_DEMANDS,
    Demand,
    counted,
    is_scheduled,
    longest_timeout,
    shortest_interval,
)

DEMANDS = st.builds(Demand, st.sampled_from((15.0, 60.0)), st.sampled_from((5.0, 30.0)), st.booleans())


@given(st.lists(DEMANDS, max_size=30), st.data())
def test_what_is_left_is_what_a_recount_gives(taken: list[Demand], data: st.DataObject) -> None:
    given_back = data.draw(st.permutations(taken))[: data.draw(st.integers(0, len(taken)))]
    demands = NO_DEMANDS
    for demand in taken:
        demands = counted(demands, demand, 1)
    for demand in given_back:
        demands = counted(demands, demand, -1)
    left = Counter(taken) - Counter(given_back)
    assert dict(demands) == dict(left)
    assert len(demands) == len(left), "each once"
    assert is_scheduled(demands) is any(not demand.is_lease for demand in left)
    assert longest_timeout(demands) == max((demand.timeout for demand in left), default=0.0)
    configured = [demand.interval for demand in left if not demand.is_lease]
    all_ = [demand.interval for demand in left]
    assert shortest_interval(demands) == min(configured or all_, default=math.inf)


def test_the_demands_of_most_hosts_are_one_object() -> None:
    first, second = (counted(NO_DEMANDS, Demand(60.0, 30.0), 1) for _ in range(2))
    assert first is second
