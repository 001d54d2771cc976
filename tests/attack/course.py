"""The course of one soak: at rest, under attack, at rest again, and ended while attacked once more."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

from tests.attack.punctuality import Punctuality
from tests.attack.subject import Subject, Vitals, subject
from tests.attack.verdict import Check, at_most, none_of
from tests.attack.watch import Seen, Watch
from tests.attack.world.certificates import write_certificates
from tests.attack.world.kinds import KINDS
from tests.attack.world.plan import Plan, configuration, listed
from tests.attack.world.process import WorldProcess
from tests.attack.world.tampering import WATCHED
from tests.support.waiting import until_sync

_ATTACKERS: Final = ("mail", "tls", "web")
# Connections that clients had parked are given up in this time, and what the probes had under way.
_SETTLE_SECONDS: Final = 100.0
_ON_ITS_WAY_SECONDS: Final = 1.5
_ALL_CAME_SECONDS: Final = 60.0  # a short course goes on until each attack has come, for the machine may do much else
_SUBMISSION_PASSWORD: Final = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must hold beyond what is plainly yes or no."""

    late: float = 1.0  # seconds that a good domain's probe may be late; in a short course not counting waits for a core
    memory: float = 200e6  # bytes, at any time
    answer: float = 5.0  # seconds for a scrape or a health check
    files: int = 8  # more than before, when it is over
    threads: int = 24  # likewise: pools of workers stay once they were needed
    starts: int = 0  # probes of anybody that may start more than a second late
    ends: float = 10.0  # seconds from SIGTERM to the end; supervisors kill then
    goes_on: bool = True  # each attack in the second half as well; in a short one it is enough that it came


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    checks: list[Check]
    tries: dict[str, int]
    log: list[str]

    @property
    def holds(self) -> bool:
        """Whether all did."""
        return all(check.holds for check in self.checks)

    def in_short(self) -> str:
        """For a line of a table."""
        failed = [f"{check.what}: {check.seen}" for check in self.checks if not check.holds]
        return f"{sum(self.tries.values()):,} | {'; '.join(failed) or 'holds'}"


class _Heard:
    """What the processes of the world told so far."""

    def __init__(self, plan: Plan) -> None:
        self.punctuality = Punctuality(plan.pace.good, plan.pace.interval)
        self.clock = 0.0  # seconds that the good hosts themselves were late at the worst
        self._latest: dict[str, dict[str, Any]] = {}
        self._before: Counter[str] = Counter()
        self._lock = threading.Lock()

    def hear(self, role: str, report: dict[str, Any]) -> None:
        with self._lock:
            self.punctuality.note((host, at) for host, at in report.pop("arrivals", ()))
            self.clock = max(self.clock, report.pop("clock", 0.0))
            self._latest[role] = report

    def total(self, key: str) -> Counter[str]:
        """Of all processes, counted together."""
        with self._lock:
            found: Counter[str] = Counter()
            for report in self._latest.values():
                found.update(report.get(key) or {})
            return found

    def number(self, key: str) -> int:
        """The same of one number."""
        with self._lock:
            return sum(report.get(key) or 0 for report in self._latest.values())


