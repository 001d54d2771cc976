"""Honest clients beside the attack: a scraper, a supervisor's health check, and one who reads the vital signs."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from tests.attack.exposed import Exposed
from tests.attack.subject import Subject, Vitals
from tests.attack.world.plan import Plan, good_domain

_HEALTH_SECONDS: Final = 1.0
_VITALS_SECONDS: Final = 0.5
# Beyond it the parser would keep this process busy for longer than the exporter was.
_MOST_BYTES: Final = 16_000_000
_MOST_TOLD: Final = 20


@dataclass
class Seen:
    """What they saw since `clear`; times in seconds."""

    scrapes: int = 0
    slowest_scrape: float = 0.0
    largest_scrape: int = 0
    failed_scrapes: list[str] = field(default_factory=list)
    checks: int = 0
    slowest_check: float = 0.0
    failed_checks: list[str] = field(default_factory=list)
    down: set[str] = field(default_factory=set)  # good domains that were told to be down, or not told at all
    fallen: set[str] = field(default_factory=set)  # whose counters went back
    last: Exposed | None = None
    vitals: list[Vitals] = field(default_factory=list)


class Watch:
    """Runs in threads of its own from `start` on."""

    def __init__(self, plan: Plan, subject: Subject, wait: float) -> None:
        """`wait`: how long an answer may take, for a scraper and a health check alike."""
        self.seen = Seen()
        self._plan = plan
        self._subject = subject
        self._wait = wait
        where = urlsplit(plan.url)
        self._server = (where.hostname or "", where.port or 0)
        self._good = frozenset(good_domain(number) for number in range(plan.pace.good))
        self._ended = threading.Event()
        self._jobs = [
            threading.Thread(target=self._every, args=(seconds, job), daemon=True)
            for seconds, job in (
                (plan.pace.interval, self.scrape),
                (_HEALTH_SECONDS, self._check),
                (_VITALS_SECONDS, self._look),
            )
        ]

    def clear(self) -> None:
        """Forget what was seen."""
        self.seen = Seen(last=self.seen.last)

    @contextmanager
    def running(self) -> Iterator[None]:
        """At work within the block."""
        for job in self._jobs:
            job.start()
        try:
            yield
        finally:
            self._ended.set()
            for job in self._jobs:
                job.join(2 * self._wait + 5.0)

    def _every(self, seconds: float, job: Callable[[], None]) -> None:
        due = time.monotonic()
        while not self._ended.is_set():
            job()
            due = max(due + seconds, time.monotonic())
            self._ended.wait(due - time.monotonic())

    def scrape(self) -> None:
        """As Prometheus does, with and without gzip in turn."""
        seen = self.seen
        seen.scrapes += 1
        headers = {"Accept-Encoding": "gzip"} if seen.scrapes % 2 else {}
        began = time.monotonic()
        try:
            data = self._get("/metrics", headers)
            seen.slowest_scrape = max(seen.slowest_scrape, time.monotonic() - began)
            text = (gzip.decompress(data) if headers else data).decode()
            seen.largest_scrape = max(seen.largest_scrape, len(text))
            self._take_in(seen, Exposed.read(_bounded(text), self._good))
        except (OSError, HTTPException, ValueError, EOFError) as error:
            seen.slowest_scrape = max(seen.slowest_scrape, time.monotonic() - began)
            seen.failed_scrapes.append(f"{type(error).__name__}: {error}"[:200])

    def _take_in(self, seen: Seen, exposed: Exposed) -> None:
        if not self._ended.is_set():
            seen.down |= {name for name in self._good if not exposed.up.get(name)}
        if seen.last is not None:
            before = seen.last.probes
            seen.fallen |= {name for name, count in before.items() if exposed.probes.get(name, 0.0) < count}
        seen.last = exposed

    def _check(self) -> None:
        seen = self.seen
        seen.checks += 1
        began = time.monotonic()
        try:
            self._get("/-/healthy", {})
        except (OSError, HTTPException, ValueError) as error:
            seen.failed_checks.append(f"{type(error).__name__}: {error}"[:200])
        seen.slowest_check = max(seen.slowest_check, time.monotonic() - began)

    def _look(self) -> None:
        try:
            self.seen.vitals.append(Vitals.of(self._subject.pid))
        except OSError:
            pass  # it has ended, which is told elsewhere

    def _get(self, path: str, headers: dict[str, str]) -> bytes:
        with closing(HTTPConnection(*self._server, timeout=self._wait)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            data = answer.read()
        if answer.status != 200:
            raise ValueError(f"{answer.status} to {path}")
        return data


def _bounded(text: str) -> str:
    if len(text) > _MOST_BYTES:
        raise ValueError(f"{len(text)} bytes are too many to read")
    return text
