"""The keeper of the state: what goes wrong with it is told, and costs nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import logging
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from exporter.app import state_keeping
from exporter.app.monitor import Monitor, Vantage
from exporter.app.state_keeping import StateKeeper
from exporter.model.address import Family
from exporter.model.configuration import Config, Egress
from exporter.model.egress import EgressState
from exporter.model.standing import ListAnswer, ListingState
from exporter.schedule.shard import Shard
from exporter.storage.state_file import StateFile
from tests.results import changed, result, up_host
from tests.storage.states import REFERENCE, SIDE, TARGETS, WELL
from tests.support.steps import at_once
from tests.support.waiting import until

CONFIG = Config(targets=TARGETS, egress=Egress(references=(REFERENCE,)))


class Life:
    """One run of an exporter: its monitor, whose probes are the test's, and the keeper."""

    def __init__(self, folder: Path) -> None:
        self.monitor = Monitor(CONFIG, Vantage("probe.example"))
        self.keeper = StateKeeper(folder, self.monitor)

    async def begin(self) -> None:
        await self.keeper.load()
        await self.keeper.begin()
        at_once(self.monitor.adopting(self.monitor.active))

    def probe(self) -> None:
        host = changed(up_host("mx.well.example"), at=time.time())
        found = result(host, name="well.example")._replace(at=time.time())
        self.monitor.results.host_told(host.identity, host, session=True)
        self.monitor.domain_told(WELL, found, turn=True)

    def metric(self, name: str) -> float:
        text = generate_latest(self.monitor.metrics.registry).decode()
        return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))

    @property
    def probes(self) -> int:
        record = self.monitor.results.get(*WELL.key)
        assert record is not None
        return record.probes


@contextlib.asynccontextmanager
async def life(folder: Path) -> AsyncIterator[Life]:
    lived = Life(folder)
    await lived.begin()
    try:
        yield lived
    finally:
        await lived.monitor.stop()


async def test_the_next_exporter_begins_with_the_end_of_the_last(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with life(tmp_path) as first:
        first.probe()
        first.probe()
        await first.keeper.close()
    assert "restored" not in caplog.text
    async with life(tmp_path) as second:
        assert (second.monitor.restored, second.probes) == (1, 2)
        assert second.metric("mx_exporter_restored_targets") == 1.0
        second.probe()
        assert (second.monitor.restored, second.probes) == (0, 3)
        await second.keeper.close()
    assert "state restored" in caplog.text


async def test_of_one_that_was_killed_the_state_is_kept_and_the_counters_begin_anew(tmp_path: Path) -> None:
    async with life(tmp_path) as first:
        first.probe()
        await first.keeper.save()
        assert first.metric("mx_exporter_storage_size_bytes") > 100
        assert first.metric("mx_exporter_storage_last_save_timestamp_seconds") == pytest.approx(time.time(), abs=5.0)
        first.keeper._file.release()  # as the end of the process does
    async with life(tmp_path) as second:
        assert (second.monitor.restored, second.probes) == (1, 0)
        await second.keeper.close()


async def test_an_end_while_the_state_is_read_costs_no_counters(tmp_path: Path) -> None:
    async with life(tmp_path) as first:
        first.probe()
        await first.keeper.close()
    killed = Life(tmp_path)
    await killed.keeper.load()
    killed.keeper._file.release()  # as the end of the process does
    await killed.monitor.stop()
    async with life(tmp_path) as third:
        assert (third.monitor.restored, third.probes) == (1, 1)
        await third.keeper.close()


@pytest.mark.parametrize("ending", [True, False])
async def test_a_folder_that_can_only_be_read_has_its_state_restored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, ending: bool
) -> None:
    """The counters of such a state would come back with each start, whatever was counted meanwhile."""
    caplog.set_level(logging.INFO)
    async with life(tmp_path) as first:
        first.probe()
        await (first.keeper.close() if ending else first.keeper.save())
        first.keeper._file.release()

    def hold(_: StateFile) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(StateFile, "hold", hold)
    files = _names(tmp_path)
    async with life(tmp_path) as second:
        assert (second.monitor.restored, second.probes) == (1, 0)
        (told_of,) = [each for each in caplog.records if each.message == "state restored"]
        assert _fields(told_of)["counters"] == "begin at 0, for the folder cannot be written"
        await second.keeper.save()
        assert second.metric("mx_exporter_storage_last_save_successful") == 0.0
        await second.keeper.close()
    assert _names(tmp_path) == files


async def test_a_second_exporter_is_told_and_probes_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with life(tmp_path) as first, life(tmp_path) as second:
        assert "state not restored" in caplog.text
        second.probe()
        await second.keeper.save()
        assert "state not saved" in caplog.text
        assert second.metric("mx_exporter_storage_last_save_successful") == 0.0
        before = len(caplog.records)
        await second.keeper.save()
        assert len(caplog.records) == before, "told once"
        await first.keeper.close()
        await second.keeper.save()
        assert second.metric("mx_exporter_storage_last_save_successful") == 1.0
        await second.keeper.close()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: dict[str, object] = record.__dict__["fields"]
    return fields


