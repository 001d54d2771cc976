from __future__ import annotations

import logging

import pytest

from exporter.web.server.log_limit import EVERY_SECONDS, LogLimit


def test_it_is_told_once_a_minute_with_how_often(caplog: pytest.LogCaptureFixture) -> None:
    moments = iter((0.0, 1.0, 2.0, EVERY_SECONDS, EVERY_SECONDS + 1.0))
    log = logging.getLogger("exporter.test_seldom")
    seldom = LogLimit(log, "trouble", clock=lambda: next(moments))
    with caplog.at_level(logging.WARNING, log.name):
        for _ in range(5):
            seldom.report(logging.WARNING, where="here")
    assert [record.fields for record in caplog.records] == [  # type: ignore[attr-defined]
        {"times": 1, "where": "here"},
        {"times": 3, "where": "here"},
    ]
