"""Traces of the paths to addresses that do not answer, or refuse: few at once, each address seldom, and remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.concurrency.shared_tasks import SharedTasks
from exporter.model.path_trace import PathTrace
from exporter.model.result import HostIdentity
from exporter.probe.traceroute import trace

log = logging.getLogger(__name__)

# A trace sends a dozen SYNs to each of two ports, half of which reach the host.
AT_ONCE: Final = 4
# The path to an address changes seldom, and a filter on it is seen by other signs sooner.
KEPT_SECONDS: Final = 600.0
# Requests beyond it are forgotten: a host that times out again has its path requested again.
MAX_WAITING: Final = 256
# Of 5 KB each; in the time for which one counts no more than 500 are traced.
_MAX_KEPT: Final = 2000

Key = tuple[str, int]  # address, port


class PathTraces:
    """Traces on request."""

    def __init__(self, on_found: Callable[[str, PathTrace, frozenset[HostIdentity]], None]) -> None:
        """`on_found` gets each new trace with the hosts that it was requested for."""
        self._on_found = on_found
        self._loop = asyncio.get_running_loop()
        self._kept: BoundedDict[Key, tuple[float, PathTrace]] = BoundedDict(_MAX_KEPT)
        self._requesters: dict[Key, set[HostIdentity]] = {}
        self._under_way: SharedTasks[Key, PathTrace] = SharedTasks(self._done)
        self._permits = asyncio.Semaphore(AT_ONCE)

    def known(self, address: str, port: int) -> PathTrace | None:
        """The path as it was found last."""
        kept = self._kept.get((address, port))
        return kept[1] if kept is not None else None

    def request(self, address: str, port: int, against: int | None, source: str, requester: HostIdentity) -> None:
        """Trace a path as soon as few enough are traced, unless it was traced lately."""
        key = (address, port)
        if self._is_fresh(key):
            return
        if self._under_way.get(key) is None:
            if len(self._under_way) >= MAX_WAITING:
                return
            self._begin(key, against, source)
        self._requesters.setdefault(key, set()).add(requester)

    async def find(self, address: str, port: int, against: int | None, source: str = "") -> PathTrace:
        """The path, traced lately or now."""
        key = (address, port)
        if self._is_fresh(key):
            return self._kept[key][1]
        return await asyncio.shield(self._under_way.get(key) or self._begin(key, against, source))

    def forget(self, address: str, port: int) -> None:
        """Forget the path of an address that answers now."""
        self._kept.pop((address, port))

    def forget_all(self) -> None:
        """Forget every path: something common to all has changed."""
        self._kept.clear()

    async def close(self) -> None:
        """Trace no more."""
        await self._under_way.close()

    def _is_fresh(self, key: Key) -> bool:
        kept = self._kept.get(key)
        return kept is not None and kept[0] > self._loop.time()

    def _begin(self, key: Key, against: int | None, source: str) -> asyncio.Task[PathTrace]:
        return self._under_way.start(key, self._trace(key, against, source))

    async def _trace(self, key: Key, against: int | None, source: str) -> PathTrace:
        async with self._permits:
            return await trace(*key, against=against, source=source)

    def _done(self, key: Key, task: asyncio.Task[PathTrace]) -> None:
        requesters = frozenset(self._requesters.pop(key, ()))
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            fields = {"address": key[0], "port": key[1]}
            log.error("internal error in a trace", exc_info=error, extra={"fields": fields})
            return
        path = task.result()
        self._kept[key] = (self._loop.time() + KEPT_SECONDS, path)
        self._on_found(key[0], path, requesters)
