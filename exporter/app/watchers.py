"""The watchers of the server: its periodic tasks beside the schedule of the probes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from exporter.app.background_tasks import BackgroundTasks
from exporter.app.heartbeat import STUCK_SECONDS
from exporter.app.monitor import Monitor
from exporter.app.reload import ConfigurationReload
from exporter.config.domain_lists import SETTLE_SECONDS
from exporter.store.verdict_counts import MINUTE

log = logging.getLogger(__name__)

# How often domain files are looked at, and removed targets forgotten.
_FILES_SECONDS: Final = 5.0
# How often the lag of the event loop is measured.
_LOOP_LAG_SECONDS: Final = 0.5
# How often the evidence about the egress is searched for outdated records.
_EGRESS_SECONDS: Final = 1.0


class Watchers:
    """Tasks without end, until stopped."""

    def __init__(self, monitor: Monitor, reload: ConfigurationReload) -> None:
        self._monitor = monitor
        self._reload = reload
        self._tasks = BackgroundTasks(monitor.metrics.internal_error)

    def start(self) -> None:
        """Begin to look."""
        monitor = self._monitor
        self._tasks.start("domain files", self._watch_files())
        self._tasks.start("loop lag", self._measure_loop_lag())
        self._tasks.start("egress watch", self._repeat(_EGRESS_SECONDS, "the egress watch", monitor.engine.tick))
        count = monitor.results.count_verdicts
        self._tasks.start("verdict counts", self._repeat(MINUTE, "verdict counts", count))
        self._tasks.start("removed targets", self._repeat(_FILES_SECONDS, "removed targets", monitor.forget))

    async def stop(self) -> None:
        """Look no more."""
        await self._tasks.stop()

    async def _repeat(self, seconds: float, name: str, work: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                work()
            except Exception:
                log.exception("internal error in a watcher", extra={"fields": {"watcher": name}})
                self._monitor.metrics.internal_error()

    async def _watch_files(self) -> None:
        pause = _FILES_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = _FILES_SECONDS
            try:
                if await self._reload.reload_changed_files():
                    pause = SETTLE_SECONDS
            except Exception:
                log.exception("internal error in a reload")
                self._monitor.metrics.internal_error()

    async def _measure_loop_lag(self) -> None:
        loop, monitor = asyncio.get_running_loop(), self._monitor
        due = loop.time()
        while True:
            due += _LOOP_LAG_SECONDS
            await asyncio.sleep(due - loop.time())
            lag = loop.time() - due
            monitor.metrics.loop_lagged(lag)
            overdue = monitor.engine.schedule.overdue > STUCK_SECONDS
            monitor.heartbeat.beat("the schedule of the probes stands still" if overdue else "")
            if lag > _LOOP_LAG_SECONDS:
                due = loop.time()
