"""Probes that people ask for on the page of a target: begun at once, and shown there while they run and when they end.

Each target has one at a time, and the number of all is limited: each is a session with a remote server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from exporter.model.printable import printable
from exporter.model.target import TargetKey, TargetKind
from exporter.web.backend import NoFreeSlot, ProbeRefused

log = logging.getLogger(__name__)

MAX_PROBES: Final = 10
# A probe that has ended is told of for so long.
TOLD_SECONDS: Final = 60.0
# A quick probe is waited for, so that its result is there with the answer.
QUICK_SECONDS: Final = 0.3
# Of so many targets the last requested probe is kept.
_MAX_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class RequestedProbe:
    """The last probe of a target that somebody asked for."""

    began: float  # Unix time
    ended: float | None = None  # None: it runs
    trouble: str = ""  # the reason why there is no result

    @property
    def is_running(self) -> bool:
        """True until it ends."""
        return self.ended is None


class ProbeRequests:
    """The requested probes. Started in one event loop; :meth:`of` may be called from any thread."""

    def __init__(self, probe: Callable[[TargetKind, str], Awaitable[None]]) -> None:
        """`probe` makes one and stores its result; it raises NoFreeSlot or ProbeRefused."""
        self._probe = probe
        self._known: OrderedDict[TargetKey, RequestedProbe] = OrderedDict()
        self._running: dict[TargetKey, asyncio.Task[None]] = {}

    def of(self, kind: TargetKind, name: str) -> RequestedProbe | None:
        """The probe of a target that runs, or has ended lately."""
        found = self._known.get((kind, name))
        if found is None or (found.ended is not None and time.time() - found.ended > TOLD_SECONDS):
            return None
        return found

    def start(self, kind: TargetKind, name: str) -> bool:
        """Begin to probe a target unless a probe of it runs; False where too many run."""
        key = (kind, name)
        if key in self._running:
            return True
        if len(self._running) >= MAX_PROBES:
            return False
        self._known[key] = RequestedProbe(time.time())
        self._known.move_to_end(key)
        if len(self._known) > _MAX_KEPT:  # more than can run, so the oldest has ended
            self._known.popitem(last=False)
        self._running[key] = asyncio.get_running_loop().create_task(self._run(key))
        return True

    async def wait(self, kind: TargetKind, name: str) -> None:
        """Wait for the end of a probe, but only for a moment."""
        running = self._running.get((kind, name))
        if running is not None:
            await asyncio.wait((running,), timeout=QUICK_SECONDS)

    async def _run(self, key: TargetKey) -> None:
        trouble = "the exporter stopped it"
        try:
            await self._probe(*key)
            trouble = ""
        except (NoFreeSlot, ProbeRefused) as reason:
            trouble = printable(str(reason))
        except Exception:
            trouble = "an internal error of the exporter, see its log"
            log.exception("internal error in a probe on request")
        finally:
            del self._running[key]
            self._known[key] = replace(self._known[key], ended=time.time(), trouble=trouble)
