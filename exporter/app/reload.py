"""The reload of the configuration: read beside the event loop, adopted in steps, whole or not at all."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from exporter.app.active_configuration import ActiveConfiguration, active_configuration
from exporter.app.list_problems import ListProblems, first_of
from exporter.app.monitor import Monitor
from exporter.concurrency.worker_thread import StuckError, WorkerThread
from exporter.config.domain_lists import DomainLists, ListChanges
from exporter.config.load import ConfigError, load

log = logging.getLogger(__name__)

# How long the file system may take for a look at the domain files, and for all that a reload reads: minutes of a server
# that is busy. Then it counts as one that does not answer.
_CHECK_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 120.0
_STUCK: Final = "the file system does not answer: the configuration before holds"


class ConfigurationReload:
    """Reads the configuration anew and has the monitor follow it."""

    def __init__(self, path: Path, monitor: Monitor, lists: DomainLists) -> None:
        """`lists` are the domain files that the configuration of `monitor` was loaded with from `path`."""
        self._path = path
        self._monitor = monitor
        self._lists = lists
        self._problems = ListProblems()
        self._files = WorkerThread("files")
        self._lock = asyncio.Lock()
        self._is_stuck = False  # the file system, at the last look

    def adopt_first(self) -> None:
        """Have the monitor begin with the configuration that it has."""
        for _ in self._monitor.adopting(self._monitor.active):
            pass
        self._problems.report(self._monitor.active.config)

    async def reload(self) -> list[str]:
        """Read and adopt the configuration. Its problems, a line each; the part with a problem stays as it was.

        A mistake in the main file leaves the whole as it was, a domain file that fails leaves its list.
        """
        # The client may go away meanwhile: a reload that has begun is ended, or half of the targets would be new.
        return await asyncio.shield(asyncio.get_running_loop().create_task(self._reload()))

    async def reload_changed_files(self) -> bool:
        """Reload if the domain files have changed; whether one has changed too lately to be read."""
        try:
            changes = await self._check_files()
        except StuckError:
            if not self._is_stuck:
                self._refused([_STUCK])
            self._is_stuck = True
            return False
        # A main file that was refused is tried again only where something else has changed.
        if changes.changed or self._is_stuck:
            self._is_stuck = False
            log.info("domain files changed")
            await self.reload()
            return False
        return changes.unsettled

    async def _check_files(self) -> ListChanges:
        config = self._monitor.active.config
        patterns = dict(enumerate(config.list_patterns))
        if not patterns:
            return ListChanges(changed=False, unsettled=False)
        folder = Path(config.files[0]).parent
        async with self._lock:
            return await self._files.run(lambda: self._lists.check(folder, patterns), _CHECK_SECONDS)

    async def _reload(self) -> list[str]:
        async with self._lock:
            try:
                active = await self._files.run(self._read, _LOAD_SECONDS)
            except ConfigError as error:
                return self._refused([str(problem) for problem in error.errors])
            except StuckError:
                self._is_stuck = True
                return self._refused([_STUCK])
            for _ in self._monitor.adopting(active):
                await asyncio.sleep(0)  # other clocks are ticking
        self._problems.report(active.config)
        log.info("configuration reloaded", extra={"fields": {"targets": len(active.targets)}})
        return first_of(active.config.failures)

    def _read(self) -> ActiveConfiguration:
        config = load(self._path, self._lists)
        return active_configuration(self._monitor.active.number + 1, config, self._monitor.shard)

    def _refused(self, problems: list[str]) -> list[str]:
        self._monitor.metrics.load_failed()
        for problem in problems:
            log.error("configuration not reloaded", extra={"fields": {"problem": problem}})
        return problems
