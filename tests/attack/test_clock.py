"""The wall clock set back or ahead while the exporter runs: nothing stands still, and ages are what they are."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from exporter.concurrency import steady_clock
from exporter.demo.world import DemoWorld
from exporter.egress.settings import WatchSettings
from exporter.egress.watch import EgressWatch
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.model.address import Family
from exporter.model.configuration import Egress
from exporter.model.egress import EgressByFamily, EgressStateChange
from exporter.model.failure import FailureClass
from exporter.model.resolver import ResolverView
from exporter.model.result import DomainResult, HostIdentity, Said
from exporter.store.history import StateChange
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from exporter.store.transcripts import TranscriptStore
from exporter.web.backend import TargetFacts
from exporter.web.pages.target_row import last_probe, since
from exporter.web.pages.target_view import target_view
from tests.results import changed, domain, down_host, result, up_host
from tests.support.exporter_process import exporter
from tests.support.steps import at_once
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

C = FailureClass
SAID = Said((b"220 mx ESMTP\r\n",), (False,), (0.1,))


class Clock:
    """The wall clock, which can be set, and the one that cannot, which goes on as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        self.passed = 0.0
        really, moments = time.time, time.monotonic
        monkeypatch.setattr(time, "time", lambda: really() + self.ahead + self.passed)
        monkeypatch.setattr(steady_clock, "now", lambda: moments() + self.passed)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


HOST = up_host().identity


class Known:
    """Store and dialogues of one target, and its page."""

    def __init__(self) -> None:
        self.store = TargetStore(lambda record, before: NO_ROW)
        at_once(self.store.replacing([domain()]))
        self.dialogues = TranscriptStore()

    def take_in(self, failure_class: FailureClass | None = None) -> DomainResult:
        host = up_host() if failure_class is None else down_host(failure_class, "mx1.healthy.example", "192.0.2.1")
        now = time.time()
        probed = result(changed(host, at=now))._replace(at=now)
        self.dialogues.keep(HOST, changed(host, at=now), SAID)
        self.store.record(domain(), probed, turn=True)
        return probed

    @property
    def facts(self) -> TargetFacts:
        (record,) = self.store.records()
        return TargetFacts(record, record.probes, record.probe_failures, self.dialogues.of([HOST]))

    @property
    def changes(self) -> tuple[StateChange, ...]:
        return self.facts.state.history.changes


@pytest.mark.parametrize("step", [-7200.0, 7200.0, -86400.0 * 400])
def test_ages_and_order_are_those_of_what_happened(clock: Clock, step: float) -> None:
    known = Known()
    known.take_in()
    clock.passed += 60
    known.take_in(C.GREYLISTED)
    clock.passed += 60
    clock.ahead += step
    known.take_in(C.GREYLISTED)
    clock.passed += 60
    known.take_in(C.TIMEOUT)
    clock.passed += 60

    view = target_view(known.facts)
    now = time.time()
    dialogues = view.transcripts
    assert [round(now - each.at) for each in dialogues] == [60, 120, 240]
    assert [each.times for each in dialogues] == [1, 2, 1]
    assert round(now - dialogues[1].first_at) == 180
    assert [round(now - change.at) for change in view.changes] == [60, 180, 240]
    assert [round(change.lasted) for change in view.changes] == [60, 120, 60]
    state = known.facts.state
    assert [round(now - (at or 0.0)) for at in (since(state), last_probe(state))] == [60, 60]


def test_a_session_that_is_told_of_again_counts_once_whatever_the_clock_does(clock: Clock) -> None:
    known = Known()
    probed = known.take_in()
    for step in (-3600.0, 7200.0):
        clock.ahead += step
        known.dialogues.keep(HOST, probed.hosts[0], SAID)
    assert [each.times for each in known.facts.transcripts] == [1]


def test_the_last_reload_moves_with_the_clock_and_stands_while_nobody_sets_it(clock: Clock) -> None:
    own = ExporterMetrics()
    own.loaded(())

    def value() -> float:
        found = own.registry.get_sample_value("mx_exporter_config_last_reload_success_timestamp_seconds")
        assert found is not None
        return found

    first = value()
    clock.passed += 100
    assert value() == first
    clock.ahead -= 7200
    assert round(value() - first) == -7200


async def test_turns_of_the_way_out_move_with_the_clock(clock: Clock) -> None:
    watch = EgressWatch(WatchSettings(Egress(), 60.0, 1.0), _Deaf())
    family = Family.IPV4
    watch._states.changes = (EgressStateChange(time.time(), family, watch.egress[family]),)
    for step in (7200.0, -86400.0):
        clock.ahead += step
        watch.tick({})
        assert abs(time.time() - watch.changes[0].at) < 60
    await watch.close()


# The whole process: its time.time() is ahead by what a file says.
CLOCK = """
import time, pathlib
_file, _really = pathlib.Path({path!r}), time.time
time.time = lambda: _really() + float(_file.read_text())
"""


def test_pages_go_on_while_a_clock_that_was_set_back_catches_up(tmp_path: Path) -> None:
    ahead = tmp_path / "ahead"
    ahead.write_text("7200")
    with DemoWorld() as world:
        head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
        path = tmp_path / "config.yaml"
        path.write_text(f"{head}domains: [implicit.example]\n")
        with exporter(f"--config.file={path}", first=CLOCK.format(path=str(ahead))) as process:

            def dialogue() -> re.Match[str] | None:
                text = process.get("/domain/implicit.example").text
                return re.search(r"worked, *(?:<[^>]*>)?([^<]*ago)[^;]*; (\d+) times like this", text, re.DOTALL)

            until_sync(dialogue)
            ahead.write_text("0")
            set_back = dialogue()
            assert set_back is not None
            times = int(set_back[2])

            def goes_on() -> bool:
                now = dialogue()
                return now is not None and int(now[2]) > times + 1

            until_sync(goes_on)
            page = process.get("/domain/implicit.example").text
    ages = re.findall(r">(\d+) (s|min|h|d) ago<", page)
    assert ages
    assert all(unit == "s" for _, unit in ages)


class _Deaf:
    """A listener that does nothing: the state of the watch alone is looked at."""

    def egress_changed(self, states: EgressByFamily) -> None:
        """Do nothing."""

    def resolver_changed(self, view: ResolverView) -> None:
        """Do nothing."""

    def evidence_found(self, identities: frozenset[HostIdentity]) -> None:
        """Do nothing."""

    def references_wanted(self) -> None:
        """Do nothing."""
