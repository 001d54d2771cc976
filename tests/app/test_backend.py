"""The answers to the web server: configured targets as they are configured, and secrets to no other host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from exporter.app.backend import MonitorBackend
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import DomainResult, HostIdentity, Said, TranscriptLine
from exporter.model.target import Target, TargetKind
from exporter.web.backend import NoFreeSlot, ProbeRefused, ProbeRequest
from tests.app.test_monitor import Watched, watched
from tests.results import down_host, host_of, result, up_host
from tests.support.waiting import until

TEXT = """\
modules:
  default: {}
  canary: {stages: [ehlo, mail, rcpt, data], rcpt_to: canary@example.org}
domains:
  - a.example
  - {domain: secret.example, module: canary}
"""


def backend(running: Watched) -> MonitorBackend:
    return MonitorBackend(running.monitor, running.reload.reload, asyncio.get_running_loop(), "me.example")


@pytest.mark.parametrize(
    ("name", "module", "said"),
    [
        ("a.example", "absent", "unknown module 'absent'"),
        ("not a name", None, "not a name"),
        ("stranger.example", "canary", "module 'canary' has data"),
        ("a.example", "canary", "module 'canary' has data"),
    ],
)
async def test_a_probe_that_cannot_be_made_is_refused_with_the_reason(
    tmp_path: Path, name: str, module: str | None, said: str
) -> None:
    async with watched(tmp_path, TEXT) as running:
        with pytest.raises(ProbeRefused, match=said):
            await backend(running).probe(ProbeRequest(name, module, 1.0), "")


CONFIGURED = """\
modules: {default: {}, full: {stages: [ehlo, starttls]}}
domains: [{domain: a.example, module: full, interval: 5m, labels: {team: mail}}]
hosts: [{host: relay.example, port: 587, helo: me.example, labels: {team: relay}}]
"""


@pytest.mark.parametrize("module", [None, "full"])
async def test_a_target_is_probed_as_configured_where_its_own_module_is_named_too(
    tmp_path: Path, module: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scrape configuration names one module for all its targets."""
    async with watched(tmp_path, CONFIGURED) as running:
        (found,) = await probed(running, monkeypatch, ProbeRequest("a.example", module))
        assert (found.settings.interval, found.settings.module.name) == (300.0, "full")
        assert found.labels == (("team", "mail"),)


async def test_a_target_with_another_module_keeps_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watched(tmp_path, CONFIGURED) as running:
        asked = ProbeRequest("a.example", "default"), ProbeRequest("relay.example", "full")
        found = await probed(running, monkeypatch, *asked)
        assert [target.settings.module.name for target in found] == ["default", "full"]
        assert [target.labels for target in found] == [(("team", "mail"),), (("team", "relay"),)]
        (relay,) = await probed(running, monkeypatch, ProbeRequest("relay.example", "default"))
        assert (relay.settings.port, relay.settings.helo) == (587, "me.example")


