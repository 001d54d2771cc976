"""The web configuration in use, and its reload. TLS and client certificates: tests/web/server/test_handshake.py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

from exporter.config import stillness
from exporter.config.domain_files import states
from exporter.config.web import load
from exporter.config.web.load import WebConfig, load_web
from exporter.model.configuration import FileState
from exporter.web.access import active_config
from exporter.web.access.active_config import ActiveWebConfig, admits
from tests.support.certificates import issue
from tests.support.waiting import until

LIMIT = "rate_limit: {interval: %s, burst: 1}\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(LIMIT % "1s")
    return path


def write(path: Path, text: str) -> None:
    path.write_text(text)


def interval(active: ActiveWebConfig) -> float | None:
    limit = active.config.rate_limit
    return None if limit is None else limit.interval


async def test_a_reload_replaces_the_configuration_and_a_bad_file_does_not(path: Path) -> None:
    loads: list[bool] = []
    active = ActiveWebConfig(path, load_web(path), loads.append)
    write(path, LIMIT % "2s")
    assert await active.reload() == []
    assert interval(active) == 2.0
    write(path, "rate_limit: {interval: never}\n")
    assert await active.reload()
    assert interval(active) == 2.0
    assert loads == [True, False]


async def test_a_problem_that_stays_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    active = ActiveWebConfig(path, load_web(path))
    write(path, "colour: blue\n")
    with caplog.at_level(logging.ERROR, active_config.log.name):
        for _ in range(3):
            assert await active.reload()
    assert [record.message for record in caplog.records] == ["web configuration not reloaded"]


async def test_a_file_is_loaded_once_it_is_still(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    active = ActiveWebConfig(path, load_web(path))
    monkeypatch.setattr(active_config, "_WATCH_SECONDS", 0.01)
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.01)
    pieces = [LIMIT % f"{number}s" + "#" * number for number in range(2, 7)]

    def written_meanwhile(files: Iterable[Path]) -> tuple[FileState, ...]:
        if pieces:
            assert interval(active) == 1.0
            write(path, pieces.pop(0))
        return states(files)

    monkeypatch.setattr(load, "states", written_meanwhile)
    watching = asyncio.ensure_future(active.watch())
    try:
        await until(lambda: interval(active) == 6.0)
    finally:
        watching.cancel()


async def test_a_file_that_never_is_still_is_told_and_read_in_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loads: list[bool] = []
    active = ActiveWebConfig(path, load_web(path), loads.append)
    monkeypatch.setattr(active_config, "_WATCH_SECONDS", 0.001)
    monkeypatch.setattr(stillness, "SETTLE_SECONDS", 0.001)
    looks = 0

    def restless(files: Iterable[Path]) -> tuple[FileState, ...]:
        nonlocal looks
        looks += 1
        if looks <= 3 * active_config._MOST_CHANGES:
            write(path, LIMIT % "9s" + "#" * looks)
        return states(files)

    monkeypatch.setattr(load, "states", restless)
    watching = asyncio.ensure_future(active.watch())
    try:
        with caplog.at_level(logging.ERROR, active_config.log.name):
            await until(lambda: interval(active) == 9.0)
    finally:
        watching.cancel()
    assert loads == [False, True]
    assert [record.message for record in caplog.records] == ["web configuration not reloaded"]


async def test_without_a_file_there_is_nothing_to_reload() -> None:
    active = ActiveWebConfig()
    assert await active.reload() == []
    await active.watch()  # ends at once
    assert active.config == WebConfig()


def test_a_client_needs_one_of_the_names_where_names_are_given() -> None:
    certificate = issue("scraper.example").der
    assert admits(WebConfig(), None)
    assert admits(WebConfig(client_allowed_sans=frozenset({"scraper.example"})), certificate)
    assert not admits(WebConfig(client_allowed_sans=frozenset({"other.example"})), certificate)
    assert not admits(WebConfig(client_allowed_sans=frozenset({"other.example"})), None)
