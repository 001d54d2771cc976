"""The one entrance for results that somebody waits for: `/probe`, the button of a page, the command line.

A configured target that is asked for as it is configured answers with its own result, so that a client and the
schedule say the same. Any other target holds its hosts by a lease. A session that is fresh enough answers, one under
way is waited for, else one begins; a host without a result when the time is over is told as `no_turn`, in this answer
alone.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from exporter.app.leases import Leases
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import DomainResult, HostOutcome, HostResult, HostTimings, MxHost, MxLookup
from exporter.model.target import Target, TargetKind
from exporter.model.warning import HostWarning
from exporter.probe.conversation import FRESH_SHARE, Conversation
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.hosts import Host
from exporter.schedule.scheduler import Schedule

# Kept from the lookup for the sessions: a host on the same continent still answers within it.
_LEAST_TIMEOUT: Final = 0.5
# A result that is older than so many intervals says nothing of now.
_OLD_INTERVALS: Final = 2.0
# Sessions that one answer waits for: a shared one, one with the host's own name, and one to spare.
_MOST_SESSIONS: Final = 3
# Timeouts of leases are of a closed list, so that the requests of one scraper have one.
_TIMEOUT_STEP: Final = 0.5
_WAITING: Final = (
    "our own limits (per_address, one session at a time with an MX name) left no free session in the time given"
)
_NO_SLOT: Final = "our own limit (concurrency) left no free turn in the time given"
_UNDER_WAY: Final = "the session with the host did not end in the time given; the next request gets its result"
# Failures that are told without a session.
_OWN_CLASSES: Final = frozenset({FailureClass.NO_TURN, FailureClass.INTERNAL})


class AskedEngine(Protocol):
    """The engine, as far as requests need it."""

    @property
    def schedule(self) -> Schedule:
        """The schedule of turns and sessions."""

    @property
    def routes_changed_at(self) -> float:
        """The loop's time at which the egress or the resolver changed: sessions of before show nothing of now."""

    def scheduled(self, target: Target) -> DomainTurn | None:
        """The turn of a target that is configured exactly so."""

    def derivations(self, turn: DomainTurn) -> Sequence[asyncio.Future[None]]:
        """The lookups for results that hosts of a target are to have from sessions of before."""

    def settle(self, turn: DomainTurn) -> None:
        """Judge the results that the hosts of a target have got, now."""

    def current(self, turn: DomainTurn) -> DomainResult | None:
        """The last result of a target, with the states that its hosts have got since."""

    def answer(self, turn: DomainTurn, seen: Callable[[Host], HostResult | None]) -> DomainResult | None:
        """The result of a target now, with the results that `seen` gives for its hosts; None: it has no lookup."""


