"""The exporter at work, without its process: resolver, prober, scheduler, store and own metrics joined.

Everything here lives in one event loop, that of the probes. A configuration is taken in whole or not at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

from exporter.app.heartbeat import STUCK_SECONDS, Heartbeat
from exporter.app.logs import dropped_lines
from exporter.concurrency.worker_thread import StuckError, WorkerThread
from exporter.config.domain_lists import STILL_SECONDS, DomainLists, ListChanges
from exporter.config.load import ConfigError, load
from exporter.egress.watch import EgressWatch, counts_as_outside, typical_interval, typical_timeout
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.incremental import render_after
from exporter.model.configuration import Config, DomainList
from exporter.model.egress import SMTP_PORT, EgressByFamily
from exporter.model.resolver import ResolverView
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKey, TargetKind
from exporter.policies.lookup import Policies, Searches
from exporter.policies.mtasts.cache import PolicyCache
from exporter.probe.prober import Prober, Transcripts
from exporter.resolver.client import Resolver
from exporter.schedule.scheduler import Scheduler
from exporter.schedule.shard import Shard
from exporter.store.targets import Change, TargetRecord, TargetStore
from exporter.store.transcripts import TranscriptStore

log = logging.getLogger(__name__)

# At the end, what is under way may finish within this time; then it says QUIT and goes. Supervisors kill after 10 s.
STOP_GRACE_SECONDS: Final = 5.0
# How often domain files are looked at, and how often the loop's own lag is measured.
_WATCH_SECONDS: Final = 5.0
_LOOP_LAG_SECONDS: Final = 0.5
# How long the file system may take for a look at the domain files, and for all that a reload reads: minutes of a server
# that is busy. Then it counts as one that does not answer.
_LOOK_SECONDS: Final = 30.0
_LOAD_SECONDS: Final = 120.0
_STUCK: Final = "the file system does not answer: what was read before holds"
# Mistakes of domain files told at one reload; each file has told its own first ones up to here.
_TOLD_FAILURES: Final = 10
_TOLD_LINES: Final = 100
# How often what is known of the way out is looked through for what is too old.
_EGRESS_SECONDS: Final = 1.0
# Results judged again in one go: most are not changed by it, those that are have to be rendered.
_REVISED_AT_ONCE: Final = 50
# After a reload has changed the resolver, probes under way still ask the old one for at most about this long.
_RETIRE_SECONDS: Final = 120.0
_ONLY: Final = Shard()


class Engine:
    """Probes what a configuration names. Create it in the event loop it lives in."""

    def __init__(
        self,
        path: Path,
        config: Config,
        helo: str,
        shard: Shard = _ONLY,
        *,
        lists: DomainLists | None = None,
        is_outside: Callable[[str], bool] = counts_as_outside,
        port: int = SMTP_PORT,
    ) -> None:
        """`config` is what was loaded from `path`; `helo` is said where it names nothing else (empty: the address).

        `lists` are those that it was loaded with. `is_outside` tells the addresses that are reached by the way out,
        which is that of `port`.
        """
        self.config = config
        self.shard = shard
        self.targets = _own(config, shard)
        self.store = TargetStore(render_after)
        # References have a past to look at like targets, and no series of their own.
        self.references = TargetStore(lambda record, before: ())
        self.dialogues = TranscriptStore()
        self.own = ExporterMetrics(shard)
        self.heartbeat = Heartbeat()
        self._path = path
        self._helo = helo
        self._others: dict[TargetKey, Target] = {}
        self._loop = asyncio.get_running_loop()
        self._reloading = asyncio.Lock()
        self._lists = lists or DomainLists()
        self._files = WorkerThread("files")
        self._was_stuck = False  # the file system, at the last look
        self._told: dict[str, DomainList] = {}  # what was told of each list last
        self._failures: tuple[str, ...] = ()  # of lists, likewise
        self._resolver = Resolver(config.resolver)
        self._policy_memory = PolicyCache()
        self._policy_searches = Searches()
        self._tasks: list[asyncio.Task[None]] = []
        self._revising: asyncio.Task[None] | None = None
        self.egress = EgressWatch(
            config.egress,
            typical_interval(self.targets, config.defaults.interval),
            config.defaults.helo or helo,
            takes=_takes(config, self.targets),
            on_turn=self._egress_turned,
            on_path=self._path_found,
            on_resolver=self._resolver_turned,
            on_suspicion=self._greet_references,
            on_overtaken=lambda key: self.scheduler.probe_soon((key,)),
            is_outside=is_outside,
            port=port,
        )
        self.scheduler = Scheduler(
            self._probe,
            config.limits.concurrency,
            on_result=self._take_in,
            on_start=self.own.started,
            on_internal_error=self.own.internal_error,
        )
        self._prober = self._new_prober(config)
        self.own.watch_in_flight(lambda: self.scheduler.probes_in_flight)
        self.own.watch_dropped_log_lines(dropped_lines)

    @property
    def resolver(self) -> Resolver:
        """Where names are looked up."""
        return self._resolver

    def start(self) -> None:
        """Begin to probe."""
        for _ in self._adopting(self.config, self.targets):
            pass
        self._tasks = [
            self._loop.create_task(self._watch_domain_files()),
            self._loop.create_task(self._measure_loop_lag()),
            self._loop.create_task(self._watch_egress()),
        ]

    async def stop(self) -> None:
        """End gracefully: nothing starts any more, what is under way gets a moment, then says QUIT."""
        tasks = [*self._tasks, *([] if self._revising is None else [self._revising])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.scheduler.stop(STOP_GRACE_SECONDS)
        await self.egress.close()
        await self._policy_searches.close()
        await self._policy_memory.close()
        self._resolver.close()

    async def reload(self) -> list[str]:
        """Load the configuration anew. What is wrong with it, a line each; with any, what it is about is as before.

        A mistake in the main file leaves the whole as it was, a domain file that fails leaves its list.
        """
        # Whoever asked may go away meanwhile: what is begun is ended, or half of the targets would be new.
        return await asyncio.shield(self._loop.create_task(self._reload()))

    async def _reload(self) -> list[str]:
        async with self._reloading:
            try:
                config, targets = await self._files.run(self._load, _LOAD_SECONDS)
            except ConfigError as error:
                return self._refused([str(problem) for problem in error.errors])
            except StuckError:
                self._was_stuck = True
                return self._refused([_STUCK])
            for _ in self._adopting(config, targets):
                await asyncio.sleep(0)  # other clocks are ticking
        log.info("configuration loaded", extra={"fields": {"targets": len(self.targets)}})
        return _some(config.failures)

    def _refused(self, problems: list[str]) -> list[str]:
        self.own.load_failed()
        for problem in problems:
            log.error("the configuration was not reloaded", extra={"fields": {"problem": problem}})
        return problems

    async def probe_now(self, target: Target, within: float | None = None) -> ProbeResult:
        """One probe outside the schedule, with sessions of its own and their transcripts; `within` seconds for all."""
        slots = self.scheduler.slots
        await slots.take()
        # Whoever asks for names of his own choice pushes nothing out that the configured targets ask for.
        passing = self._resolver.passing() if self.find(*target.key) is None else nullcontext()
        try:
            with passing:
                result = await self._prober.probe(target, fresh=True, transcript=True, within=within)
        finally:
            slots.free()
        return self.egress.take_in(target, result)

    async def probe_in_between(self, target: Target) -> None:
        """One probe now, which counts like one of the schedule."""
        slots = self.scheduler.slots
        await slots.take()
        heard: Transcripts = {}
        try:
            result = await self._prober.probe(target, fresh=True, transcripts=heard)
        finally:
            slots.free()
        self._take_in(target, self._judged(target, result, heard))

    def record(self, kind: TargetKind, name: str) -> TargetRecord | None:
        """What is known of a target or a reference; from any thread."""
        return (self.references if kind is TargetKind.REFERENCE else self.store).get(kind, name)

    def find(self, kind: TargetKind, name: str) -> Target | None:
        """A configured target, this shard's or another's."""
        record = self.store.get(kind, name)
        return record.target if record is not None else self._others.get((kind, name))

    def _load(self) -> tuple[Config, tuple[Target, ...]]:
        config = load(self._path, self._lists)
        return config, _own(config, self.shard)

    def _adopting(self, config: Config, targets: tuple[Target, ...]) -> Iterator[None]:
        """Take a configuration in, in steps of a few milliseconds: with 100,000 targets all of it takes seconds."""
        before, self.config, self.targets = self.config, config, targets
        if (config.resolver, config.limits, config.egress) != (before.resolver, before.limits, before.egress):
            if config.resolver != before.resolver:
                self._tasks.append(self._loop.create_task(_retire(self._resolver)))
                self._resolver = Resolver(config.resolver)
            self._prober = self._new_prober(config)
            self.scheduler.slots.limit = config.limits.concurrency
        self._resolver.make_room_for(len(targets))
        interval = typical_interval(self.targets, config.defaults.interval)
        self.egress.configure(config.egress, interval, _takes(config, self.targets))
        self.own.references_seen(self.egress.references_up)
        yield
        yield from self.store.replacing(targets)
        self._others = self._of_other_shards()
        yield from self.references.replacing(config.egress.references)
        scheduled = (*targets, *config.egress.references)
        yield
        yield from self.dialogues.keeping((*self._remembered(), *scheduled))
        yield from self.scheduler.replacing(scheduled)
        self.own.loaded(scheduled, config.lists, whole=not config.failures)
        self._tell_lists(config)

    def _remembered(self) -> Iterator[Target]:
        """Targets that went a short while ago and may come back."""
        yield from self.store.remembered()
        yield from self.references.remembered()

    def _tell_lists(self, config: Config) -> None:
        """What has become wrong with the lists since the last time, and no more of it than anybody reads."""
        news = [each for each in config.lists if self._told.get(each.file) != each]
        self._told = {each.file: each for each in config.lists}
        for problem in _some([problem for each in news for problem in each.problems], _TOLD_LINES):
            log.warning("a line of a domain file is skipped", extra={"fields": {"problem": problem}})
        for each in news:
            if each.skipped > len(each.problems):
                log.warning(
                    "lines of a domain file are skipped", extra={"fields": {"file": each.file, "lines": each.skipped}}
                )
        for twice in _some([twice for each in news for twice in each.twice], _TOLD_LINES):
            log.warning("a domain is listed twice: the first holds", extra={"fields": {"problem": twice}})
        if config.failures != self._failures:
            for problem in _some(config.failures):
                log.error("a domain file has failed", extra={"fields": {"problem": problem}})
        self._failures = config.failures

    def _of_other_shards(self) -> dict[TargetKey, Target]:
        if self.shard.total == 1:
            return {}
        own = {target.key for target in self.targets}
        return {target.key: target for target in self.config.targets if target.key not in own}

    def _new_prober(self, config: Config) -> Prober:
        policies = Policies(self._resolver, self._policy_memory, searches=self._policy_searches)
        witness_ports = config.egress.witness_ports
        return Prober(self._resolver, config.limits, self._helo, self.scheduler.slots, witness_ports, policies)

    async def _probe(self, target: Target) -> ProbeResult:
        heard: Transcripts = {}
        return self._judged(target, await self._prober.probe(target, transcripts=heard), heard)

    def _judged(self, target: Target, result: ProbeResult, heard: Transcripts) -> ProbeResult:
        """`result` in the light of what else is known, its dialogues kept."""
        result = self.egress.take_in(target, result)
        if self.record(*target.key) is not None:  # else it went with a reload meanwhile
            self.dialogues.keep(target, result, heard)
        return result

    def _take_in(self, target: Target, result: ProbeResult) -> None:
        self.own.probed(result)
        if target.kind is TargetKind.REFERENCE:
            self.references.record(target, result)
            self.own.references_seen(self.egress.references_up)
        else:
            _tell(self.store.record(target, result))
        if log.isEnabledFor(logging.DEBUG):
            log.debug("probed", extra={"fields": _fields(target, result)})

    def _egress_turned(self, surroundings: EgressByFamily) -> None:
        self.own.egress_turned(surroundings)
        self._judge_again()

    def _resolver_turned(self, view: ResolverView) -> None:
        self.own.resolver_turned(view)
        if view.before is not None and not view.fails:
            self._resolver.forget_failures()
        self._judge_again()

    def _greet_references(self) -> None:
        self._prober.share_afresh()
        self.scheduler.probe_soon(reference.key for reference in self.config.egress.references)

    def _judge_again(self) -> None:
        self._prober.share_afresh(routes_changed=True)
        if self._revising is not None:
            self._revising.cancel()  # the new one comes past all that it has left
        self._revising = self._loop.create_task(self._revise_all())

    async def _revise_all(self) -> None:
        """Judge every result again, with a pause now and then: other clocks are ticking.

        What was shut off from us and is so no more is probed again, before its turn.
        """
        for record in self.references.records():
            self.references.revise(record, self.egress.see_again)
            self._hasten_reopened(record)
        for number, record in enumerate(self.store.records(), 1):
            _tell(self.store.revise(record, self.egress.see_again))
            self._hasten_reopened(record)
            if number % _REVISED_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _hasten_reopened(self, record: TargetRecord) -> None:
        if record.result is not None and self.egress.is_overtaken(record.result):
            self.scheduler.probe_soon((record.target.key,))

    def _path_found(self, keys: frozenset[TargetKey]) -> None:
        for key in keys:
            kind = key[0]
            record = self.record(*key)
            if record is not None and kind is TargetKind.REFERENCE:
                self.references.revise(record, self.egress.see_again)
            elif record is not None:
                _tell(self.store.revise(record, self.egress.see_again))

    async def _watch_egress(self) -> None:
        while True:
            await asyncio.sleep(_EGRESS_SECONDS)
            try:
                self.egress.tick(self._resolver.answered())
            except Exception:
                log.exception("internal error while judging the way out")
                self.own.internal_error()

    async def _watch_domain_files(self) -> None:
        pause = _WATCH_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = _WATCH_SECONDS
            self._forget()
            try:
                look = await self._look()
                # A main file that was refused is tried again only where something else has changed.
                if look.changed or self._was_stuck:
                    self._was_stuck = False
                    log.info("domain files have changed")
                    await self.reload()
                elif look.moving:
                    pause = STILL_SECONDS
            except StuckError:
                if not self._was_stuck:
                    self._refused([_STUCK])
                self._was_stuck = True
            except Exception:
                log.exception("internal error while loading the configuration")
                self.own.internal_error()

    async def _look(self) -> ListChanges:
        patterns = dict(enumerate(self.config.domain_files))
        if not patterns:
            return ListChanges(changed=False, moving=False)
        folder = Path(self.config.files[0]).parent
        async with self._reloading:
            return await self._files.run(lambda: self._lists.look(folder, patterns), _LOOK_SECONDS)

    def _forget(self) -> None:
        """What went an hour ago does not come back."""
        gone = [*self.store.forget(), *self.references.forget()]
        if gone:
            self.dialogues.forget(target.key for target in gone)

    async def _measure_loop_lag(self) -> None:
        due = self._loop.time()
        while True:
            due += _LOOP_LAG_SECONDS
            await asyncio.sleep(due - self._loop.time())
            lag = self._loop.time() - due
            self.own.loop_lagged(lag)
            overdue = self.scheduler.overdue > STUCK_SECONDS
            self.heartbeat.beat("the schedule of the probes stands still" if overdue else "")
            if lag > _LOOP_LAG_SECONDS:
                due = self._loop.time()


def _takes(config: Config, targets: tuple[Target, ...]) -> float:
    """Seconds that a probe takes at most where something is silent: its questions, and its sessions."""
    return config.resolver.timeout + typical_timeout(targets, config.defaults.timeout)


def _own(config: Config, shard: Shard) -> tuple[Target, ...]:
    if shard.total == 1:
        return config.targets
    return tuple(target for target in config.targets if shard.owns(target.name))


def _tell(change: Change | None) -> None:
    """A change of state is one line; that a target is up at its first probe is no news."""
    if change is None:
        return
    failure = change.now
    if failure is None:
        if not change.first:
            before = change.before.failure_class if change.before is not None else ""
            log.info("up again", extra={"fields": {"target": change.target.name, "before": before}})
        return
    log.info(
        "down",
        extra={
            "fields": {
                "target": change.target.name,
                "stage": failure.stage,
                "class": failure.failure_class,
                "verdict": failure.verdict,
                "confidence": failure.confidence,
                "before": "" if change.first else change.before.failure_class if change.before is not None else "up",
                "detail": failure.detail,
            }
        },
    )


def _fields(target: Target, result: ProbeResult) -> dict[str, object]:
    fields: dict[str, object] = {
        "target": target.name,
        "up": int(result.up),
        "addresses": result.addresses,
        "addresses_up": result.addresses_up,
        "seconds": f"{result.duration:.4f}",
    }
    if result.failure is not None:
        fields |= {"class": result.failure.failure_class, "verdict": result.failure.verdict}
    return fields


def _some(lines: Sequence[str], most: int = _TOLD_FAILURES) -> list[str]:
    """The first of them, and how many there are more."""
    more = [f"… and {len(lines) - most} more"] if len(lines) > most else []
    return [*lines[:most], *more]


async def _retire(resolver: Resolver) -> None:
    try:
        await asyncio.sleep(_RETIRE_SECONDS)
    finally:
        resolver.close()
