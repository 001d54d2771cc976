from __future__ import annotations

import logging

import pytest

from exporter.web.server import memory_shortage
from tests.web.asking import get
from tests.web.fake_backend import FakeBackend


@pytest.mark.parametrize("path", ["/metrics", "/sd", "/config"])
async def test_where_memory_is_short_a_client_is_told_to_come_again(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    def short(*_: object) -> None:
        raise MemoryError

    for name in ("metrics", "discovery", "effective_config"):
        monkeypatch.setattr(backend, name, short)
    monkeypatch.setattr(memory_shortage._limit, "_logged_at", None)
    with caplog.at_level(logging.ERROR, "exporter.web.server.memory_shortage"):
        answer = await get(backend, path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert [record.message for record in caplog.records] == ["web answer dropped, memory is short"]
