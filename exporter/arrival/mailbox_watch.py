"""The watch over one mailbox: while canaries are awaited, it is looked into, and what became of them is told.

One session serves all that are awaited, from the first message that is sent to the last outcome, and ends with LOGOUT.
To log in may take as long as the delivery, so it is done while a message is under way, and the first look follows the
acceptance at once. Looks follow one another ever more slowly, by an eighth of the time that the youngest has been
awaited, so that the seconds to arrival are right to about an eighth. A message counts as not arrived only after a whole
look that began after its time, and is looked for further: it may be late.

A mailbox that refuses us is left alone for longer each time, from one message to the next: servers lock out who tries a
wrong password again and again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from exporter.arrival.awaited_message import AwaitedMessage, News
from exporter.arrival.bounded_imap import MailboxError
from exporter.arrival.mailbox_session import STEP_SECONDS, MailboxSession
from exporter.concurrency.worker_thread import StuckError, WorkerThread
from exporter.model.arrival import Found, MailboxProblem
from exporter.model.printable import quoted
from exporter.model.target import CanaryMailbox

log = logging.getLogger(__name__)

# Messages that are awaited in one mailbox; of more the oldest is forgotten, the late ones first.
MAX_AWAITED: Final = 256
# Between two looks, and for as long as a session stays open without one.
_FIRST_PAUSE: Final = 0.5
_IDLE_SECONDS: Final = 60.0
# Between two attempts after failures: the first pause, doubled each time, up to the longest.
_PAUSES: Final = {MailboxProblem.UNREACHABLE: (0.5, 30.0), MailboxProblem.LOGIN: (60.0, 3600.0)}
_OTHER_PAUSES: Final = (0.5, 300.0)
# A stuck step is given up a little after its own limits should have ended it.
_GRACE_SECONDS: Final = 5.0
# A step under way at the end of the process may end by itself, and the session with LOGOUT.
_CLOSE_SECONDS: Final = 3.0

_T = TypeVar("_T")


class OpenMailbox(Protocol):
    """A session as :class:`exporter.arrival.mailbox_session.MailboxSession` has it."""

    @property
    def knows_junk(self) -> bool:
        """See there."""

    def look(self, awaited: tuple[str, ...]) -> tuple[Found, ...]:
        """See there."""

    def remove_old(self) -> int:
        """See there."""

    def close(self) -> None:
        """See there."""


class MailboxWatch:
    """Looks into one mailbox. One event loop's."""

    def __init__(
        self,
        mailbox: CanaryMailbox,
        open_mailbox: Callable[[CanaryMailbox], OpenMailbox] = MailboxSession,
        *,
        on_internal_error: Callable[[], None],
        first_pause: float = _FIRST_PAUSE,
    ) -> None:
        self._on_internal_error = on_internal_error
        self._mailbox = mailbox
        self._open_mailbox = open_mailbox
        self._first_pause = first_pause
        self._worker = WorkerThread("mailbox")
        self._awaited: dict[str, AwaitedMessage] = {}
        self._under_way: dict[str, float] = {}  # messages that are sent, and the end of their sessions at the latest
        self._session: OpenMailbox | None = None
        self._task: asyncio.Task[None] | None = None
        self._problem: MailboxProblem | None = None
        self._failures = 0  # in a row
        self._not_before = -math.inf  # the next attempt after a failure, by the monotonic clock
        self._is_closed = False
        self._wake = asyncio.Event()  # something is awaited since, or the end has come

    def get_ready(self, message_id: str, seconds: float) -> None:
        """Log in: a message is sent, and accepted within so many seconds if at all."""
        now = time.monotonic()
        self._under_way = {each: ends for each, ends in self._under_way.items() if ends > now}
        if len(self._under_way) < MAX_AWAITED:
            self._under_way[message_id] = now + seconds
            self._begin()

    def expect(self, message_id: str, accepted_at: float, tell: Callable[[News], bool]) -> None:
        """Look for a message from now on. `tell` is called with what is found out, and False if nobody cares."""
        awaited = self._awaited
        while len(awaited) >= MAX_AWAITED:
            del awaited[next((each for each, known in awaited.items() if known.is_late), next(iter(awaited)))]
        awaited[message_id] = AwaitedMessage(accepted_at, tell, self._mailbox.within)
        self._under_way.pop(message_id, None)
        if self._problem is not None:  # the next attempt may be an hour away
            self._tell(message_id, awaited[message_id], News(problem=self._problem))
        self._begin()

    async def close(self) -> None:
        """Look no more, and log out; a step under way is not waited for longer than a moment."""
        self._awaited.clear()
        self._under_way.clear()
        self._is_closed = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_CLOSE_SECONDS)
            self._task.cancel()

    def _begin(self) -> None:
        self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    @property
    def _name(self) -> dict[str, object]:
        return {"mailbox": quoted(self._mailbox.host)}

    def _is_needed(self) -> bool:
        return bool(self._awaited) or self._ready_seconds() > 0.0

    def _ready_seconds(self) -> float:
        """Seconds in which a message that is under way may still be accepted."""
        return max(self._under_way.values(), default=0.0) - time.monotonic()

    async def _watch(self) -> None:
        while self._is_needed():
            while self._is_needed():
                await self._sleep()
                if self._is_needed():
                    await self._look_safely()
                if self._pause() > _IDLE_SECONDS and self._ready_seconds() <= 0.0:
                    await self._clean()
                    await self._end_session()
            await self._clean()
            if not self._is_needed():  # meanwhile another may have come
                await self._end_session()

    async def _sleep(self) -> None:
        """Wait for the next look. A message that comes meanwhile has it at once, unless the mailbox fails."""
        ends = time.monotonic() + self._pause()
        while self._is_needed() and (left := ends - time.monotonic()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._wake.wait()
            if not self._failures:
                ends = min(ends, time.monotonic() + self._pause())

    async def _look_safely(self) -> None:
        try:
            await self._look_once()
        except Exception as error:
            self._bug(error)
            self._pause_after(_OTHER_PAUSES)
        self._give_up()

    async def _look_once(self) -> None:
        """Look for what is awaited, in a session that is opened where there is none."""
        try:
            session = self._session
            if session is None:
                session = self._session = await self._run(lambda: self._open_mailbox(self._mailbox))
            began = time.monotonic()
            due = self._due()
            found = await self._run(lambda: session.look(due)) if due else ()
        except MailboxError as error:
            await self._failed(error.problem, str(error))
        except StuckError:
            await self._failed(MailboxProblem.UNREACHABLE, "no answer in time")
        else:
            self._works()
            self._settle(began, due, found, session)

    def _due(self) -> tuple[str, ...]:
        """The messages of this look; the late ones are looked for together, when the time of one of them has come."""
        has_late = any(each.is_late and not each.pause(self._first_pause) for each in self._awaited.values())
        return tuple(key for key, each in self._awaited.items() if has_late or not each.is_late)

    async def _run(self, step: Callable[[], _T]) -> _T:
        return await self._worker.run(step, STEP_SECONDS + _GRACE_SECONDS)

    async def _clean(self) -> None:
        """Remove old messages of ours, when nothing is awaited any more."""
        session = self._session
        if session is None or self._is_closed:
            return
        try:
            await self._run(session.remove_old)
        except (MailboxError, StuckError):
            log.info("old canaries could not be removed", extra={"fields": self._name})
        except Exception as error:
            self._bug(error)

    def _settle(
        self, began: float, looked_for: tuple[str, ...], found: tuple[Found, ...], session: OpenMailbox
    ) -> None:
        """Tell what a whole look for these messages has shown; it began at `began`."""
        now = time.monotonic()
        for message in found:
            awaited = self._awaited.pop(message.message_id, None)
            if awaited is not None:
                self._tell(message.message_id, awaited, News(message, awaited.seconds(now), awaited.is_late))
        for message_id in looked_for:
            awaited = self._awaited.get(message_id)
            if awaited is None:
                continue
            awaited.looked_at = began
            if not awaited.is_late and awaited.is_over(began):
                awaited.is_late = True
                self._tell(message_id, awaited, News(missing=awaited.missing(knows_junk=session.knows_junk)))

    def _works(self) -> None:
        if self._problem is not None:
            log.info("the mailbox of canaries answers again", extra={"fields": self._name})
        self._problem, self._failures, self._not_before = None, 0, -math.inf
        self._tell_all(News())

    async def _failed(self, problem: MailboxProblem, detail: str) -> None:
        """Tell that nothing can be said."""
        if problem is not self._problem:
            self._failures = 0  # the first of its kind
        self._pause_after(_PAUSES.get(problem, _OTHER_PAUSES))
        await self._end_session()
        if problem is not self._problem:
            fields = {**self._name, "problem": problem, "detail": detail}
            log.warning("the mailbox of canaries cannot be looked into", extra={"fields": fields})
        self._problem = problem
        self._tell_all(News(problem=problem))

    def _pause_after(self, pauses: tuple[float, float]) -> None:
        """A look has failed: wait for at least twice as long as the last time."""
        first, longest = pauses
        self._failures += 1
        share = self._first_pause / _FIRST_PAUSE
        self._not_before = time.monotonic() + min(longest, first * share * 2.0 ** min(self._failures, 20))

    def _tell_all(self, news: News) -> None:
        for message_id, awaited in [*self._awaited.items()]:
            self._tell(message_id, awaited, news)

    def _tell(self, message_id: str, awaited: AwaitedMessage, news: News) -> None:
        """A bug in what is told ends the watch for its message, not for others."""
        try:
            is_wanted = awaited.tell(news)
        except Exception as error:
            is_wanted = False
            self._bug(error)
        if not is_wanted:
            self._awaited.pop(message_id, None)

    def _bug(self, error: Exception) -> None:
        log.error("internal error in the watch over the mailbox of canaries", exc_info=error)
        self._on_internal_error()

    def _give_up(self) -> None:
        for message_id in [key for key, each in self._awaited.items() if each.is_hopeless]:
            del self._awaited[message_id]

    async def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(StuckError):
                await self._run(session.close)

    def _pause(self) -> float:
        """Seconds to the next look."""
        if self._failures:
            return max(0.0, self._not_before - time.monotonic())
        ready = self._ready_seconds()
        if self._session is None and ready > 0.0:
            return 0.0
        pauses = [each.pause(self._first_pause) for each in self._awaited.values()]
        return min(pauses + [ready] * (ready > 0.0), default=0.0)
