"""Load both configurations again, on SIGHUP or by HTTP."""

from __future__ import annotations

import asyncio
import logging

from exporter.app import systemd
from exporter.app.engine import Engine
from exporter.app.memory_limit import MemoryCheck
from exporter.web.access.active_config import ActiveWebConfig

log = logging.getLogger(__name__)


class Reload:
    """Both configurations loaded again, and the supervisor told."""

    def __init__(self, service: Engine, security: ActiveWebConfig, check_memory: MemoryCheck) -> None:
        self._service = service
        self._security = security
        self._check_memory = check_memory

    async def __call__(self) -> list[str]:
        """What is wrong with them, a line each."""
        systemd.notify_reloading()
        try:
            problems = [*await self._service.reload(), *await self._security.reload()]
            self._check_memory(len(self._service.targets))
            return problems
        finally:
            # Whatever came of it: what held before holds on.
            systemd.notify(systemd.READY, f"STATUS=probing {len(self._service.targets)} targets")

    async def whenever(self, hung_up: asyncio.Event) -> None:
        """Each time that the signal has come, without end."""
        while True:
            await hung_up.wait()
            hung_up.clear()
            try:
                await self()
            except Exception:
                log.exception("internal error while loading the configuration")
                self._service.own.internal_error()
