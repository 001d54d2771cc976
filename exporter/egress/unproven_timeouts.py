"""Timeouts that wait for the answer of another host: only then is it known that the egress was open meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.diagnose import EGRESS_CLASSES
from exporter.egress.clocks import Clocks
from exporter.egress.states import JudgedStates
from exporter.model.evidence import ConnectOutcome
from exporter.model.result import HostResult
from exporter.model.target import TargetKey

# Any client may name a target to `/probe`, so of more the first no longer wait: they are judged anew when they are
# probed again.
_MAX_WAITING: Final = 10_000
# Results judged again in one go, some milliseconds' work: thousands may have waited for one answer.
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class _Timeout:
    """A session that timed out, begun at `at` (Unix time)."""

    at: float
    address: str
    mx: str


class UnprovenTimeouts:
    """Targets with a session that timed out after the last answer of a host that is unrelated to it."""

    def __init__(self, states: JudgedStates, clocks: Clocks, on_proven: Callable[[frozenset[TargetKey]], None]) -> None:
        """`on_proven` gets the targets whose timeouts another host's answer has followed."""
        self._states = states
        self._clocks = clocks
        self._on_proven = on_proven
        self._loop = asyncio.get_running_loop()
        self._waiting: BoundedDict[TargetKey, _Timeout] = BoundedDict(_MAX_WAITING)
        self._is_due = False

    def drop(self, key: TargetKey) -> None:
        """The newest result of a target has no such timeout."""
        self._waiting.pop(key)

    def see(self, key: TargetKey, hosts: Iterable[HostResult], is_outside: Callable[[str], bool]) -> None:
        """Take in the hosts of the newest result of a target, judged; hosts that are not outside do not wait."""
        now = self._clocks.now()
        for host in hosts:
            if host.evidence is None or outcome_of_session(host.evidence) is not ConnectOutcome.NO_ANSWER:
                continue
            if not is_outside(host.address):
                continue
            if host.failure is not None and host.failure.failure_class in EGRESS_CLASSES:
                continue  # judged again, with all others, when the egress opens
            if self._states.success_by_others(host, now) < host.timings.at:
                self._waiting[key] = _Timeout(host.timings.at, host.address, host.mx)
                return
        self.drop(key)

    def host_answered(self) -> None:
        """A host has answered: the timeouts before can be judged again, some at a time."""
        if self._waiting and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._prove_some)

    def _prove_some(self) -> None:
        self._is_due = False
        now = self._clocks.now()
        proven: set[TargetKey] = set()
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            key, timeout = self._waiting.pop_oldest()
            if self._states.success_since(timeout.address, timeout.mx, timeout.at, now) >= timeout.at:
                proven.add(key)
            else:
                self._waiting[key] = timeout  # to the end of the line
        if proven:
            self._on_proven(frozenset(proven))
        if len(proven) == _AT_ONCE:
            self.host_answered()
