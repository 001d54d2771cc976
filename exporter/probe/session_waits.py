"""The waits of one session: the end of its time, and what is done while a connect or a greeting stays out.

A connect without an answer lends its place of the MX name to others, then other ports of the address are asked; so are
they before the end of the time where the host connects and says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, Protocol

from exporter.model.failure import Stage
from exporter.probe.stage_timeouts import STAGE_SECONDS, lends_name_after, no_answer_after

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_CONNECT, _BANNER = Stage.CONNECT, Stage.BANNER

# Not before the greeting: a client that speaks first is taken for a spammer (RFC 5321 4.3.1; Postfix remembers a
# PREGREET). And not after a message of which the server may have half.
_SILENT: Final = frozenset({Stage.CONNECT, Stage.BANNER, Stage.DATA, Stage.QUIT})


def may_say_goodbye(stage: Stage) -> bool:
    """A session that we break off in this stage says QUIT."""
    return stage not in _SILENT


class NamePermit(Protocol):
    """The place of a session among those with one MX name, of which few are let through from the greeting on."""

    def lend_name(self) -> None:
        """Let others go first while the connect is unanswered."""

    def regain_name(self, on_regained: Callable[[], None]) -> bool:
        """Take the place again: at once, or call `on_regained` when it is free."""


class SessionWaits:
    """Times are those of time.perf_counter()."""

    __slots__ = ("_has_lent_name", "_on_no_answer", "_permit", "_started", "_timeout", "end")

    def __init__(self, timeout: float, on_no_answer: Callable[[], None] | None, permit: NamePermit | None) -> None:
        """See :class:`exporter.probe.session.Session`."""
        self._timeout = timeout
        self._on_no_answer = on_no_answer
        self._permit = permit
        self._has_lent_name = False
        self._started = 0.0
        self.end = math.inf  # of the session, once it has begun

    def begin(self, started: float) -> float:
        """The session has begun; the next moment that matters."""
        self._started, self.end = started, started + self._timeout
        return self._connect_due()

    def keep_name(self) -> None:
        """The place of the name is not lent: it never was, or has been given back for good."""
        self._permit = None

    def has_name(self, on_regained: Callable[[], None]) -> bool:
        """See :class:`NamePermit`."""
        return self._permit is None or self._permit.regain_name(on_regained)

    def held(self, seconds: float) -> None:
        """The session was ours to hold up for so long."""
        self.end += seconds

    def due(self, stage: Stage, now: float) -> float:
        """The next moment that matters in a stage that begins now."""
        due = min(self.end, now + STAGE_SECONDS[stage])
        if stage is _BANNER and self._on_no_answer is not None:
            # Many greet after ten seconds and more: witnesses are not asked before the time is nearly over.
            due = min(due, max(now, self.end - no_answer_after(self.end - self._started)))
        return due

    def is_unanswered(self, stage: Stage, now: float) -> bool:
        """The moment that has come is not the end, but the one to let others go first or to ask others."""
        return now < self.end and (stage is _CONNECT or (stage is _BANNER and self._on_no_answer is not None))

    def unanswered(self, stage: Stage) -> float:
        """The connect has drawn nothing so far, or no word after it: the next moment after what is done about it."""
        if stage is _CONNECT and self._permit is not None and not self._has_lent_name:
            self._has_lent_name = True
            self._permit.lend_name()
            return self._connect_due()
        report, self._on_no_answer = self._on_no_answer, None
        if report is not None:
            report()
        return self.end

    def _connect_due(self) -> float:
        """The next moment at which an unanswered connect matters to others, else its end."""
        if self._permit is not None and not self._has_lent_name:
            return self._started + lends_name_after(self._timeout)
        return self.end if self._on_no_answer is None else self._started + no_answer_after(self._timeout)
