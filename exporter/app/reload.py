"""The reload of the configuration: read beside the event loop, adopted in steps, whole or not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from exporter.app.active_configuration import ActiveConfiguration, active_configuration
from exporter.app.list_problems import ListProblems, first_of
from exporter.app.monitor import Monitor
from exporter.concurrency.worker_thread import StuckError, WorkerThread
from exporter.config.domain_lists import DomainLists, ListChanges
from exporter.config.load import ConfigError, load
from exporter.config.main_files import Fingerprint, MainChanges, MainFiles, loaded

log = logging.getLogger(__name__)

# How long the file system may take for a look at the files, and for all that a reload reads: minutes of a busy server.
# Then it counts as one that does not answer.
_CHECK_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 120.0
_STUCK: Final = "the file system does not answer: the configuration before holds"
_STOPPING: Final = "the exporter is stopping"


class _Changes(NamedTuple):
    lists: ListChanges
    main: MainChanges


class _Reading(NamedTuple):
    active: ActiveConfiguration | None  # None: there are problems
    main: Fingerprint  # of the main file as it was read
    problems: Sequence[str] = ()


class ConfigurationReload:
    """Reads the configuration anew and has the monitor follow it."""

    def __init__(self, path: Path, monitor: Monitor, lists: DomainLists, *, follows_main: bool = False) -> None:
        """`lists` are the domain files that the configuration of `monitor` was loaded with from `path`.

        `follows_main`: the main file is read again when it changes, as domain files always are.
        """
        self._path = path
        self._monitor = monitor
        self._lists = lists
        self._follows_main = follows_main
        self._main = MainFiles(path, monitor.active.config)
        self._main_refused = False  # at its last reading
        self._wanted = False  # a request to read it has not been followed yet
        self._problems = ListProblems()
        self._files = WorkerThread("files")
        self._lock = asyncio.Lock()
        self._is_stuck = False  # the file system, at the last look
        self._stopping = asyncio.Event()

    def adopt_first(self) -> None:
        """Have the monitor begin with the configuration that it has."""
        for _ in self._monitor.adopting(self._monitor.active):
            pass
        self._problems.report(self._monitor.active.config)

    def stop(self) -> None:
        """Adopt no configuration any more."""
        self._stopping.set()

    async def reload(self) -> list[str]:
        """Read and adopt the configuration. Its problems, a line each; the part with a problem stays as it was.

        A mistake in the main file leaves the whole as it was, a domain file that fails leaves its list.
        """
        return await self._shielded(whole=True)

    async def reload_changed_files(self) -> bool:
        """Reload what has changed and is read without a request; whether a file has changed too lately to be read."""
        try:
            lists, main = await self._check_files()
        except StuckError:
            if not self._is_stuck:
                self._refused([_STUCK])
            self._is_stuck = True
            return False
        self._monitor.metrics.main_file_compared(differs=main.differs)
        is_due = self._follows_main and main.untried
        if (is_due and main.still) or (self._is_stuck and (self._wanted or self._follows_main)):
            log.info("configuration changed")
            await self._shielded(whole=True)
        elif lists.changed or self._is_stuck:
            log.info("domain files changed")
            # The main file may be half edited: it is read on request, or when it is still.
            await self._shielded(whole=False)
        else:
            return lists.unsettled or is_due
        return False

    async def _check_files(self) -> _Changes:
        config = self._monitor.active.config
        patterns = dict(enumerate(config.list_patterns))
        folder = Path(config.files[0]).parent
        unchanged = ListChanges(changed=False, unsettled=False)

        def check() -> _Changes:
            lists = self._lists.check(folder, patterns) if patterns else unchanged
            return _Changes(lists, self._main.check(config))

        async with self._lock:
            return await self._files.run(check, _CHECK_SECONDS)

    async def _shielded(self, *, whole: bool) -> list[str]:
        if self._stopping.is_set():
            return [_STOPPING]
        # The client may go away meanwhile: a reload that has begun is ended, or half of the targets would be new.
        return await asyncio.shield(asyncio.get_running_loop().create_task(self._reload(whole=whole)))

    async def _reload(self, *, whole: bool) -> list[str]:
        async with self._lock:
            self._wanted |= whole
            try:
                reading = await self._files.run(self._read_all if whole else self._read_lists, _LOAD_SECONDS)
            except StuckError:
                self._is_stuck = True
                return self._refused([_STUCK])
            self._is_stuck = False
            if whole:
                self._wanted, self._main_refused = False, reading.active is None
                self._main.tried(reading.main)
                used = (reading.active or self._monitor.active).config
                self._monitor.metrics.main_file_compared(differs=reading.main != loaded(used))
            if reading.active is None:
                return self._refused(reading.problems)
            if self._stopping.is_set():
                return [_STOPPING]
            for _ in self._monitor.adopting(reading.active):
                await asyncio.sleep(0)  # other clocks are ticking
            if self._stopping.is_set():
                return [_STOPPING]  # what was begun is whole, and nothing is probed by it any more
            if self._main_refused:
                self._monitor.metrics.load_failed()  # still: the lists alone are new
        config = reading.active.config
        self._problems.report(config)
        log.info("configuration reloaded", extra={"fields": {"targets": len(reading.active.targets)}})
        return first_of(config.failures)

    def _read_all(self) -> _Reading:
        """Read the main file and all that it names."""
        before = self._main.fingerprint(self._monitor.active.config)
        reading = self._read(None)
        return reading._replace(main=before) if reading.active is None else reading

    def _read_lists(self) -> _Reading:
        """Read what the main file names, as that is in use."""
        return self._read(self._monitor.active.config.source)

    def _read(self, source: bytes | None) -> _Reading:
        try:
            config = load(self._path, self._lists, source)
        except ConfigError as error:
            return _Reading(None, (), [str(problem) for problem in error.errors])
        active = active_configuration(self._monitor.active.number + 1, config, self._monitor.shard)
        return _Reading(active, loaded(config))

    def _refused(self, problems: Sequence[str]) -> list[str]:
        self._monitor.metrics.load_failed()
        for problem in problems:
            log.error("configuration not reloaded", extra={"fields": {"problem": problem}})
        return [*problems]
