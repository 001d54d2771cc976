"""Requests to reload, by SIGHUP or HTTP: both configurations, with a report to the supervisor."""

from __future__ import annotations

import asyncio
import logging

from exporter.app import systemd
from exporter.app.memory_limit import MemoryCheck
from exporter.app.monitor import Monitor
from exporter.app.reload import ConfigurationReload
from exporter.web.access.active_config import ActiveWebConfig

log = logging.getLogger(__name__)


class ReloadRequests:
    """Reloads both configurations on request."""

    def __init__(
        self, reload: ConfigurationReload, security: ActiveWebConfig, monitor: Monitor, check_memory: MemoryCheck
    ) -> None:
        self._reload = reload
        self._security = security
        self._monitor = monitor
        self._check_memory = check_memory
        self._stopping = False

    def stop(self) -> None:
        """Follow no request any more; the supervisor hears of the end next."""
        self._stopping = True
        self._reload.stop()

    async def reload(self) -> list[str]:
        """Reload now. The problems of both, a line each."""
        systemd.notify_reloading()
        try:
            problems = [*await self._reload.reload(), *await self._security.reload()]
            self._check_memory(len(self._monitor.active.targets))
            return problems
        finally:
            # A configuration that was refused leaves the one before.
            self.report_ready()

    def report_ready(self) -> None:
        """Report to the supervisor that targets are probed."""
        if not self._stopping:
            systemd.notify(systemd.READY, f"STATUS=probing {len(self._monitor.active.targets)} targets")

    async def reload_on(self, hangup: asyncio.Event) -> None:
        """Reload each time that the event is set, without end."""
        while True:
            await hangup.wait()
            hangup.clear()
            try:
                await self.reload()
            except Exception:
                log.exception("internal error in a reload")
                self._monitor.metrics.internal_error()
