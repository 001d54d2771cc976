"""A short soak: every kind of attack at once, few of each. What it must catch is a loop that stands still."""

from __future__ import annotations

import sys

import pytest

from tests.attack.course import Bounds
from tests.attack.punctuality import Punctuality
from tests.attack.soak import may_listen, soak
from tests.attack.verdict import at_most, none_of, table
from tests.attack.world.kinds import KINDS
from tests.attack.world.plan import Pace
from tests.attack.world.policy_hosts import HTTPS_PORT
from tests.support.require import missing

pytestmark = pytest.mark.long

PACE = Pace(
    good=10, interval=1.0, timeout=15.0, lookup=5.0, hostile_interval=2.5, hostile_timeout=2.0, readers=40, dripping=40,
    requests=8.0, pages=1.0, probes=2.0, connects=20.0, policies=16, reload=1.5, stall=3.0, parked=2.0, stays=2.5,
)  # fmt: skip
# A machine that does much else: only what stands still, or grows, is as late or as large as this.
BOUNDS = Bounds(late=3.0, memory=300e6, answer=15.0, files=30, starts=10**9, ends=20.0, goes_on=False)
SECONDS = 7.0


@pytest.mark.timeout(240)
@pytest.mark.unmeasured
def test_the_exporter_holds_under_all_attacks_at_once() -> None:
    if sys.platform != "linux":
        missing("the whole of 127.0.0.0/8 and /proc are Linux's")
    outcome = soak(tuple(KINDS), PACE, SECONDS, BOUNDS)
    assert outcome.holds, "\n".join([*table(outcome.checks), *outcome.log[-50:]])


def test_policy_hosts_take_part() -> None:
    """Without them a soak is a smaller one than it seems: on CI that is a failure."""
    if not may_listen("127.64.254.1", HTTPS_PORT):
        missing("this process may not listen on port 443: the soak does without MTA-STS policy hosts")


def test_a_session_that_comes_late_or_not_at_all_is_told() -> None:
    seen = Punctuality(2, 5.0)
    seen.note([(0, 10.0), (1, 11.0)])
    seen.begin(12.0)
    seen.note([(0, 15.01), (1, 17.5), (0, 20.0)])
    assert (seen.sessions, seen.later_than(1.0), round(seen.worst, 3)) == (3, 1, 1.5)
    seen.note([(1, 22.5)])
    seen.end(25.0)  # nobody is due
    assert (seen.later_than(1.0), round(seen.worst, 3)) == (1, 1.5)
    seen.end(32.0)
    assert (seen.later_than(1.0), round(seen.worst, 3)) == (3, 7.0)


def test_a_host_that_was_never_probed_is_late_from_the_beginning() -> None:
    seen = Punctuality(1, 5.0)
    seen.begin(100.0)
    assert not seen.all_seen
    seen.end(110.0)
    assert seen.worst == pytest.approx(5.0)


def test_the_verdict_tells_what_failed() -> None:
    checks = [at_most("late by", 1.0, 1.5, " s", "3 times"), none_of("lost", [])]
    assert [check.holds for check in checks] == [False, True]
    assert list(table(checks))[2:] == [
        "| late by | at most 1 s | 1.5 s (3 times) | **FAILED** |",
        "| lost | none | none | holds |",
    ]
