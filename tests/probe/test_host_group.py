"""Groups of hosts: their results are looked at once for all that hold them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostOutcome, HostResult
from exporter.probe.host_group import HostGroup
from exporter.probe.join import seen_hosts
from tests.results import changed, up_host


class _Host:
    def __init__(self, result: HostResult | None = None) -> None:
        self.result = result


class _Hold(NamedTuple):
    host: _Host


def group_of(hosts: list[_Host]) -> HostGroup[_Hold]:
    return HostGroup(tuple([_Hold(host) for host in hosts]))


def result(address: str, took: float = 1.0) -> HostResult:
    return changed(up_host(address=address), took=took)


def test_a_group_has_the_results_of_its_hosts_in_their_order_and_the_longest_session() -> None:
    hosts = [_Host(result("192.0.2.2", 3.0)), _Host(result("192.0.2.1", 2.0))]
    seen = group_of(hosts).seen()
    assert seen is not None
    assert (seen.results, seen.longest, seen.is_up) == ((hosts[0].result, hosts[1].result), 3.0, True)


def test_what_is_seen_is_one_object_until_a_host_has_another_result() -> None:
    hosts = [_Host(result("192.0.2.2")), _Host(result("192.0.2.1"))]
    group = group_of(hosts)
    first = group.seen()
    assert group.seen() is first
    hosts[1].result = result("192.0.2.1", 4.0)
    second = group.seen()
    assert second is not None
    assert second.longest == 4.0
    assert second.results[1] is hosts[1].result
    assert group.seen() is second


def test_a_host_that_fails_is_seen_and_one_without_a_session_is_not() -> None:
    failure = Failure(Stage.BANNER, FailureClass.BANNER_TEMPFAIL, "busy")
    hosts = [_Host(result("192.0.2.2")), _Host()]
    group = group_of(hosts)
    assert group.seen() is None
    hosts[1].result = changed(result("192.0.2.1"), at=0.0)
    assert group.seen() is None
    hosts[1].result = replace(result("192.0.2.1"), outcome=HostOutcome(failure, failure))
    seen = group.seen()
    assert seen is not None
    assert not seen.is_up


def test_without_results_nothing_is_down_and_nothing_took_time() -> None:
    assert seen_hosts(()) == ((), 0.0, True)
