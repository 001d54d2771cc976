"""Whether the good domains are probed at their pace, as their own mail hosts see it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MOST_KEPT: Final = 1000


class Punctuality:
    """Times of arrival at each host, seconds of one clock; what comes more than `interval` after the last is late."""

    def __init__(self, hosts: int, interval: float) -> None:
        self._interval = interval
        self._last: list[float | None] = [None] * hosts
        self._begun = float("inf")
        self.sessions = 0
        self.worst = 0.0  # seconds
        self.late: list[tuple[float, int, float]] = []  # when, which host, by how much: those over a tenth of a second

    @property
    def all_seen(self) -> bool:
        """Whether each host was probed at least once."""
        return None not in self._last

    def begin(self, now: float) -> None:
        """Count from now on."""
        self._begun = now
        self.sessions = 0
        self.worst = 0.0
        self.late.clear()

    def note(self, arrivals: Iterable[tuple[int, float]]) -> None:
        """Sessions as they began, in the order of time at each host."""
        for host, at in arrivals:
            before, self._last[host] = self._last[host], at
            if at < self._begun:
                continue
            self.sessions += 1
            if before is not None:
                self._judge(host, at, at - before)

    def end(self, now: float) -> None:
        """What has not come by now is as late as it is."""
        for host, last in enumerate(self._last):
            self._judge(host, now, now - (self._begun if last is None else last))

    def _judge(self, host: int, at: float, gap: float) -> None:
        late = gap - self._interval
        self.worst = max(self.worst, late)
        if late > 0.1 and len(self.late) < _MOST_KEPT:
            self.late.append((at, host, late))

    def later_than(self, seconds: float) -> int:
        """How often one was later (of the first thousand)."""
        return sum(late > seconds for _, _, late in self.late)
