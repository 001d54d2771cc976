"""The watchers of the server: its periodic tasks beside the schedule of the probes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from exporter.app.active_configuration import OncePerConfiguration
from exporter.app.background_tasks import BackgroundTasks
from exporter.app.heartbeat import STUCK_SECONDS
from exporter.app.monitor import Monitor
from exporter.app.reload import ConfigurationReload
from exporter.config.stillness import SETTLE_SECONDS
from exporter.model.configuration import Config
from exporter.store.verdict_counts import MINUTE

log = logging.getLogger(__name__)

# How often domain files are looked at, and removed targets forgotten.
_FILES_SECONDS: Final = 5.0
# How often the lag of the event loop is measured.
_LOOP_LAG_SECONDS: Final = 0.5
# How often the evidence about the egress is searched for outdated records.
_EGRESS_SECONDS: Final = 1.0
# Sessions of one turn after each other, generously: with TLS and without, witness ports, a path.
_SESSIONS_OF_A_TURN: Final = 5


class Watchers:
    """Tasks without end, until stopped."""

    def __init__(self, monitor: Monitor, reload: ConfigurationReload) -> None:
        self._monitor = monitor
        self._reload = reload
        self._longest_turn = OncePerConfiguration(_longest_turn)
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

    def _stuck(self) -> str:
        """A sentence about probes that do not begin though the loop runs."""
        schedule = self._monitor.engine.schedule
        if schedule.standstill > STUCK_SECONDS:
            return "the schedule of the probes stands still"
        seconds = schedule.slots_taken
        if seconds > STUCK_SECONDS and seconds > self._longest_turn.of(self._monitor.active):
            return f"no probe has ended for {seconds:.0f} s, and others wait"
        return ""

    async def _measure_loop_lag(self) -> None:
        loop, monitor = asyncio.get_running_loop(), self._monitor
        due = loop.time()
        while True:
            due += _LOOP_LAG_SECONDS
            await asyncio.sleep(due - loop.time())
            lag = loop.time() - due
            monitor.metrics.loop_lagged(lag)
            # After a pause of the whole process the schedule has not had its turn yet.
            monitor.heartbeat.beat(self._stuck() if lag < STUCK_SECONDS else "")
            if lag > _LOOP_LAG_SECONDS:
                due = loop.time()


def _longest_turn(config: Config) -> float:
    """Seconds after which no turn can be under way: lookups, and a session that needs others in support of it."""
    targets = (*config.targets, *config.egress.references)
    timeout = max((target.settings.timeout for target in targets), default=config.defaults.timeout)
    return STUCK_SECONDS + _SESSIONS_OF_A_TURN * (config.resolver.timeout + timeout)
