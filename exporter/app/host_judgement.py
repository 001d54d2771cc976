"""The judgement of hosts: each new result by all that is known of the egress, and the last one whenever more is known.

A session is evidence once, and gives each of its hosts a result. Sharers are told of a first result and of one of
another state; whoever keeps results gets each that is new. Judging takes the event loop no longer than some
milliseconds at a time, however many hosts an address has and however many all are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Final, NamedTuple

from exporter.concurrency.spread_work import SpreadWork
from exporter.egress.watch import EgressWatch
from exporter.model.result import HostIdentity, HostResult
from exporter.probe.conversation import Conversation
from exporter.probe.hosts import Host, HostKey, Sharer
from exporter.probe.sharers import Sharing

# Hosts of one session that are told at once: nearly all sessions have fewer.
_AT_ONCE: Final = 50
# Sharers that are told in one go, a millisecond of it: nearly all hosts have fewer. Those of a provider are 100,000.
_TOLD_AT_ONCE: Final = 1000


class _NewResult(NamedTuple):
    """A result that is not judged yet."""

    result: HostResult
    is_session: bool  # of the session that has just ended


class _News(NamedTuple):
    """Some of the sharers of a host, and what they are to hear."""

    host: Host
    sharers: tuple[Sharer, ...]
    first: bool
    state: bool


class HostJudgement:
    """Gives the hosts of a table their results, judged. One event loop's."""

    def __init__(
        self,
        watch: EgressWatch,
        hosts: Mapping[HostKey, Host],
        *,
        on_host: Callable[[Host, bool], None],
        on_outdated: Callable[[Iterable[Conversation]], None],
        on_internal_error: Callable[[], None],
    ) -> None:
        """`hosts`: those of the table. `on_host`: a host has another result; True: of a session that has just ended.

        `on_outdated` gets a conversation whose last session began before the egress opened: it needs another one soon.
        """
        self._watch = watch
        self._hosts = hosts
        self._on_host = on_host
        self._on_outdated = on_outdated
        self._new: dict[Host, _NewResult] = {}  # those that wait for their judgement
        # Of hosts without sessions, what their sharers want together, as it was told last.
        self._settled: dict[Host, Sharing] = {}
        self._failing: dict[HostIdentity, Host] = {}  # as judged: of the others no evidence is looked for
        self._work = SpreadWork("judgement of hosts", self._judge, on_internal_error)
        self._news = SpreadWork("news of hosts", _tell, on_internal_error)

    def take_in(self, results: Mapping[Host, HostResult], *, reference: str = "", is_session: bool = True) -> None:
        """Take in the results of a session, first of all that of the host that it was with.

        `reference`: the one that the session was with, where it was with one; `is_session` False: there was none, the
        results were known before or say why.
        """
        if is_session:
            self._watch.observe(next(iter(results.values())), reference)
        if _AT_ONCE >= len(results) == 1:  # nearly all
            ((host, result),) = results.items()
            if self._new:
                self._new.pop(host, None)
            self._give(host, result, is_new=True, is_session=is_session)
            return
        if len(results) > _AT_ONCE:
            later = dict(islice(results.items(), _AT_ONCE, None))
            self._new.update({host: _NewResult(result, is_session) for host, result in later.items()})
            self._work.add(later)
        for host, result in islice(results.items(), _AT_ONCE):
            self._new.pop(host, None)
            self._give(host, result, is_new=True, is_session=is_session)

    def take_in_settled(self, host: Host, result: HostResult) -> None:
        """Take in a result that needs no session: no sharer may connect to the host, or its name has no address.

        The sharers, each of which found that out for itself, are not told.
        """
        if host.conversation is not None:
            return
        described = host.sharing
        is_same = host.result is not None and host.result.outcome == result.outcome
        if is_same and self._settled.get(host) == described:
            return
        self._settled[host] = described
        host.result = result
        self._on_host(host, False)

    def evidence_found(self, identities: Iterable[HostIdentity]) -> None:
        """Judge these hosts again soon: see :class:`exporter.egress.listener.EgressListener`."""
        self._work.add([host for each in identities if (host := self._failing.get(each)) is not None])

    def judge_failing_again(self) -> None:
        """Judge the failing hosts again soon, for our own standing has changed."""
        self._work.add(self._failing.values())

    def judge_all_again(self) -> None:
        """Judge all hosts again soon, for the state of the egress has changed."""
        self._work.add([host for host in self._hosts.values() if host.result is not None])

    def judge_all_now(self) -> None:
        """Judge all hosts again at once, however long that takes."""
        self.judge_all_again()
        self._work.do_all_now()
        self._news.do_all_now()

    def bring_up_to_date(self, hosts: Iterable[Host]) -> None:
        """Judge those of these hosts at once that wait for their judgement, for somebody needs their results now."""
        for host in hosts:
            self._work.do_now(host)

    def gone(self, host: Host) -> None:
        """The last sharer has let a host go."""
        self._new.pop(host, None)
        self._settled.pop(host, None)
        self._work.drop(host)
        self._know(host, failing=False)

    def close(self) -> None:
        """Judge nothing any more."""
        self._work.close()
        self._news.close()

    def _judge(self, host: Host) -> None:
        """Judge the new result of a host that waits for it, or the last one again."""
        new = self._new.pop(host, None)
        if new is not None:
            self._give(host, new.result, is_new=True, is_session=new.is_session)
        elif host.result is not None:
            self._give(host, host.result, is_new=False, is_session=False)

    def _give(self, host: Host, result: HostResult, *, is_new: bool, is_session: bool) -> None:
        """Give a host its result, judged."""
        if self._hosts.get(host.key) is not host:
            return
        before = host.result
        _, address, dialogue = host.key
        judged = self._watch.judge_host(result, dialogue.source(address), request=is_new)
        if is_new or judged is not before:
            host.result = judged
            self._know(host, failing=not judged.up)
            self._on_host(host, is_session)
            self._tell_sharers(host, before, judged)
        if host.conversation is not None and self._watch.is_outdated(judged):
            self._on_outdated((host.conversation,))

    def _tell_sharers(self, host: Host, before: HostResult | None, result: HostResult) -> None:
        """Have the sharers join anew where it is the first result of the host, or one of another state."""
        # A result without a session has no time: it was settled for sharers that may not connect to the host.
        is_first = before is None or not before.timings.at
        is_other_state = False
        if before is not None and not is_first:
            if before.outcome is result.outcome and before.facts.arrival is result.facts.arrival:
                return  # as with nearly all
            is_other_state = _state(before) != _state(result)
            if not is_other_state:
                return
        sharers = (*host.sharers,)
        if len(sharers) <= _TOLD_AT_ONCE:
            _tell(_News(host, sharers, is_first, is_other_state))
            return
        starts = range(0, len(sharers), _TOLD_AT_ONCE)
        parts = [sharers[start : start + _TOLD_AT_ONCE] for start in starts]
        self._news.add([_News(host, part, is_first, is_other_state) for part in parts])

    def _know(self, host: Host, *, failing: bool) -> None:
        """Keep a host among the failing ones, or take it off."""
        if failing:
            self._failing[host.identity] = host
        elif (
            self._failing and self._failing.get(host.identity) is host
        ):  # else one of the dialogue after a change of the configuration
            del self._failing[host.identity]


def _tell(news: _News) -> None:
    for sharer in news.sharers:
        sharer.host_changed(news.host, first=news.first, state=news.state)


def _state(result: HostResult) -> tuple[object, ...]:
    """The parts of a result that decide on the results of domains; the verdict follows from class and confidence.

    The arrival of a canary is known between two turns, and told with them.
    """
    failure, arrival = result.failure, result.facts.arrival
    return (arrival,) if failure is None else (arrival, failure.stage, failure.failure_class, failure.confidence)
