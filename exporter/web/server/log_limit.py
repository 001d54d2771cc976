"""A limit for log messages that clients could cause thousands of times a second: one line a minute, with the count."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

EVERY_SECONDS: Final = 60.0


class LogLimit:
    """Logs one message at most once a minute; may be used from any thread."""

    def __init__(self, log: logging.Logger, message: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._message = message
        self._clock = clock
        self._lock = threading.Lock()
        self._logged_at: float | None = None
        self._times = 0

    def report(self, level: int, **fields: object) -> None:
        """Count one more occurrence, and log the message where it is due."""
        times = self.due()
        if times:
            self._log.log(level, self._message, extra={"fields": {"times": times, **fields}})

    def due(self) -> int:
        """Count one more occurrence. The number since the last message, or 0 where the next message is not due yet."""
        with self._lock:
            self._times += 1
            now = self._clock()
            if self._logged_at is not None and now - self._logged_at < EVERY_SECONDS:
                return 0
            times, self._logged_at, self._times = self._times, now, 0
            return times