@pytest.mark.parametrize(
    "content",
    [b"", b"foreign", gzip.compress(b"{}\n"), gzip.compress(b"[1]\n[")],
    ids=["empty", "foreign", "another", "torn"],
)
async def test_a_file_that_is_no_state_is_told_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = StateFile(tmp_path, Shard()).path
    path.write_bytes(content)
    async with life(tmp_path) as lived:
        (told_of,) = [each for each in caplog.records if each.message == "state not restored"]
        assert _fields(told_of)["file"] == path
        assert lived.monitor.restored == 0
        lived.probe()
        await lived.keeper.close()
    async with life(tmp_path) as again:
        assert again.monitor.restored == 1
        await again.keeper.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    async with life(tmp_path / "file") as lived:
        assert "state not restored" in caplog.text
        lived.probe()
        await lived.keeper.save()
        await lived.keeper.close()


async def test_a_bug_in_the_reader_costs_no_probe(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("bug")

    async with life(tmp_path) as first:
        await first.keeper.save()
        first.keeper._file.release()
    monkeypatch.setattr(state_keeping, "read_state", broken)
    async with life(tmp_path) as lived:
        assert "internal error in a saved state" in caplog.text
        assert lived.metric("mx_exporter_internal_errors_total") == 1.0
        await lived.keeper.close()


async def test_a_file_system_that_hangs_holds_up_neither_start_nor_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(state_keeping, "_LOAD_SECONDS", 0.05)
    monkeypatch.setattr(StateFile, "hold", lambda self: release.wait(20.0))
    async with life(tmp_path) as lived:
        assert _fields(caplog.records[0])["problem"] == "the file system does not answer"
        await lived.keeper.save()
        await lived.keeper.close()
        release.set()


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def test_after_the_end_nothing_is_saved_any_more(tmp_path: Path) -> None:
    """The task that saves now and then is cancelled later than that."""
    async with life(tmp_path) as lived:
        lived.probe()
        await lived.keeper.close()
        await lived.keeper.save()
        assert _names(tmp_path) == {"mx-exporter.state.end", "mx-exporter.lock"}
    async with life(tmp_path) as again:
        assert again.probes == 1
        await again.keeper.close()


async def test_a_save_that_hangs_does_not_hold_up_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, begun = threading.Event(), threading.Event()

    def hang(_: int) -> None:
        begun.set()
        release.wait(20.0)

    monkeypatch.setattr(state_keeping, "_END_SECONDS", 0.05)
    monkeypatch.setattr("exporter.storage.state_file.os.fsync", hang)
    async with life(tmp_path) as lived:
        saving = asyncio.ensure_future(lived.keeper.save())
        try:
            await until(begun.is_set)
            async with asyncio.timeout(5.0):
                await lived.keeper.close()
            assert _fields(caplog.records[-1])["problem"] == "the file system does not answer"
        finally:
            release.set()
            await saving


async def test_it_is_saved_now_and_then_and_the_end_waits_for_no_save_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_keeping, "SAVE_SECONDS", 0.01)
    async with life(tmp_path) as lived:
        keeping = asyncio.ensure_future(lived.keeper.keep())
        path = StateFile(tmp_path, Shard()).path
        await until(path.exists)
        monkeypatch.setattr(state_keeping, "_REST_SECONDS", 0.2)
        lived.probe()
        await asyncio.sleep(0.03)
        await lived.keeper.close()
        keeping.cancel()
    async with life(tmp_path) as again:
        assert again.probes == 1
        await again.keeper.close()


async def test_our_own_side_is_told_as_before_and_judges_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with life(tmp_path) as first:
        first.monitor.side = _Blocked()  # type: ignore[assignment]
        await first.keeper.close()
    async with life(tmp_path) as second:
        text = generate_latest(second.monitor.metrics.registry).decode()
        assert 'mx_egress_state{family="ipv4",state="blocked"} 1.0' in text
        assert 'mx_resolver_state{state="working"} 1.0' in text
        watch = second.monitor.engine.watch
        assert {view.state for view in watch.egress.values()} == {EgressState.UNKNOWN}
        second.probe()
        assert second.monitor.engine.watch.egress[Family.IPV4].state is EgressState.UNKNOWN
        await second.keeper.close()


async def test_no_block_list_is_asked_anew(tmp_path: Path) -> None:
    answer = ListAnswer("bl.example", ListingState.LISTED, time.time(), ("127.0.0.2",))
    async with life(tmp_path) as first:
        first.monitor.block_lists["192.0.2.1", "bl.example"] = answer
        await first.keeper.save()
        first.keeper._file.release()
    async with life(tmp_path) as second:
        assert dict(second.monitor.block_lists.items()) == {("192.0.2.1", "bl.example"): answer}
        await second.keeper.close()


class _Blocked:
    """Our side as the watch of a process before has judged it."""

    def egress(self, _: object) -> object:
        return SIDE.egress

    def resolver(self, _: object) -> object:
        return SIDE.resolver

    def changes(self, _: object) -> object:
        return SIDE.changes

    def expire(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def _no_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes are those of the tests: nothing is looked up."""
    monkeypatch.setattr("exporter.app.engine.Engine.adopting", lambda self, targets: iter(()))
