"""Log lines about results: a change of state is one, with all that tells why."""

from __future__ import annotations

import logging

import pytest

from exporter.app.state_log import log_change, log_probe
from exporter.model.failure import FailureClass
from exporter.store.record import Change
from tests.results import domain, down_host, result, up_host

DOWN = down_host(FailureClass.BANNER_REJECTED).failure


def fields(caplog: pytest.LogCaptureFixture) -> dict[str, object]:
    (record,) = caplog.records
    found: dict[str, object] = vars(record)["fields"]
    return found


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "exporter.app.state_log")


def test_a_target_that_goes_down_is_logged_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    log_change(Change(domain(), first=False, before=None, now=DOWN))
    found = fields(caplog)
    assert [record.message for record in caplog.records] == ["target state changed"]
    assert (found["target"], found["state"], found["class"]) == ("healthy.example", "down", "banner_rejected")
    assert (found["before"], bool(found["detail"])) == ("up", True)


def test_a_target_that_comes_up_is_logged_with_the_class_before(caplog: pytest.LogCaptureFixture) -> None:
    log_change(Change(domain(), first=False, before=DOWN, now=None))
    assert fields(caplog) == {"target": "healthy.example", "state": "up", "before": "banner_rejected"}


def test_the_first_result_is_news_only_if_the_target_is_down(caplog: pytest.LogCaptureFixture) -> None:
    log_change(Change(domain(), first=True, before=None, now=None))
    assert caplog.records == []
    log_change(Change(domain(), first=True, before=None, now=DOWN))
    assert "before" not in fields(caplog)


def test_every_result_is_logged_at_debug_alone(caplog: pytest.LogCaptureFixture) -> None:
    log_probe(domain(), result(up_host()))
    assert caplog.records == []
    caplog.set_level(logging.DEBUG, "exporter.app.state_log")
    log_probe(domain(), result(up_host()))
    assert (fields(caplog)["target"], fields(caplog)["up"]) == ("healthy.example", 1)
