"""The conversation with an address: the sessions with one dialogue that one host, or several of one address, share.

It has the place in the schedule, the interval and the timeout that its sharers ask for, and the facts of its last
session. exporter.probe.hosts counts its hosts, exporter.probe.host_turn has its sessions.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from exporter.probe.demands import (
    NO_DEMANDS,
    Demand,
    Demands,
    counted,
    is_scheduled,
    longest_timeout,
    shortest_interval,
)
from exporter.probe.dialogue import HostDialogue
from exporter.probe.expectation import FamiliarWords
from exporter.probe.session_record import SessionRecord
from exporter.schedule.scheduled import Scheduled, TurnEnds, TurnSteps

if TYPE_CHECKING:
    from exporter.probe.hosts import Host

# Timers and loops are a little early or late: a session of almost an interval ago is that of the last turn.
FRESH_SHARE: Final = 0.95


class ConversationKey(NamedTuple):
    """The identity of a conversation."""

    address: str
    dialogue: HostDialogue
    name: str  # the only MX name that it is for, where that needs sessions of its own; empty: all of the address


def _tell_nothing(conversation: Conversation, error: Exception) -> None:
    """Leave the results of the hosts as they are."""


def _by_task(conversation: Conversation, ends: TurnEnds) -> TurnSteps | None:
    """Begin nothing: each turn is run."""
    return None


class Conversation(Scheduled):
    """The sessions with one address."""

    # Its start counts when a session has its permit, and is reported by exporter.probe.host_turn.
    reports_start: ClassVar[bool] = False
    needs_slot: ClassVar[bool] = True
    # See Scheduled: the shortest that is asked for. A field: it is read at each turn.
    interval: float

    __slots__ = (
        "_begin",
        "_end",
        "_failed",
        "_run",
        "address",
        "began",
        "canary_at",
        "demands",
        "dialogue",
        "familiar",
        "granted",
        "hosts",
        "in_session",
        "interval",
        "is_gone",
        "is_scheduled",
        "key",
        "record",
        "takes_in",
        "timed_out",
        "timeout",
    )

    def __init__(
        self,
        key: ConversationKey,
        run: Callable[[Conversation], Coroutine[Any, Any, None]],
        failed: Callable[[Conversation, Exception], None] = _tell_nothing,
        begin: Callable[[Conversation, TurnEnds], TurnSteps | None] = _by_task,
    ) -> None:
        """`run` has the sessions of one turn, `begin` the session of one by callbacks, where that may be enough.

        `failed` gets the bug of the exporter that ended a turn.
        """
        super().__init__()
        self.key: Final = key
        self.address: Final = key.address
        self.dialogue: Final = key.dialogue
        self._run = run
        self._failed = failed
        self._begin = begin
        self.hosts: dict[str, Host] = {}  # by MX name; the first leads: its name is sent as SNI
        self.demands: Demands = NO_DEMANDS  # those on all hosts together
        self.is_scheduled = False  # a configured target asks for it; else it runs only when a client does
        self.interval = math.inf
        self.timeout = 0.0  # the longest that is asked for
        self.began = -math.inf  # of the newest session that has ended, by the loop's clock
        self.granted = 0.0  # its timeout
        # The last session began in which a message whose arrival is looked for was accepted. Not the acceptance: where
        # that takes its time, the next turn of the schedule would come too soon after it.
        self.canary_at = -math.inf
        self.timed_out = False  # it may have ended by its timeout, so a longer one may show more
        self.record: SessionRecord | None = None  # of the newest session, kept while other names may share it
        self.familiar: FamiliarWords | None = None  # from the first session whose words may come again
        self.takes_in = False  # a host that comes now has its result from the session under way
        self.in_session = False  # the turn under way waits for no permit any more
        self.is_gone = False  # the last host has been let go
        self._end: asyncio.Future[None] | None = None  # of the next session, if anybody waits for it

    @property
    def phase_key(self) -> str:
        """See :class:`Scheduled`."""
        address, dialogue, name = self.key
        return f"{address} {dialogue.port} {dialogue.label} {dialogue.owner} {name}"

    @property
    def under_way(self) -> bool:
        """A turn is under way: :meth:`ended` waits for its end."""
        return self.course is not None

    def demand(self, demand: Demand, times: int) -> None:
        """Take in a demand `times` more, or less if that is negative."""
        kinds = len(self.demands)
        self.demands = counted(self.demands, demand, times)
        if len(self.demands) != kinds:  # else the same ones, each asked for by more or fewer
            self.is_scheduled = is_scheduled(self.demands)
            self.interval = shortest_interval(self.demands)
            self.timeout = longest_timeout(self.demands)

    def answers(self, age: float, timeout: float, now: float) -> bool:
        """The newest session began within the last `age` seconds, and `timeout` would have shown no more."""
        return now - self.began < age and not self.is_too_short(timeout)

    def is_too_short(self, timeout: float) -> bool:
        """The newest session may have ended by its timeout, and `timeout` is longer."""
        return self.timed_out and self.granted < timeout

    def shows_all(self, now: float) -> bool:
        """See :class:`Scheduled`: a session without the message says nothing of its arrival."""
        mailbox = self.dialogue.module.mailbox
        return mailbox is None or now - self.canary_at >= mailbox.interval * FRESH_SHARE

    def begin(self, ends: TurnEnds) -> TurnSteps | None:
        """See :class:`Scheduled`."""
        return self._begin(self, ends)

    def run(self) -> Coroutine[Any, Any, None]:
        """See :class:`Scheduled`."""
        return self.through(self._run(self))

    async def through(self, turn: Awaitable[None]) -> None:
        """Await a turn, or the rest of one, and have it over."""
        try:
            await turn
        finally:
            self.leave_session()
            self.wake()

    def leave_session(self) -> None:
        """The turn under way has no session any more: no host that comes has its result from it."""
        self.takes_in = self.in_session = False

    def failed(self, error: Exception) -> None:
        """See :class:`Scheduled`."""
        self._failed(self, error)
        self.wake()

    def ended(self) -> asyncio.Future[None]:
        """The end of the turn that is under way, or of the next one, or of the conversation. Shared: wait shielded."""
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
            if self.is_gone:
                self._end.set_result(None)
        return self._end

    def wake(self) -> None:
        """Wake all that wait for the end of a turn."""
        end, self._end = self._end, None
        if end is not None and not end.done():
            end.set_result(None)

    def end(self) -> None:
        """The last host has been let go: nobody waits for a turn any more."""
        self.is_gone = True
        self.wake()