async def probed(running: Watched, monkeypatch: pytest.MonkeyPatch, *requests: ProbeRequest) -> list[Target]:
    """The targets that the monitor is asked for."""
    found: list[Target] = []

    async def ask(target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        found.append(target)
        return ANSWER

    monkeypatch.setattr(running.monitor, "ask", ask)
    for request in requests:
        await backend(running).probe(request, "")
    return found


async def test_what_follows_from_the_configuration_follows_a_reload(tmp_path: Path) -> None:
    async with watched(tmp_path, TEXT) as running:
        asked = backend(running)
        assert "secret.example" in asked.effective_config()
        assert b"secret.example" in b"".join(asked.discovery().body)
        running.path.write_text("domains: [b.example]\n")
        assert await asked.reload() == []
        assert "secret.example" not in asked.effective_config()
        assert b"secret.example" not in b"".join(asked.discovery().body)
        assert asked.target(TargetKind.DOMAIN, "a.example") is None
        facts = asked.target(TargetKind.DOMAIN, "b.example")
        assert facts is not None
        assert (facts.probes, facts.helo) == (0, "me.example")


async def test_a_target_that_is_not_there_is_not_probed_in_between(tmp_path: Path) -> None:
    async with watched(tmp_path, TEXT) as running:
        with pytest.raises(ProbeRefused, match="no such target"):
            await backend(running).probe_unscheduled(TargetKind.DOMAIN, "absent.example")


ANSWER = result(up_host(), down_host())


@dataclass
class Asked:
    """A monitor that keeps the requests of a backend, and gives prepared answers."""

    answer: DomainResult = ANSWER
    asked: list[tuple[str, float | None, bool]] = field(default_factory=list)
    never: asyncio.Event | None = None

    async def ask(self, target: Target, *, within: float | None = None, fresh: bool = False) -> DomainResult:
        self.asked.append((target.name, within, fresh))
        if self.never is not None:
            await self.never.wait()
        return self.answer

    def transcripts_of(self, result: DomainResult) -> dict[HostIdentity, tuple[TranscriptLine, ...]]:
        assert result is self.answer
        return {result.hosts[0].identity: (TranscriptLine(0.1, False, b"220 mx1 the one asked about\r\n"),)}


@asynccontextmanager
async def asking(tmp_path: Path, asked: Asked) -> AsyncIterator[MonitorBackend]:
    """A backend of a running monitor whose engine is `asked`."""
    async with watched(tmp_path, TEXT) as running:
        for name in ("ask", "transcripts_of"):
            setattr(running.monitor, name, getattr(asked, name))
        yield backend(running)


@pytest.mark.parametrize(("name", "within"), [("a.example", 4.5), ("stranger.example", None), ("192.0.2.1", 1.0)])
async def test_a_scraper_gets_what_the_monitor_says_of_the_target_in_its_time(
    tmp_path: Path, name: str, within: float | None
) -> None:
    asked = Asked()
    async with asking(tmp_path, asked) as asker:
        text = b"".join((await asker.probe(ProbeRequest(name, within=within), "")).body)
    assert b"\nprobe_success 1.0\n" in text
    assert [within for _, within, _ in asked.asked] == [within]
    assert not asked.asked[0][2]  # what is known is fresh enough


async def test_a_target_without_a_turn_is_down_for_that_reason(tmp_path: Path) -> None:
    failure = Failure(Stage.CONNECT, FailureClass.NO_TURN, "no free session in the time given")
    late = result(host_of("mx.a.example", "192.0.2.1", failure=failure))
    async with asking(tmp_path, Asked(late)) as asker:
        text = b"".join((await asker.probe(ProbeRequest("a.example"), "")).body)
        assert b"\nprobe_success 0.0\n" in text
        assert b'class="no_turn"' in text
        assert b'verdict="local"' in text
        assert "local: no_turn at connect" in await asker.probe_dialogue(ProbeRequest("a.example"))
        with pytest.raises(NoFreeSlot, match="no turn within 60 s: no free session in the time given"):
            await asker.probe_unscheduled(TargetKind.DOMAIN, "a.example")


async def test_the_dialogue_is_that_of_the_session_which_the_answer_is_about(tmp_path: Path) -> None:
    asked = Asked()
    async with asking(tmp_path, asked) as asker:
        text = await asker.probe_dialogue(ProbeRequest("a.example", within=3.0))
    assert "< 220 mx1 the one asked about" in text
    assert "10 mx1.healthy.example [192.0.2.1]" in text
    assert asked.asked == [("a.example", 3.0, False)]


async def test_a_report_has_the_dialogue_that_the_result_is_about(tmp_path: Path) -> None:
    said = TranscriptLine(0.1, False, b"554 5.7.1 not you\r\n")
    async with watched(tmp_path, TEXT) as running:
        asked = backend(running)
        assert asked.report(TargetKind.DOMAIN, "a.example") is None
        assert asked.report(TargetKind.DOMAIN, "stranger.example") is None
        results = running.monitor.results
        record = results.get(TargetKind.DOMAIN, "a.example")
        assert record is not None
        refused = down_host()
        results.targets.record(record.target, result(refused), turn=True)
        results.transcripts.keep(refused.identity, refused, Said.of((said,)))
        text = asked.report(TargetKind.DOMAIN, "a.example")
    assert text is not None
    assert text.startswith("Report on a.example, made at ")
    assert "< 554 5.7.1 not you" in text
    assert "Our name in EHLO: " in text


async def test_a_person_gets_a_fresh_session(tmp_path: Path) -> None:
    asked = Asked()
    async with asking(tmp_path, asked) as asker:
        await asker.probe_unscheduled(TargetKind.DOMAIN, "a.example")
    assert asked.asked == [("a.example", 60.0, True)]


async def test_at_the_end_requests_are_told_so(tmp_path: Path) -> None:
    asked = Asked(never=asyncio.Event())
    async with asking(tmp_path, asked) as asker:
        waiting = [
            asyncio.create_task(asker.probe(ProbeRequest("a.example"), "")),
            asyncio.create_task(asker.probe_dialogue(ProbeRequest("a.example"))),
            asyncio.create_task(asker.probe_unscheduled(TargetKind.DOMAIN, "a.example")),
        ]
        await until(lambda: len(asked.asked) == len(waiting))
        asker.stop()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [str(each) for each in outcomes] == ["the exporter is stopping"] * len(waiting)
        with pytest.raises(NoFreeSlot, match="the exporter is stopping"):
            await asker.probe(ProbeRequest("a.example"), "")
        assert len(asked.asked) == len(waiting)


async def test_a_request_that_the_monitor_cuts_short_is_told_so(tmp_path: Path) -> None:
    asked = Asked(never=asyncio.Event())
    async with asking(tmp_path, asked) as asker:
        asks = asyncio.create_task(asker.probe(ProbeRequest("a.example"), ""))
        await until(lambda: asked.asked)
        (work,) = [task for task in asyncio.all_tasks() if "_until_stopped" in repr(task)]
        work.cancel()
        with pytest.raises(NoFreeSlot, match="the exporter is stopping"):
            await asks


async def test_a_client_that_hangs_up_ends_its_request(tmp_path: Path) -> None:
    asked = Asked(never=asyncio.Event())
    async with asking(tmp_path, asked) as asker:
        asks = asyncio.create_task(asker.probe(ProbeRequest("a.example"), ""))
        await until(lambda: asked.asked)
        asks.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asks
        await until(lambda: not [t for t in asyncio.all_tasks() if "_until_stopped" in repr(t)])


async def test_after_the_end_of_the_probes_loop_a_request_is_told_so(tmp_path: Path) -> None:
    ended = asyncio.new_event_loop()
    ended.close()
    async with watched(tmp_path, TEXT) as running:
        asker = MonitorBackend(running.monitor, running.reload.reload, ended, "")
        with pytest.raises(NoFreeSlot, match="the exporter is stopping"):
            await asker.probe(ProbeRequest("a.example"), "")