class Course:
    """Runs once."""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        self._plan = plan
        self._bounds = bounds
        self._heard = _Heard(plan)
        self._own: Counter[str] = Counter()  # attacks of our own: signals, a log that is not read
        self._checks: list[Check] = []
        self._complaints: list[str] = []

    def run(self, seconds: float) -> Outcome:
        """The whole course, with so many seconds of attack in its middle."""
        plan = self._plan
        plan.path("domains.d").mkdir()
        plan.path(WATCHED).write_text("".join(f"{name}\n" for name in listed(plan)))
        plan.path("password").write_text(_SUBMISSION_PASSWORD)
        self._configure(hostile=False)
        roots = write_certificates(plan)
        with contextlib.ExitStack() as stack:
            good = self._start("good", plan, stack)
            good.wait_ready()
            exporter = stack.enter_context(subject(plan, roots))
            self._plan = plan = replace(plan, url=exporter.url)
            watch = Watch(plan, exporter, self._bounds.answer)
            with watch.running():
                before = self._rest(watch)
                tries = self._attack(exporter, watch, seconds)
                self._settle(exporter, before)
            self._end(exporter)
            self._add(none_of("tracebacks in the log", [f"…{line[-100:]}" for line in exporter.tracebacks]))
            self._complaints += filter(None, [good.complaints])
            found = [complaint.strip().splitlines()[-1] for complaint in self._complaints]
            self._add(none_of("what went wrong in the world itself", found))
        return Outcome(self._checks, tries, [*self._complaints, *exporter.log])

    def _rest(self, watch: Watch) -> list[Vitals]:
        """The good domains alone, until all are up; then what that looks like."""
        interval = self._plan.pace.interval
        until_sync(lambda: self._heard.punctuality.all_seen and _all_up(watch), 60.0 + 3 * interval, pause=0.1)
        watch.clear()
        time.sleep(interval)
        return list(watch.seen.vitals)

    def _attack(self, exporter: Subject, watch: Watch, seconds: float) -> dict[str, int]:
        with self._attacked(exporter):
            watch.clear()
            self._heard.punctuality.begin(time.monotonic())
            self._heard.clock = 0.0
            half = self._wait(exporter, seconds / 2)
            whole = self._wait(exporter, seconds / 2)
            latest = time.monotonic() + (0.0 if self._bounds.goes_on else _ALL_CAME_SECONDS)
            while not all(whole[kind] for kind in self._plan.kinds) and time.monotonic() < latest:
                whole = self._wait(exporter, 0.5)
                if exporter.process.poll() is not None:
                    break
            ended = time.monotonic()
            # The latest arrivals are on their way to us.
            time.sleep(_ON_ITS_WAY_SECONDS)
            self._heard.punctuality.end(ended)
        tries = {kind: whole[kind] for kind in self._plan.kinds}
        before = {kind: half[kind] if self._bounds.goes_on and not KINDS[kind].patient else 0 for kind in tries}
        self._add(none_of("attacks that ceased", [kind for kind in tries if whole[kind] == before[kind]]))
        self._judge(watch.seen, exporter)
        return tries

    def _wait(self, exporter: Subject, seconds: float) -> Counter[str]:
        """So long, or until the exporter has ended; what was tried by then."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            exporter.process.wait(seconds)
        return self._heard.total("tries") + self._own

    @contextlib.contextmanager
    def _attacked(self, exporter: Subject) -> Iterator[None]:
        """Within the block all attacks are under way; behind it the attackers are gone, and their domains."""
        with contextlib.ExitStack() as stack:
            attackers = [self._start(role, self._plan, stack) for role in _ATTACKERS]
            for attacker in attackers:
                attacker.wait_ready()
            self._configure(hostile=True)
            exporter.process.send_signal(signal.SIGHUP)
            stack.callback(exporter.readable.set)
            ended = threading.Event()
            stack.callback(ended.set)
            for kind, job in (("own-log", self._stall), ("own-reloads", self._reload)):
                if kind in self._plan.kinds:
                    thread = threading.Thread(target=job, args=(exporter, ended), daemon=True)
                    thread.start()
            yield
            self._complaints += filter(None, (attacker.complaints for attacker in attackers))
            self._configure(hostile=False)
        exporter.process.send_signal(signal.SIGHUP)

    def _stall(self, exporter: Subject, ended: threading.Event) -> None:
        stall = self._plan.pace.stall
        while not ended.is_set():
            exporter.readable.clear()
            self._own["own-log"] += 1
            ended.wait(stall)
            exporter.readable.set()
            ended.wait(stall / 10)

    def _reload(self, exporter: Subject, ended: threading.Event) -> None:
        while not ended.wait(self._plan.pace.reload) and exporter.process.poll() is None:
            exporter.process.send_signal(signal.SIGHUP)
            self._own["own-reloads"] += 1

    def _judge(self, seen: Seen, exporter: Subject) -> None:
        bounds, heard, punctuality = self._bounds, self._heard, self._heard.punctuality
        expected = self._plan.pace.good
        most = bounds.late if bounds.goes_on else bounds.late + _waited(seen)
        late = f"{punctuality.later_than(most)} times"
        self._add(at_most("a good domain's probe late by", round(most, 3), punctuality.worst, " s", late))
        self._add(
            Check(
                "sessions at the good hosts",
                f"over {expected}",
                str(punctuality.sessions),
                punctuality.sessions > expected,
            )
        )
        self._add(none_of("good domains told to be down", sorted(seen.down)))
        self._add(none_of("good domains whose counters fell", sorted(seen.fallen)))
        self._add(none_of("scrapes without a whole answer", seen.failed_scrapes))
        self._add(at_most("slowest scrape", bounds.answer, seen.slowest_scrape, " s"))
        self._add(none_of("health checks without 200", seen.failed_checks))
        self._add(at_most("slowest health check", bounds.answer, seen.slowest_check, " s"))
        self._add(at_most("memory", bounds.memory / 1e6, max((v.peak for v in seen.vitals), default=0) / 1e6, " MB"))
        if seen.last is not None:
            self._add(at_most("probes of anybody that started over 1 s late", bounds.starts, seen.last.late_starts))
            self._add(at_most("times the loop was over 1 s late", bounds.starts, seen.last.late_loops))
            self._add(at_most("internal errors", 0, seen.last.internal_errors))
        self._add(at_most("connections to forbidden addresses", 0, heard.number("forbidden")))
        self._add(at_most("passwords told to strangers", 0, heard.number("passwords")))
        self._add(none_of("names probed that a list held only while it was cut", sorted(heard.total("strangers"))))
        self._add(none_of("requests answered with 500", sorted(heard.total("broken"))))
        self._add(none_of("foreign requests obeyed", sorted(heard.total("obeyed"))))
        self._add(Check("for information: the good hosts' own clock", "", f"{heard.clock:.3f} s late", True))
        self._add(Check("for information: the exporter", "", _told(seen), True))

    def _settle(self, exporter: Subject, before: list[Vitals]) -> None:
        """Back at the level of before."""
        files, threads = (max(getattr(v, name) for v in before) for name in ("files", "threads"))
        bounds = self._bounds
        after: Vitals | None = None
        end = time.monotonic() + _SETTLE_SECONDS
        while time.monotonic() < end and exporter.process.poll() is None:
            after = Vitals.of(exporter.pid)
            if after.files <= files + bounds.files and after.threads <= threads + bounds.threads:
                break
            time.sleep(0.5)
        if after is None:
            self._add(Check("the exporter", "runs", f"ended: {exporter.process.poll()}", False))
            return
        self._add(at_most("open files after it, over those before", bounds.files, after.files - files))
        self._add(at_most("threads after it, over those before", bounds.threads, after.threads - threads))

    def _end(self, exporter: Subject) -> None:
        """SIGTERM, while it is attacked."""
        if exporter.process.poll() is not None:
            self._add(Check("SIGTERM under attack", "0", f"had ended: {exporter.process.poll()}", False))
            return
        with self._attacked(exporter):
            time.sleep(self._plan.pace.interval)
            began = time.monotonic()
            try:
                # Of the process alone: the end of its log is read whenever the reader goes on.
                exporter.process.send_signal(signal.SIGTERM)
                code: int | str = exporter.process.wait(2 * self._bounds.ends)
            except subprocess.TimeoutExpired:
                code = "no end"
            took = time.monotonic() - began
        limit = self._bounds.ends
        holds = code == 0 and took <= limit
        self._add(Check("SIGTERM under attack", f"exit 0 within {limit:g} s", f"{code}, {took:.1f} s", holds))

    def _configure(self, *, hostile: bool) -> None:
        path = self._plan.path("config.yaml")
        new = path.with_suffix(".new")
        new.write_text(configuration(self._plan, hostile=hostile))
        new.replace(path)

    def _start(self, role: str, plan: Plan, stack: contextlib.ExitStack) -> WorldProcess:
        process = WorldProcess(role, plan, self._heard.hear)
        stack.callback(process.stop)
        return process

    def _add(self, check: Check) -> None:
        self._checks.append(check)


def _all_up(watch: Watch) -> bool:
    last = watch.seen.last
    return last is not None and bool(last.up) and all(last.up.values())


def _waited(seen: Seen) -> float:
    """The seconds for which the probes wanted a core and had none."""
    return seen.vitals[-1].waited - seen.vitals[0].waited if seen.vitals else 0.0


def _told(seen: Seen) -> str:
    """What helps to understand a failure: a machine that does much else is late without the exporter's doing."""
    if len(seen.vitals) < 2 or seen.last is None:
        return "nothing seen"
    first, last = seen.vitals[0], seen.vitals[-1]
    waits = max(after.waited - before.waited for before, after in pairwise(seen.vitals))
    return (
        f"{last.cpu - first.cpu:.1f} s of CPU; its probes waited {_waited(seen):.1f} s for a core,"
        f" {waits:.2f} s at a stretch; {seen.last.series} series in {seen.largest_scrape / 1e6:.1f} MB"
    )
