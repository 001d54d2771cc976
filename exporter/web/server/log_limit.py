"""A log line about what may happen thousands of times a second: once a minute, with how often since."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

EVERY_SECONDS: Final = 60.0


class LogLimit:
    """Tells of one kind of trouble; from any thread."""

    def __init__(self, log: logging.Logger, message: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._message = message
        self._clock = clock
        self._lock = threading.Lock()
        self._told: float | None = None
        self._times = 0

    def tell(self, level: int, **fields: object) -> None:
        """It happened once more."""
        times = self.due()
        if times:
            self._log.log(level, self._message, extra={"fields": {"times": times, **fields}})

    def due(self) -> int:
        """It happened once more: how often since it was told last, or 0 where it is not to be told yet."""
        with self._lock:
            self._times += 1
            now = self._clock()
            if self._told is not None and now - self._told < EVERY_SECONDS:
                return 0
            times, self._told, self._times = self._times, now, 0
            return times