class Asks:
    """Answers requests for results. One event loop's."""

    def __init__(self, engine: AskedEngine, leases: Leases, *, once: bool) -> None:
        """`once`: a result is as good as new for as long as the process lasts."""
        self._engine = engine
        self._leases = leases
        self._once = once
        self._loop = asyncio.get_running_loop()

    async def ask(self, target: Target, within: float | None, *, fresh: bool) -> DomainResult:
        """The result of `target`, after at most `within` seconds.

        `fresh`: of a turn and of sessions that begin now, or are under way already.
        """
        ends = None if within is None else self._loop.time() + within
        # A reload may remove a target, or give it other settings, while somebody waits: then a lease has it.
        while (turn := self._engine.scheduled(target)) is not None:
            result = await self._asked(turn, ends, fresh=fresh)
            if result is not None:
                return result
        with self._leases.used(target, _timeout(target, self._left(ends))) as lease:
            return await self._asked(lease, ends, fresh=fresh) or _without_turn()

    async def _asked(self, turn: DomainTurn, ends: float | None, *, fresh: bool) -> DomainResult | None:
        """The result of a turn's target; None: a reload has removed it meanwhile."""
        began = self._loop.time()
        if not turn.is_lease and not fresh and self._is_of_now(turn, began):
            result = self._engine.current(turn)
            if result is not None:
                return result
        if not await self._has_turned(turn, ends):
            return self._without_lookup(turn, self._loop.time() - began)
        await self._are_derived(turn, ends)
        wanted = self._wanted(turn, fresh=fresh)
        for _ in range(_MOST_SESSIONS):
            if not wanted or not await self._have_ended(wanted, ends):
                break
            wanted = self._late(turn)
        return None if turn.is_released else self._engine.answer(turn, self._seen) or _without_turn()

    def _left(self, ends: float | None) -> float | None:
        return None if ends is None else max(0.0, ends - self._loop.time())

    @property
    def _routes_changed_at(self) -> float:
        return -math.inf if self._once else self._engine.routes_changed_at

    def _is_of_now(self, turn: DomainTurn, now: float) -> bool:
        return turn.is_recent(now) and turn.was_due >= self._routes_changed_at

    async def _has_turned(self, turn: DomainTurn, ends: float | None) -> bool:
        """Wait for a turn of the target, its lookup; False if it never had one in time."""
        turned = turn.turned()  # before it begins, for it may be done at once
        self._engine.schedule.begin((turn,))
        left = self._left(ends)
        seconds = None if left is None else left - min(_LEAST_TIMEOUT, left / 2)
        await asyncio.wait((turned,), timeout=seconds)
        return turned.done() or turn.has_looked_up

    async def _are_derived(self, turn: DomainTurn, ends: float | None) -> None:
        """Wait for the results that hosts have from sessions of before: one that these do not show is parted then."""
        waits = self._engine.derivations(turn)
        if waits:
            await asyncio.wait(waits, timeout=self._left(ends))

    def _wanted(self, turn: DomainTurn, *, fresh: bool) -> list[Conversation]:
        """The conversations with the hosts of a target that have no answer for it yet."""
        now, demand, changed = self._loop.time(), turn.demand, self._routes_changed_at
        age = math.inf if self._once else demand.interval * FRESH_SHARE
        found = {hold.host.conversation: None for hold in turn.holds}
        return [
            each
            for each in found
            if each is not None
            and (fresh or each.under_way or each.began < changed or not each.answers(age, demand.timeout, now))
        ]

    def _late(self, turn: DomainTurn) -> list[Conversation]:
        """The conversations that still have no answer, after the end of a session with each that was wanted.

        With a host without a result: that session did not show it. Those that are new, of a host that needs sessions
        of its own from now on; those before whose end the routes have changed; those with less time than is given here.
        """
        self._engine.settle(turn)
        unseen, changed, timeout = set(turn.unseen()), self._routes_changed_at, turn.demand.timeout
        found = {
            each: None
            for host, _ in turn.holds
            if (each := host.conversation) is not None
            and (host in unseen or each.began <= changed or each.is_too_short(timeout))
        }
        return [each for each in found if not each.dialogue.retired]

    async def _have_ended(self, conversations: list[Conversation], ends: float | None) -> bool:
        """Wait for the end of a session with each, begun now if none is under way; False if the time is over."""
        waits = [each.ended() for each in conversations]
        self._engine.schedule.begin(conversations)
        _, late = await asyncio.wait(waits, timeout=self._left(ends))
        return not late

    def _seen(self, host: Host) -> HostResult | None:
        """The result of a host for an answer now: its last one if that is recent, else that there was no session."""
        result, conversation = host.result, host.conversation
        if conversation is None or self._once:
            return result
        if result is not None and (_is_of_no_session(result) or self._is_recent(conversation, result)):
            return result
        detail = _UNDER_WAY if conversation.in_session else _WAITING
        failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, detail)
        return HostResult(host.identity, HostOutcome(failure, failure), timings=HostTimings(at=time.time()))

    def _is_recent(self, conversation: Conversation, result: HostResult) -> bool:
        """The session of a result ended less than two intervals ago."""
        ended = conversation.began + result.timings.took
        return self._loop.time() - ended < _OLD_INTERVALS * conversation.interval

    def _without_lookup(self, turn: DomainTurn, seconds: float) -> DomainResult | None:
        """The result of a target that has never been looked up in the time given; None: it has been removed."""
        if turn.is_released:
            return None
        return _without_answer(turn.target, seconds) if turn.course is not None else _without_turn()


def _timeout(target: Target, within: float | None) -> float:
    """Seconds for each session of a lease: what the request leaves, rounded down."""
    timeout = target.settings.timeout
    if within is None or within >= timeout + _TIMEOUT_STEP:
        return timeout
    # Of little time the lookup, which is mostly remembered, has a fifth: a scrape timeout of 1 s leaves half a second.
    left = within - min(_LEAST_TIMEOUT, within / 5)
    step = _TIMEOUT_STEP if left > 1.0 else _TIMEOUT_STEP / 5
    return max(_TIMEOUT_STEP / 5, min(timeout, math.floor(left / step) * step))


def _is_of_no_session(result: HostResult) -> bool:
    """True for a host that is left alone for its cost, or whose turn a bug ended: that stays true until a session."""
    failure_class = None if result.failure is None else result.failure.failure_class
    return failure_class in _OWN_CLASSES or HostWarning.COSTLY in result.outcome.warnings


def _without_answer(target: Target, seconds: float) -> DomainResult:
    """The result of a target whose lookup did not end in time: the resolver has more time of its own."""
    failure = Failure(Stage.DNS, FailureClass.DNS_TIMEOUT, f"the lookup did not end within {seconds:.1f} s")
    domain = target.kind is TargetKind.DOMAIN
    return DomainResult(
        at=time.time(),
        duration=seconds,
        lookup=MxLookup(target.host, failure=failure, duration=seconds) if domain else None,
        hosts=(),
        found=(),
        failure=failure,
        named=() if domain else (MxHost(target.host, 0, failure=failure),),
    )


def _without_turn() -> DomainResult:
    """The result of a target whose turn did not begin in time."""
    failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, _NO_SLOT)
    return DomainResult(time.time(), 0.0, None, (), (), failure)
