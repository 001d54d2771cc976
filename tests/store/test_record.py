"""A record with one more result, and what a reader who holds an earlier one sees."""

from __future__ import annotations

import pytest

from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult
from exporter.store.record import LastState, TargetRecord, change_of
from exporter.store.row import NO_ROW, Row
from tests.results import domain, down_host, result, up_host

C = FailureClass
DOWN = down_host(C.BANNER_REJECTED)
ROW = Row(NO_ROW.shape, ("a",), ())


def probed(record: TargetRecord, seen: DomainResult, began: float) -> TargetRecord:
    return record.probed(seen, began, change_of(record, seen))


def test_a_reader_keeps_what_it_holds() -> None:
    first = probed(TargetRecord(domain()), result(DOWN), 1.0)
    second = probed(first, result(DOWN), 2.0)
    assert (first.probes, first.probe_failures, second.probes, second.probe_failures) == (1, 1, 2, 2)
    with pytest.raises(AttributeError):
        first.probes = 5  # type: ignore[misc]


def test_a_state_lasts_from_the_probe_that_showed_it_first() -> None:
    record = TargetRecord(domain())
    for moment, host in enumerate((up_host(), DOWN, DOWN, up_host()), 1):
        record = probed(record, result(host), float(moment))
    assert (record.since, record.began) == (4.0, 4.0)
    assert [change.at for change in record.history.changes] == [1.0, 2.0, 4.0]


def test_a_result_that_its_hosts_have_changed_counts_no_probe() -> None:
    record = probed(TargetRecord(domain()), result(DOWN), 1.0)
    seen = result(down_host(C.EGRESS_BLOCKED))
    again = record.joined(seen, 5.0, change_of(record, seen))
    assert (again.result, again.probes, again.probe_failures) == (seen, 1, 1)
    assert len(again.history.recent) == 1
    assert (again.began, again.since) == (1.0, 5.0)


def test_of_a_target_that_is_removed_its_last_state_is_kept_and_no_result() -> None:
    record = probed(TargetRecord(domain(), row=ROW), result(DOWN), 1.0)
    removed = record.removed()
    assert (removed.result, removed.row, removed.last) == (None, NO_ROW, LastState(result(DOWN).failure))
    assert removed.removed().last == removed.last
    assert change_of(removed, result(DOWN)) is None
    change = change_of(removed, result(up_host()))
    assert change is not None
    assert (change.first, change.before, change.now) == (False, result(DOWN).failure, None)
