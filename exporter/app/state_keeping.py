"""The keeper of the state: read once at the start, saved now and then and at the end, beside the event loop.

Whatever goes wrong with it is told and costs nothing else: probes run, and the next save is another try.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from exporter.app.monitor import Monitor
from exporter.concurrency import steady_clock
from exporter.concurrency.worker_thread import StuckError, WorkerThread
from exporter.model.target import TargetKey
from exporter.storage.head import Clock
from exporter.storage.reading import Expected, read_state
from exporter.storage.saved import SavedState, fingerprint
from exporter.storage.state_file import HeldError, StateFile
from exporter.storage.writing import lines

log = logging.getLogger(__name__)

# From one save to the next: the state of a target that fires an alert is older than that.
SAVE_SECONDS: Final = 60.0
# A save may take a hundredth of the processor; with 100,000 domains there are some minutes from one to the next.
_LEAST_SHARE: Final = 100.0
# After each step of a save the thread rests, so that the event loop waits for it no longer than for one step.
_REST_SECONDS: Final = 0.001
# A file system that is busy takes seconds. Supervisors kill what does not start: systemd after 90 seconds. The end is
# waited for less long still.
_LOAD_SECONDS: Final = 60.0
_SAVE_LIMIT_SECONDS: Final = 600.0
_END_SECONDS: Final = 10.0
_STUCK: Final = "the file system does not answer"


class _Abandoned(Exception):  # noqa: N818 - no error: the end has come, and saves better
    """The save is not wanted any more."""


class StateKeeper:
    """Keeps the state of a monitor in a folder."""

    def __init__(self, folder: Path, monitor: Monitor) -> None:
        self._file = StateFile(folder, monitor.shard)
        self._monitor = monitor
        self._thread = WorkerThread("state")
        self._saving = asyncio.Lock()
        self._is_ending = False
        self._problem = ""
        self._loaded: SavedState | None = None
        self._metrics = monitor.metrics.storage()
        self._metrics.watch_restored(lambda: monitor.restored)

    async def load(self) -> None:
        """Read the state that was saved last, if there is one that can be read; nothing is changed by that."""
        try:
            self._loaded = await self._thread.run(self._load, _LOAD_SECONDS)
        except StuckError:
            self._refused(_STUCK)
            return
        except (OSError, ValueError) as error:
            self._refused(str(error))
            return
        except Exception:
            log.exception("internal error in a saved state")
            self._monitor.metrics.internal_error()

    async def begin(self) -> None:
        """Have the monitor begin with what was read: from now on it counts, so the process has to end by itself."""
        saved, self._loaded = self._loaded, None
        try:
            if self._file.is_held:
                await self._thread.run(self._file.begin, _LOAD_SECONDS)
            elif saved is not None:
                saved = replace(saved, is_last_word=False)
        except (OSError, StuckError):
            # It would be taken for the last word again, whatever is counted meanwhile.
            saved = None if saved is None else replace(saved, is_last_word=False)
        if saved is not None:
            self._tell(saved)
            self._monitor.restore(saved)

    async def keep(self) -> None:
        """Save the state now and then, without end."""
        pause = SAVE_SECONDS
        while True:
            await asyncio.sleep(pause)
            seconds = await self.save()
            pause = max(SAVE_SECONDS, seconds * _LEAST_SHARE)

    async def save(self) -> float:
        """Save the state now; returns the seconds of the processor that it took."""
        return await self._save(is_end=False)

    async def close(self) -> None:
        """Save the state at the end, when nothing is counted any more."""
        self._is_ending = True
        if self._file.is_held:
            try:
                # A save under way gives up at its next step, unless the file system does not let it.
                async with asyncio.timeout(_END_SECONDS):
                    await self._save(is_end=True)
            except TimeoutError:
                self._failed(_STUCK)
            self._file.release()

    async def _save(self, *, is_end: bool) -> float:
        seconds = 0.0
        async with self._saving:
            if self._is_ending and not is_end:
                return seconds  # the last word has been said, or is about to be
            snapshot = self._monitor.snapshot()

            def save() -> int:
                nonlocal seconds
                began = time.thread_time()
                self._file.hold()
                text = lines(snapshot)
                size = self._file.save(text if is_end else self._resting(text), is_end=is_end)
                seconds = time.thread_time() - began
                return size

            try:
                self._metrics.saved(await self._thread.run(save, _SAVE_LIMIT_SECONDS))
                self._problem = ""
            except _Abandoned:
                pass
            except StuckError:
                self._failed(_STUCK)
            except OSError as error:
                self._failed(str(error))
            except Exception:
                log.exception("internal error in a saved state")
                self._monitor.metrics.internal_error()
                self._metrics.failed()
        return seconds

    def _resting(self, text: Iterable[str]) -> Iterator[str]:
        for step in text:
            if self._is_ending:
                raise _Abandoned
            yield step
            time.sleep(_REST_SECONDS)

    def _load(self) -> SavedState | None:
        active = self._monitor.active
        fingerprints: dict[int, str] = {}
        expected: dict[TargetKey, Expected] = {}
        for target in (*active.targets, *active.config.egress.references):
            number = id(target.settings)
            if number not in fingerprints:
                fingerprints[number] = fingerprint(target.settings, active.config.defaults)
            expected[target.key] = Expected(target, fingerprints[number])
        problem = self._hold()
        with self._file.opened(len(expected)) as found:
            if found is None:
                if problem is not None:
                    raise problem
                return None
            text, is_end = found
            return read_state(text, expected, Clock(time.time(), steady_clock.now()), is_last_word=is_end)

    def _hold(self) -> OSError | None:
        """Take the files; the problem with a folder that can perhaps be read. Raises HeldError."""
        try:
            self._file.hold()
        except HeldError:
            raise
        except OSError as error:
            return error
        return None

    def _tell(self, saved: SavedState) -> None:
        fields: dict[str, object] = {
            "targets": len(saved.targets),
            "seconds_old": round(max(0.0, time.time() - saved.written)),
            "counters": "kept" if saved.is_last_word else self._lost_counters,
        }
        if saved.other_settings:
            fields["probed_otherwise"] = saved.other_settings
        log.info("state restored", extra={"fields": fields})
        if saved.unsound:
            log.warning("state restored in part", extra={"fields": {"unsound": saved.unsound}})

    @property
    def _lost_counters(self) -> str:
        cause = "the exporter did not come to its end" if self._file.is_held else "the folder cannot be written"
        return f"begin at 0, for {cause}"

    def _refused(self, problem: str) -> None:
        log.error("state not restored", extra={"fields": {"file": self._file.path, "problem": problem}})
        self._metrics.failed()

    def _failed(self, problem: str) -> None:
        self._metrics.failed()
        if problem != self._problem:
            log.error("state not saved", extra={"fields": {"file": self._file.path, "problem": problem}})
        self._problem = problem
