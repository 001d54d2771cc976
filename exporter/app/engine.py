"""The engine: targets look up their hosts, hosts are probed each once, and both are joined and judged.

A target's turn is a lookup and a join (exporter.probe.domain_turn); a host has sessions on its own schedule as long as
any target holds it (exporter.probe.hosts, exporter.probe.host_turn). The server and the one-shot commands have the same
engine. Its owner keeps the results.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from exporter.app.arrivals import Arrivals
from exporter.app.asks import Asks
from exporter.app.engine_owner import EngineOwner
from exporter.app.engine_parts import EngineParts, EngineSettings
from exporter.app.host_judgement import HostJudgement
from exporter.app.leases import Leases
from exporter.app.references import References, is_reference
from exporter.arrival.mailbox_watch import MailboxWatch
from exporter.concurrency.spread_work import SpreadWork
from exporter.egress.watch import EgressWatch
from exporter.model.egress import EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostIdentity, HostResult, Said
from exporter.model.standing import StandingView
from exporter.model.target import Target, TargetKey
from exporter.probe.conversation import Conversation, ConversationKey
from exporter.probe.domain_turn import DomainTurn
from exporter.probe.express import Unchanged
from exporter.probe.host_turns import HostTurns
from exporter.probe.hosts import Host, HostTable
from exporter.probe.session_record import SessionRecord
from exporter.resolver.client import Resolver
from exporter.schedule.scheduler import Schedule

# Targets taken in between two looks at the clock: a millisecond or two.
_STEP: Final = 200


class Engine:
    """Probes and judges, and keeps the state that all targets share. Create it in the event loop it lives in."""

    def __init__(self, settings: EngineSettings, owner: EngineOwner) -> None:
        """`owner` keeps the results."""
        self._owner = owner
        self._once, self._audience = settings.once, settings.audience
        self._parts = EngineParts(settings)
        self._turns: dict[TargetKey, DomainTurn] = {}
        self._references = References()
        bug = owner.internal_error
        self.schedule: Final = Schedule(self._parts.slots, on_start=owner.turn_started, on_internal_error=bug)
        self.watch: Final = EgressWatch(settings.watch, self)
        self.table: Final = HostTable(
            self.schedule,
            self._new_conversation,
            self._attached,
            on_gone=lambda host: self._judgement.gone(host),
            on_unconfigured=owner.host_gone,
            on_configured=lambda host: owner.host_told(host, session=False),
        )
        self._judgement = HostJudgement(
            self.watch,
            self.table.hosts,
            on_host=lambda host, is_session: owner.host_told(host, session=is_session),
            on_outdated=self.schedule.soon,
            on_internal_error=bug,
        )
        self._joins: SpreadWork[DomainTurn] = SpreadWork("joins of domains", self._join, bug)
        self._lookups: SpreadWork[DomainTurn] = SpreadWork("judgement of lookups", self._judge_lookup, bug)
        self._leases = Leases(self._begin_lease, self._end, forever=settings.once, on_internal_error=bug)
        self._asks = Asks(self, self._leases, once=settings.once)
        self._host_turns = turns = self._new_host_turns()
        self._conversation_ways = turns.run, turns.failed, turns.begin
        self._turn_tools = self._parts.turn_tools(
            self.table,
            lambda: self.watch.resolver,
            on_turn=self._turned,
            on_dirty=self._changed,
            on_settled=self._judgement.take_in_settled,
        )

    @property
    def resolver(self) -> Resolver:
        """The resolver of all lookups that begin now."""
        return self._parts.resolver

    def configure(self, settings: EngineSettings) -> None:
        """Follow other settings from now on; the memory of names, hosts and the egress stays where it can."""
        self._parts.configure(settings)
        self.watch.configure(settings.watch)
        if settings.modules is not None:
            self._arrivals.keep({module.mailbox for module in settings.modules.values() if module.mailbox is not None})

    def adopting(self, targets: Iterable[Target]) -> Iterator[None]:
        """Probe these targets, references among them, and no others from now on, in steps of a few milliseconds."""
        turns, gone = self._turns, self._turns.copy()
        for number, target in enumerate(targets, 1):
            turn = gone.pop(target.key, None)
            if turn is not None:
                self._retarget(turn, target)
            elif target.key not in turns:
                turn = turns[target.key] = DomainTurn(target, self._turn_tools)
                self.schedule.add(turn)
            if number % _STEP == 0:
                yield
        self._references.replace(turn for key, turn in turns.items() if key not in gone)
        for number, (key, turn) in enumerate(gone.items(), 1):
            del turns[key]
            self._end(turn)
            if number % _STEP == 0:
                yield

    async def ask(self, target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        """The result of a target for somebody who waits, after at most `within` seconds: see exporter.app.asks."""
        return await self._asks.ask(target, within, fresh=fresh)

    def tick(self) -> None:
        """Once a second, or before a result is judged: forget old evidence, see which nameservers answer."""
        self.watch.tick(self.resolver.answered())
        self._leases.end_expired()

    def judge_all_now(self) -> None:
        """Judge all hosts again at once by all that is known, and join their targets anew."""
        self._judgement.judge_all_now()
        self._joins.do_all_now()
        self._lookups.do_all_now()

    async def stop(self, grace: float) -> None:
        """Begin nothing more; what is under way has `grace` seconds."""
        await self.schedule.stop(grace)

    async def arrivals_settled(self) -> None:
        """Wait for the outcome of each message whose arrival is looked for."""
        await self._arrivals.settled()

    async def close(self) -> None:
        """Cancel all that is under way."""
        await self.schedule.stop(0.0)
        for work in (self._judgement, self._joins, self._lookups, self._leases):
            work.close()
        await self._host_turns.close()
        await self._arrivals.close()
        await self.watch.close()
        await self._parts.close()

    # The watch over the egress: see :class:`exporter.egress.listener.EgressListener`.

    def egress_changed(self, states: EgressByFamily) -> None:
        """Judge all hosts again."""
        self._owner.egress_changed(states)
        self._judgement.judge_all_again()

    def resolver_changed(self, view: ResolverView) -> None:
        """Join all targets again whose names failed."""
        if view.before is not None and not view.fails and not self._once:
            self.resolver.forget_failures()
        self._owner.resolver_changed(view)
        self._lookups.add(self._turns.values())

    def evidence_found(self, identities: frozenset[HostIdentity]) -> None:
        """Judge these hosts again."""
        self._judgement.evidence_found(identities)

    def standing_seen(self, view: StandingView) -> None:
        """Have the hosts judged by our own standing, those again that may refuse us for it."""
        before, self.watch.standing = self.watch.standing, view
        if view != before:
            self._judgement.judge_failing_again()

    def references_wanted(self) -> None:
        """Have a session with each reference soon."""
        self.schedule.soon(self._references.turns())
        self.schedule.soon(self._references.conversations())

    # What the parts call.

    @property
    def routes_changed_at(self) -> float:
        """The loop's time at which the egress or the resolver changed: sessions of before show nothing of now."""
        return self.watch.routes_changed_at

    def scheduled(self, target: Target) -> DomainTurn | None:
        """The turn of a target that is configured exactly so; None: it is not."""
        turn = self._turns.get(target.key)
        return turn if turn is not None and turn.target.settings == target.settings else None

    def derivations(self, turn: DomainTurn) -> Sequence[asyncio.Future[None]]:
        """The lookups for results that hosts of a target are to have from sessions of before."""
        unseen = turn.unseen()
        return self._host_turns.derivations(frozenset(unseen)) if unseen else ()

    def settle(self, turn: DomainTurn) -> None:
        """Judge the results that the hosts of a target have got, now."""
        self._judgement.bring_up_to_date([hold.host for hold in turn.holds])

    def current(self, turn: DomainTurn) -> DomainResult | None:
        """The last result of a target, with the states that its hosts have got since."""
        self.settle(turn)
        self._joins.do_now(turn)
        return turn.result

    def answer(self, turn: DomainTurn, seen: Callable[[Host], HostResult | None]) -> DomainResult | None:
        """The result of a target now; for a client that waits no longer with what `seen` gives for its hosts."""
        self.settle(turn)
        if _is_told(turn) and not turn.unseen():
            self._joins.drop(turn)
            self._join(turn)
            if not turn.is_lease:
                return turn.result
        return turn.join(self.watch.resolver, seen)

    def last_result(self, target: Target) -> DomainResult | None:
        """The result of a target that was asked for, by all that is known now."""
        return self.answer(self._leases.of(target, target.settings.timeout), lambda host: host.result)

    def _join(self, turn: DomainTurn) -> None:
        """Make the result of a target anew, if all of its hosts have been seen, and tell it."""
        turn.dirty = False
        result = None if turn.is_released else turn.join(self.watch.resolver)
        if result is None:
            return
        if turn.is_untold or result != turn.result:
            self._tell(turn, result)
        if result.failure is not None and not turn.is_lease and self.watch.is_outdated_lookup(result):
            self.schedule.soon((turn,))

    def _tell(self, turn: DomainTurn, result: DomainResult) -> None:
        turn.result, is_turn, turn.is_untold = result, turn.is_untold, False
        if is_reference(turn):
            self.watch.reference_probed(turn.target.name, up=result.up)
        if not turn.is_lease:
            self._owner.domain_told(turn.target, result, turn=is_turn)

    def _judge_lookup(self, turn: DomainTurn) -> None:
        """Join a target anew if its result depends on the state of the resolver."""
        if _has_failing_name(turn.result):
            self._join(turn)

    def _turned(self, turn: DomainTurn, asked: bool) -> None:
        """A target has looked up its hosts; `asked`: not all answers were remembered."""
        if self._once:
            self.tick()  # a nameserver that answers has shown that something gets out
        if self._audience is not None:
            self._audience.turned(turn.target, turn.lookup, [hold.host for hold in turn.holds])
        if asked:
            self.watch.observe_lookup(turn.lookup, turn.named, reference=is_reference(turn))
        self._join(turn)

    def _changed(self, turn: DomainTurn) -> None:
        """A host has another state. A lease is joined when somebody asks for it."""
        if _is_told(turn):
            self._joins.add((turn,))

    def _retarget(self, turn: DomainTurn, target: Target) -> None:
        if turn.target == target:
            return
        interval = turn.interval
        turn.retarget(target)
        if turn.interval != interval:
            self.schedule.moved(turn)

    def _begin_lease(self, target: Target, timeout: float) -> DomainTurn:
        turn = DomainTurn(target, self._turn_tools, is_lease=True, timeout=timeout)
        if self._once:
            self._references.add(turn)
        return turn

    def _end(self, turn: DomainTurn) -> None:
        """Give a target up, whatever it waits for."""
        self.schedule.drop(turn)
        self._joins.drop(turn)
        self._lookups.drop(turn)
        turn.release()

    def _new_host_turns(self) -> HostTurns:
        owner = self._owner
        bug = owner.internal_error
        self._arrivals = Arrivals(
            self._arrived, lambda mailbox: MailboxWatch(mailbox, on_internal_error=bug), owner.host_before
        )
        tools = self._parts.host_tools(self.table, owner, self._session_ended, self._lookups_of, self._arrivals)
        return HostTurns(tools)

    def _new_conversation(self, key: ConversationKey) -> Conversation:
        # Methods that are bound once: to bind them for each of 100,000 conversations takes memory.
        return Conversation(key, *self._conversation_ways)

    def _attached(self, host: Host) -> None:
        """A host has a conversation, new to it: its result comes from a session that shows it, or from one now."""
        conversation = host.conversation
        if conversation is None:
            return
        with self._lookups_of(conversation):
            is_derived = self._host_turns.derive(host)
        if not is_derived and host.conversation is not None:
            self.schedule.begin((host.conversation,))

    def _lookups_of(self, conversation: Conversation) -> AbstractContextManager[None]:
        """The context for lookups of the conversation's hosts: those of a stranger's displace no others."""
        is_ours = self._once or conversation.is_scheduled
        return nullcontext() if is_ours else self.resolver.for_unconfigured_target()

    def _session_ended(
        self,
        conversation: Conversation,
        record: SessionRecord | Unchanged | None,
        results: Mapping[Host, HostResult],
        said: Said,
    ) -> None:
        """The results of a session (or, without a record, of none) for the hosts that it shows."""
        results = self._arrivals.with_arrivals(conversation, results)
        self._judgement.take_in(
            results, reference=self._references.name_of(conversation), is_session=record is not None
        )
        if record is not None:
            leader = next(iter(results))
            self._owner.session_made(conversation, leader.result or results[leader], said)

    def _arrived(self, conversation: Conversation) -> None:
        """Something else is known of a conversation's canaries."""
        results = {host: host.result for host in conversation.hosts.values() if host.result is not None}
        if results:
            self._judgement.take_in(self._arrivals.with_arrivals(conversation, results), is_session=False)


def _is_told(turn: DomainTurn) -> bool:
    """True if each result is told: to the owner, or to the watch over the egress. Others get theirs when they ask."""
    return not turn.is_lease or is_reference(turn)


def _has_failing_name(result: DomainResult | None) -> bool:
    """True if the judgement of a result depends on the resolver: its lookup failed, or that of a host's name."""
    if result is None:
        return False
    return any(host.failure is not None and not host.address for host in result.hosts) or (
        result.lookup is not None and result.lookup.failure is not None
    )
