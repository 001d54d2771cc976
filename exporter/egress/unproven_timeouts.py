"""Timeouts that wait for the answer of another host: only then is it known that the egress was open meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.diagnose import EGRESS_CLASSES
from exporter.egress.clocks import Clocks
from exporter.egress.states import JudgedStates
from exporter.model.evidence import ConnectOutcome
from exporter.model.result import HostIdentity, HostResult

# Any client may name hosts to `/probe`, so of more the first no longer wait: they are judged anew after their next
# session.
_MAX_WAITING: Final = 10_000
# Results judged again in one go, some milliseconds' work: thousands may have waited for one answer.
_AT_ONCE: Final = 50


class UnprovenTimeouts:
    """Hosts whose session timed out after the last answer of a host that is unrelated to them."""

    def __init__(
        self, states: JudgedStates, clocks: Clocks, on_proven: Callable[[frozenset[HostIdentity]], None]
    ) -> None:
        """`on_proven` gets the hosts whose timeouts another host's answer has followed."""
        self._states = states
        self._clocks = clocks
        self._on_proven = on_proven
        self._loop = asyncio.get_running_loop()
        # The begin of the session, in Unix time.
        self._waiting: BoundedDict[HostIdentity, float] = BoundedDict(_MAX_WAITING)
        self._is_due = False

    def drop(self, identity: HostIdentity) -> None:
        """The newest result of a host is no such timeout."""
        self._waiting.pop(identity)

    def see(self, host: HostResult, is_outside: Callable[[str], bool]) -> None:
        """Take in the newest result of a host, judged; one that is not outside does not wait."""
        if self._waits(host, is_outside):
            self._waiting[host.identity] = host.timings.at
        else:
            self.drop(host.identity)

    def _waits(self, host: HostResult, is_outside: Callable[[str], bool]) -> bool:
        if host.evidence is None or outcome_of_session(host.evidence) is not ConnectOutcome.NO_ANSWER:
            return False
        if not is_outside(host.address):
            return False
        if host.failure is not None and host.failure.failure_class in EGRESS_CLASSES:
            return False  # judged again, with all others, when the egress opens
        return self._states.success_by_others(host, self._clocks.now()) < host.timings.at

    def host_answered(self) -> None:
        """A host has answered: the timeouts before can be judged again, some at a time."""
        if self._waiting and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._prove_some)

    def _prove_some(self) -> None:
        self._is_due = False
        now = self._clocks.now()
        proven: set[HostIdentity] = set()
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            identity, at = self._waiting.pop_oldest()
            if self._states.success_since(identity.address, identity.mx, at, now) >= at:
                proven.add(identity)
            else:
                self._waiting[identity] = at  # to the end of the line
        if proven:
            self._on_proven(frozenset(proven))
        if len(proven) == _AT_ONCE:
            self.host_answered()
