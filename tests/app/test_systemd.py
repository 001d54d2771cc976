from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.app import systemd
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is a part of Linux")


class Supervisor:
    """The receiving end of $NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return told


@pytest.fixture(params=["path", "abstract"])
def supervisor(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    path = str(tmp_path / "notify") if request.param == "path" else f"\0mx-exporter-test-{os.getpid()}"
    found = Supervisor(path)
    monkeypatch.setenv("NOTIFY_SOCKET", path.replace("\0", "@"))
    yield found
    found.socket.close()


def test_states_are_one_datagram(supervisor: Supervisor) -> None:
    systemd.notify(systemd.READY, "STATUS=probing 3 targets")
    assert supervisor.heard() == ["READY=1\nSTATUS=probing 3 targets"]


def test_a_reload_is_told_with_its_time(supervisor: Supervisor) -> None:
    systemd.notify_reloading()
    (told,) = supervisor.heard()
    state, _, moment = told.partition("\nMONOTONIC_USEC=")
    assert state == "RELOADING=1"
    assert int(moment) > 0


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here", "vsock:2:3", "relative"])
def test_that_nobody_listens_is_no_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify(systemd.READY)


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", None, 30.0),
        ("30000000", "own", 30.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("x", None, None),
        (str(2**64 - 1), None, None),  # infinity
        (None, None, None),
    ],
)
def test_when_the_watchdog_wants_to_hear_of_us(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_seconds() == seconds


async def test_the_watchdog_is_fed_as_long_as_the_loop_turns(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    feeding = asyncio.create_task(systemd.feed_watchdog())
    heard: list[str] = []

    def enough() -> bool:
        heard.extend(supervisor.heard())
        return len(heard) >= 3

    await until(enough)
    feeding.cancel()
    assert set(heard) == {"WATCHDOG=1"}


async def test_the_watchdog_is_not_fed_while_the_probes_stand_still(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000")
    asked = 0

    def trouble() -> str:
        nonlocal asked
        asked += 1
        return "they stand still"

    feeding = asyncio.create_task(systemd.feed_watchdog(trouble))
    await until(lambda: asked > 2)
    feeding.cancel()
    assert list(supervisor.heard()) == []


async def test_without_a_watchdog_nothing_is_fed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    await asyncio.wait_for(systemd.feed_watchdog(), 10)
