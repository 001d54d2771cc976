"""Moments on a clock that is never set, and their Unix time.

Unix time may jump: a clock that was wrong is set right, a virtual machine wakes up, a date is mistyped. A time that
orders things, or shows how old one is, is kept as a moment here, and becomes Unix time where a person reads it: then
all of the past moves with the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

# Unlike CLOCK_MONOTONIC it goes on while the machine sleeps, as Unix time does.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", None)
# Between the two clocks this thread may be made to wait; then they are read again.
_APART_SECONDS: Final = 1e-4
_TRIES: Final = 5

# The present moment, in seconds of a clock that begins anywhere.
now: Final[Callable[[], float]] = time.monotonic if _CLOCK is None else partial(time.clock_gettime, _CLOCK)


def moment(at: float) -> float:
    """The moment that has been called `at` in Unix time; none that is still to come."""
    age = time.time() - at
    return now() - age if age > 0.0 else now()


def unix(then: float) -> float:
    """The Unix time of the moment `then` as the clock is set now, to the millisecond."""
    offset = 0.0
    for _ in range(_TRIES):
        before = now()
        offset = time.time() - before
        if now() - before < _APART_SECONDS:
            break
    return round(then + offset, 3)
