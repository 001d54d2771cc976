"""The heartbeat of the probes' event loop: given by the loop, so that another thread sees when the loop stands still.

One source for all supervisors: `/-/healthy`, and through it Kubernetes and Docker; systemd's watchdog.
"""

from __future__ import annotations

import time
from typing import Final

# A loop that is well is milliseconds late, on a machine that swaps seconds. A loop that stands still for so long
# does not come back by itself.
STUCK_SECONDS: Final = 15.0


class Heartbeat:
    """The last sign of life. Given by the loop, read by any thread."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._stuck = ""

    def beat(self, stuck: str = "") -> None:
        """Give a sign of life; `stuck` is a sentence about a part that stands still though the loop runs."""
        self._last = time.monotonic()
        self._stuck = stuck

    @property
    def trouble(self) -> str:
        """A sentence, where the probes stand still; empty where they do not."""
        passed = time.monotonic() - self._last
        if passed > STUCK_SECONDS:
            return f"the loop of the probes has not run for {passed:.0f} s"
        return self._stuck
