"""What is known around the hosts: the way out, the resolver, traced paths; and every result seen in their light.

A result goes through :meth:`EgressWatch.take_in` once, when it is new: it adds to what is known, and is judged by it.
When that turns, whoever keeps results is told and has them judged again. Nothing is probed again for that; but the
references are, when the first host that answered does not, and what was shut off, when the way has opened.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from exporter.diagnosis.connect_errors import outcome_of, outcome_of_session
from exporter.diagnosis.decision import BY_SCOPE, diagnose_all, is_intercepted
from exporter.diagnosis.egress_state import EgressJudge, EgressObservation
from exporter.diagnosis.fingerprints import Suspect, in_words
from exporter.diagnosis.resolver_state import ResolverJudge, questions
from exporter.egress.interception_check import check_interception
from exporter.egress.traces import KEPT_SECONDS, PathTraces
from exporter.model.address import Family, family_of
from exporter.model.configuration import Egress
from exporter.model.egress import SMTP_PORT, EgressByFamily, EgressState, EgressStateChange, EgressView
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import FailureClass, Stage
from exporter.model.path_trace import HopKind, PathTrace
from exporter.model.resolver import ResolverState, ResolverView
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Settings, Target, TargetKey, TargetKind
from exporter.net.special_addresses import forbidden
from exporter.smtp.plan import Plan

log = logging.getLogger(__name__)

# Without a witness port, a trace is compared with the port that is open most often.
_USUAL_PORT: Final = 443
# Who was looked at closely is looked at again after so long: a proxy may have come or gone.
_FINDING_SECONDS: Final = 600.0
# The ways whose path is worth a trace: where silence begins, and whether a reset is the host's own.
_TRACED: Final = frozenset({ConnectOutcome.SILENT, ConnectOutcome.RESET})
_ANSWERED, _OPEN = ConnectOutcome.ANSWERED, EgressState.OPEN
# The references are greeted out of turn at most so often: hosts that fall silent one after the other are no news.
_GREETING_SECONDS: Final = 5.0
# Targets whose silence waits for somebody to answer; anybody may name a target to `/probe`, so of more the first no
# longer wait, and are judged anew when they are probed again.
_MAX_OPEN: Final = 10_000
# Results judged again in one go, some milliseconds' work: thousands may have waited for one answer.
_SETTLED_AT_ONCE: Final = 50
# A clock that is steered is never so far off from one look to the next.
_CLOCK_STEP_SECONDS: Final = 0.5
# Turns are rare; one a minute for an hour is a pattern that needs no more of it.
MAX_TURNS: Final = 64


def counts_as_outside(address: str) -> bool:
    """Whether reaching `address` means getting out: a private or loopback address is reached without."""
    return forbidden(address, ()) is None


class EgressWatch:
    """Takes results in, judges them, and keeps what is known around them. One event loop's."""

    def __init__(
        self,
        settings: Egress,
        interval: float,
        helo: str,
        *,
        takes: float = 0.0,
        on_turn: Callable[[EgressByFamily], None] = lambda surroundings: None,
        on_path: Callable[[frozenset[TargetKey]], None] = lambda keys: None,
        on_resolver: Callable[[ResolverView], None] = lambda view: None,
        on_suspicion: Callable[[], None] = lambda: None,
        on_overtaken: Callable[[TargetKey], None] = lambda key: None,
        is_outside: Callable[[str], bool] = counts_as_outside,
        port: int = SMTP_PORT,
    ) -> None:
        """`interval`: seconds after which most targets are probed again; `helo`: what this host calls itself.

        `takes`: seconds that most probes take at most.

        `on_turn` is told that the way out has turned, `on_resolver` that the resolver has; `on_path` the keys of
        targets of whose hosts more is known now, a path or that others answer; `on_suspicion` that the references are
        to be greeted now; `on_overtaken` the key of a target whose probe began before the way out opened.
        """
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._helo = helo
        self._on_turn = on_turn
        self._on_path = on_path
        self._is_outside = is_outside
        self._on_resolver = on_resolver
        self._on_suspicion = on_suspicion
        self._on_overtaken = on_overtaken
        self._book = EgressJudge(interval, port, takes=takes)
        self._resolver = ResolverJudge(interval, takes=takes)
        # Results that wait for somebody else to answer: target -> begin of the session, address and MX host.
        self._open_questions: dict[TargetKey, tuple[float, str, str]] = {}
        self._settling = False
        self._greeted_at = -math.inf
        self._clock_offset = time.time() - self._loop.time()  # Unix time less the loop's
        self._paths = PathTraces(self._path_found)
        self._inquiries: dict[tuple[Family, str], asyncio.Task[None]] = {}
        self._intercepted = False  # somebody answers for everyone, or did when probes under way began
        self.references_up: dict[str, bool] = {}
        self.turns: tuple[EgressStateChange, ...] = ()  # the last MAX_TURNS, the oldest first; replaced whole

    @property
    def surroundings(self) -> EgressByFamily:
        """The way out, by family."""
        return self._book.surroundings

    @property
    def resolver(self) -> ResolverView:
        """The state of our resolver."""
        return self._resolver.view

    def configure(self, settings: Egress, interval: float, takes: float) -> None:
        """From now on by these; what was seen stays."""
        self._settings = settings
        self._book.interval = self._resolver.interval = interval
        self._book.takes = self._resolver.takes = takes
        names = {reference.name for reference in settings.references}
        self._book.keep_references(names)
        self.references_up = {name: up for name, up in self.references_up.items() if name in names}

    def take_in(self, target: Target, result: ProbeResult) -> ProbeResult:
        """A new result, as it is to be seen now."""
        reference = target.name if target.kind is TargetKind.REFERENCE else ""
        if reference:
            self.references_up.setdefault(reference, False)  # heard
        may_turn = self._see_lookup(result, reference)
        for host in result.hosts:
            may_turn |= self._see(host, reference)
        if may_turn:
            self._judge()
        if not reference and self._is_well(result):
            self._open_questions.pop(target.key, None)
            return result
        seen = self.see_again(target, result, wish=True)
        if reference:
            self.references_up[reference] = seen.up
        if self.is_overtaken(seen):
            self._on_overtaken(target.key)
        return seen

    def _is_well(self, result: ProbeResult) -> bool:
        """Whether nothing known around it could change what is to be said: as nearly every result."""
        if self._intercepted or result.failure is not None:
            return False
        for host in result.hosts:  # noqa: SIM110 - a third of the time of any()
            if host.failure is not None:
                return False
        return True

    def is_overtaken(self, result: ProbeResult) -> bool:
        """Whether it is as it was while the way out was shut, or the resolver failed: it is to be probed again."""
        return any(_was_overtaken(host, self.surroundings) for host in result.hosts) or _was_answered_since(
            result, self._resolver.view
        )

    def see_again(self, target: Target, result: ProbeResult, *, wish: bool = False) -> ProbeResult:
        """A result that was taken in before, as it is to be seen now."""
        if any(self._wants_path(host) for host in result.hosts):
            hosts = tuple(self._with_path(target, host, wish=wish) for host in result.hosts)
            result = replace(result, hosts=hosts)
        seen = diagnose_all(result, self.surroundings, self._proof_by_others, self._resolver.view)
        if not seen.up or seen.addresses_up < len(seen.hosts):
            self._remember_open(target.key, seen)
        return seen

    async def trace_all(self, target: Target, result: ProbeResult) -> None:
        """Trace now whatever a result would wish a path for."""
        paths = [self._find_path(host.address, target.settings) for host in result.hosts if self._wants_path(host)]
        await asyncio.gather(*paths)

    def tick(self, answered: Mapping[str, float]) -> None:
        """Once a second: what is too old no longer counts, and suspects are looked at.

        `answered`: when each nameserver answered last, by the loop's clock.
        """
        self._see_clock()
        now = self._loop.time()
        for nameserver, at in answered.items():
            if self._is_outside(nameserver):
                self._book.other_got_out(family_of(nameserver), at, f"the nameserver {nameserver}")
        self._book.forget_findings(now - _FINDING_SECONDS)
        for family, suspect in self._book.listen(now):
            if (family, suspect.mark) not in self._inquiries:
                self._inquiries[family, suspect.mark] = self._loop.create_task(self._inquire(family, suspect))
        self._judge()

    async def inquire(self) -> None:
        """Wait for the closer looks under way, and judge anew."""
        await asyncio.gather(*self._inquiries.values())
        self._judge()

    async def close(self) -> None:
        """End what is under way."""
        tasks = tuple(self._inquiries.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._paths.close()

    def _see(self, host: HostResult, reference: str) -> bool:
        """Take a host in; whether the way out may have turned with it."""
        evidence = host.evidence
        if evidence is None:
            return False
        way = outcome_of_session(evidence)
        if evidence.connect is None:
            self._paths.forget(host.address, evidence.port)
        self._see_clock()
        # A session that is shared for a long interval tells how it was then.
        took = (
            evidence.connect.elapsed
            if evidence.connect is not None
            else sum(seconds for _, seconds in host.timings.phases)
        )
        age = max(0.0, time.time() - host.timings.at)  # no session began in the future, whatever the clock was set to
        if age - took > self._book.window or not self._is_outside(host.address):
            return False
        now = self._loop.time()
        connected = next((seconds for stage, seconds in host.timings.phases if stage is Stage.CONNECT), 0.0)
        sighting = EgressObservation(
            host.address,
            host.mx,
            evidence,
            way,
            # What answers proves the way open at the moment when the connect was answered.
            began=now - age + (connected if way is _ANSWERED else 0.0),
            on=host.timings.at,
            seen=now,
            reference=reference,
            proof=self._resets_itself(host.address, evidence, way),
        )
        if self._book.see(sighting):
            self._suspect(now)
        if way is _ANSWERED or sighting.proof:
            self._settle()
        # One more answer through a way that is open is no news; who has fallen silent since is looked for at each tick.
        return way is not _ANSWERED or self.surroundings[family_of(host.address)].state is not _OPEN

    def _see_clock(self) -> None:
        """A clock that was set: what was begun since is no older than what it showed before, and turns go along."""
        offset = time.time() - self._loop.time()
        ahead, self._clock_offset = offset - self._clock_offset, offset
        if abs(ahead) > _CLOCK_STEP_SECONDS:
            self._book.set_clock(ahead)
            self._resolver.set_clock(ahead)
            self.turns = tuple(replace(turn, at=turn.at + ahead) for turn in self.turns)

    def _resets_itself(self, address: str, evidence: Evidence, way: ConnectOutcome) -> bool:
        """Whether a reset is known to come from the address itself: its own ICMP error, or so far as a trace went."""
        if way is not ConnectOutcome.RESET or evidence.connect is None:
            return False
        if evidence.connect.icmp is not None:
            return evidence.connect.icmp.sender == address
        path = self._paths.known(address, evidence.port)
        return path is not None and path.reached is not None

    def _see_lookup(self, result: ProbeResult, reference: str) -> bool:
        """Take in what the resolver was asked; whether its state may have turned."""
        now, may_turn = self._loop.time(), False
        self._see_clock()
        for asked in questions(result, reference=bool(reference)):
            self._resolver.see(asked, now - max(0.0, time.time() - asked.on), now)
            may_turn |= asked.failure_class is not None or self._resolver.view.state is not ResolverState.WORKING
        return may_turn

    def _references_were_heard(self) -> bool:
        return all(reference.name in self.references_up for reference in self._settings.references)

    def _suspect(self, now: float) -> None:
        """A host that answered does not: whether it is alone with it, the references know."""
        if now - self._greeted_at >= min(_GREETING_SECONDS, self._book.interval / 2):
            self._greeted_at = now
            self._on_suspicion()

    def _proof_by_others(self, host: HostResult) -> float:
        offset = time.time() - self._loop.time()
        return self._book.proof_by_others(host.address, host.mx, host.timings.at - offset) + offset

    def _remember_open(self, key: TargetKey, seen: ProbeResult) -> None:
        """What a silence means depends on whether others answer; where none has since, the next one that does tells."""
        for host in seen.hosts:
            evidence = host.evidence
            if (
                evidence is None
                or outcome_of_session(evidence) is not ConnectOutcome.SILENT
                or not self._is_outside(host.address)
            ):
                continue
            if host.failure is not None and host.failure.failure_class in BY_SCOPE:
                continue  # judged again, with all others, when the way opens
            if self._proof_by_others(host) < host.timings.at:
                self._open_questions[key] = (host.timings.at, host.address, host.mx)
                if len(self._open_questions) > _MAX_OPEN:
                    del self._open_questions[next(iter(self._open_questions))]
                return
        self._open_questions.pop(key, None)

    def _settle(self) -> None:
        """Somebody has answered: what waited for that can be judged again, some at a time."""
        if self._open_questions and not self._settling:
            self._settling = True
            self._loop.call_soon(self._settle_some)

    def _settle_some(self) -> None:
        self._settling = False
        offset = time.time() - self._loop.time()
        settled: set[TargetKey] = set()
        for _ in range(min(_SETTLED_AT_ONCE, len(self._open_questions))):
            key = next(iter(self._open_questions))
            at, address, mx = question = self._open_questions.pop(key)
            if self._book.proof_by_others(address, mx, at - offset) + offset >= at:
                settled.add(key)
            else:
                self._open_questions[key] = question  # to the end of the line
        if settled:
            self._on_path(frozenset(settled))
        if len(settled) == _SETTLED_AT_ONCE:
            self._settle()

    def _judge(self) -> None:
        now, on = self._loop.time(), time.time()
        ready = self._references_were_heard()
        if self._resolver.judge(now, on, ready=ready):
            _tell_resolver(self._resolver.view)
            self._on_resolver(self._resolver.view)
        before = self.surroundings
        turned = self._book.judge(now, on, ready=ready)
        if self._book.waits or self._resolver.waits:
            self._suspect(now)
        if not turned:
            return
        self._intercepted = any(map(is_intercepted, self.surroundings.values()))
        if any(before[family].state is not EgressState.UNKNOWN for family in turned):
            # Whatever a path showed of a filter, it was the filter of before.
            self._paths.forget_all()
        for family in turned:
            _tell(family, self.surroundings[family])
            turn = EgressStateChange(time.time(), family, self.surroundings[family])
            self.turns = (*self.turns, turn)[-MAX_TURNS:]
        self._on_turn(self.surroundings)

    def _path_found(self, address: str, path: PathTrace, wishers: frozenset[TargetKey]) -> None:
        other = path.against
        if path.reached is None and other is not None and self._is_outside(address):
            # Witness ports are not asked where the port is reset, and are silent on most mail hosts; the trace has
            # asked one all the same, and seen how far it gets.
            reached = other.reached is not None
            if reached or path.stops_on_the_way:
                what = f"port {other.port} {'of' if reached else 'towards'} {address}"
                self._book.other_got_out(family_of(address), self._loop.time(), what, lasts=KEPT_SECONDS)
                self._judge()
        if path.reached is not None and path.answered is not None and path.answered.kind is HopKind.REFUSED:
            self._see_clock()
            self._book.prove(address, self._clock_offset)
            self._settle()
            self._judge()
        self._on_path(wishers)

    def _wants_path(self, host: HostResult) -> bool:
        evidence = host.evidence
        if not self._settings.trace or evidence is None or evidence.connect is None:
            return False
        return outcome_of(evidence.connect) in _TRACED and not evidence.connect.unsent

    def _with_path(self, target: Target, host: HostResult, *, wish: bool) -> HostResult:
        if not self._wants_path(host):
            return host
        assert host.evidence is not None  # noqa: S101 - what made it want one
        port = host.evidence.port
        path = self._paths.known(host.address, port)
        if wish:
            source = _source(target.settings, host.address)
            self._paths.wish(host.address, port, self._against(port), source, target.key)
        if path is host.evidence.path:
            return host
        return replace(host, evidence=replace(host.evidence, path=path))

    def _against(self, port: int) -> int | None:
        return next((other for other in (*self._settings.witness_ports, _USUAL_PORT) if other != port), None)

    async def _find_path(self, address: str, settings: Settings) -> PathTrace:
        return await self._paths.find(address, settings.port, self._against(settings.port), _source(settings, address))

    async def _inquire(self, family: Family, suspect: Suspect) -> None:
        settings = Settings()
        references = self._settings.references
        if references:
            settings = references[0].settings
        plan = Plan((settings.helo or self._helo).encode("ascii"))

        async def find_path(address: str) -> PathTrace:
            return await self._find_path(address, settings)

        try:
            finding = await check_interception(
                suspect, plan, lambda address: _source(settings, address), find_path if self._settings.trace else None
            )
            self._book.find(family, suspect.mark, finding, self._loop.time())
        except Exception:
            log.exception("internal error while looking closer at %s", in_words(suspect.mark))
        finally:
            del self._inquiries[family, suspect.mark]


def _source(settings: Settings, address: str) -> str:
    return settings.source_ipv6 if ":" in address else settings.source_ipv4


def _tell(family: Family, view: EgressView) -> None:
    """The way out has turned: one line, whose words a person can act on."""
    closed = view.state in (EgressState.BLOCKED, EgressState.INTERCEPTED, EgressState.OFFLINE)
    fields: dict[str, object] = {"family": family, "state": view.state, "confidence": view.confidence}
    if closed:
        fields |= {"networks": view.networks, "references": view.references}
    if view.others_out:
        fields["others_out"] = view.others_out
    if view.speaker:
        fields["speaker"] = in_words(view.speaker)
    log.log(logging.WARNING if closed else logging.INFO, "the way out has turned", extra={"fields": fields})


def _tell_resolver(view: ResolverView) -> None:
    fields: dict[str, object] = {"state": view.state, "confidence": view.confidence}
    if view.fails:
        fields |= {"names": view.names, "references": view.references}
    log.log(logging.WARNING if view.fails else logging.INFO, "the resolver has turned", extra={"fields": fields})


def _was_overtaken(host: HostResult, around: EgressByFamily) -> bool:
    """Its session began while the way out was shut, and ended when it was open again."""
    view = around[family_of(host.address)] if host.address else None
    if view is None or view.before is None or host.failure is None:
        return False
    return host.timings.at < view.opened and host.failure.failure_class in BY_SCOPE


def _was_answered_since(result: ProbeResult, resolver: ResolverView) -> bool:
    """It failed for want of the resolver, which has answered since."""
    failure = result.failure
    if failure is None or failure.failure_class is not FailureClass.RESOLVER_FAILING or resolver.before is None:
        return False
    asked_at = result.lookup.asked_at if result.lookup is not None else None
    return (asked_at or result.at) < resolver.opened


def typical_interval(targets: Iterable[Target], default: float) -> float:
    """Seconds after which half of the targets have been probed again; `default` where there are none."""
    return _middle((target.settings.interval for target in targets), default)


def typical_timeout(targets: Iterable[Target], default: float) -> float:
    """Seconds within which half of the targets have answered or failed; `default` where there are none."""
    return _middle((target.settings.timeout for target in targets), default)


def _middle(values: Iterable[float], default: float) -> float:
    in_order = sorted(values)
    return in_order[len(in_order) // 2] if in_order else default
