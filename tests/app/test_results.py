"""Results of targets, references and hosts side by side."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from exporter.app.results import Results
from exporter.metrics.domain_rows import target_row
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.host_rows import host_row
from exporter.model.address import Family
from exporter.model.change import DomainChange, HostChange
from exporter.model.failure import FailureClass
from exporter.model.result import HostIdentity, Said
from exporter.model.target import Settings, Target, TargetKind
from exporter.store.row import NO_ROW
from exporter.store.transcripts import keys_of
from tests.results import changed, domain, down_host, result, up_host
from tests.support.steps import at_once

C = FailureClass
TARGET = domain("a.example")
REFERENCE = replace(domain("ref.example"), kind=TargetKind.REFERENCE)
UP = up_host()
HOST = UP.identity
SAID = Said((b"220 mx ESMTP\r\n",), (False,), (0.1,))
NONE: frozenset[str] = frozenset()


class Clock:
    """Seconds that pass when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def text_of(results: Results) -> str:
    return b"".join(exposition(results.rows(), None, negotiate(""))).decode()


def kept(clock: Clock | None = None) -> Results:
    results = Results(clock or Clock())
    at_once(results.replacing([TARGET], [REFERENCE]))
    for target in (TARGET, REFERENCE):
        results.domain_told(target, result(UP), turn=True)
    results.host_described(HOST, "all", 1)
    results.host_told(HOST, UP, session=True)
    return results


def heard(results: Results, *hosts: HostIdentity) -> int:
    return len(results.transcripts_of(hosts))


def test_a_reference_has_results_but_no_series() -> None:
    results = kept()
    reference = results.get(*REFERENCE.key)
    assert reference is not None
    assert (reference.probes, reference.row) == (1, NO_ROW)
    assert [record.target for record in results.targets.records()] == [TARGET]
    assert "ref.example" not in text_of(results)


def test_a_host_is_told_once_however_many_domains_it_serves() -> None:
    results = Results()
    targets = [domain(f"d{number}.example") for number in range(50)]
    at_once(results.replacing(targets, []))
    for target in targets:
        results.domain_told(target, result(UP, name=target.name), turn=True)
    results.host_described(HOST, "all", 50)
    results.host_told(HOST, UP, session=True)
    text = text_of(results)
    assert text.count("\nmx_host_up{") == 1
    assert text.count("\nmx_domain_mx_preference{") == 50
    labels = 'address="192.0.2.1",domain="",module="default",mx="mx1.healthy.example",port="25"'
    assert f"\nmx_host_domains{{{labels}}} 50.0\n" in text


def test_a_host_that_is_gone_takes_its_series_along() -> None:
    results = kept()
    results.host_gone(HOST)
    assert "mx_host_up" not in text_of(results)
    assert len(results.hosts) == 0


def test_a_change_of_state_is_logged_of_targets_alone(caplog: pytest.LogCaptureFixture) -> None:
    results = kept()
    with caplog.at_level(logging.INFO):
        for target in (TARGET, REFERENCE):
            results.domain_told(target, result(down_host(C.EGRESS_BLOCKED)), turn=False)
        results.host_told(HOST, down_host(C.EGRESS_BLOCKED, HOST.mx, HOST.address), session=False)
    assert [record.message for record in caplog.records] == ["target state changed"]
    for target in (TARGET, REFERENCE):
        record = results.get(*target.key)
        assert record is not None
        assert record.result is not None
        assert (record.result.up, record.probes) == (False, 1)


def relay(name: str, **labels: str) -> Target:
    return Target(TargetKind.HOST, name, "relay.example", Settings(), tuple(labels.items()))


def test_a_host_that_is_configured_in_two_ways_has_the_labels_of_the_first() -> None:
    """Two series with the same labels would fail the whole scrape, two with other ones every join."""
    results = Results()
    first, second, other = relay("relay.example", team="a"), relay("relay.example:25", team="b"), relay("c")
    at_once(results.replacing([first, second, other], []))
    shared = result(changed(UP, mx="relay.example"), changed(UP, mx="relay.example", address="192.0.2.9"))
    for target, probed in ((first, shared), (second, shared), (other, result(changed(UP, mx="c", port=26)))):
        results.domain_told(target, probed._replace(lookup=None), turn=True)
    lines = [line for line in text_of(results).splitlines() if line.startswith("mx_host_labels{")]
    assert sorted(lines) == [
        'mx_host_labels{module="default",mx="c",port="26"} 1.0',
        'mx_host_labels{module="default",mx="relay.example",port="25",team="a"} 1.0',
    ]


def test_families_that_are_switched_off_end_and_come_back() -> None:
    results = kept()
    whole = text_of(results)
    off = frozenset({"mx_domain_probe_duration_seconds", "mx_host_phase_duration_seconds", "mx_host_extension"})
    at_once(results.replacing([TARGET], [REFERENCE], off))
    assert not any(f"\n{name}{{" in text_of(results) for name in off)
    at_once(results.replacing([TARGET], [REFERENCE], NONE))
    assert text_of(results) == whole


def test_results_that_come_in_while_families_change_are_told_right() -> None:
    """A row of before must not get the numbers of a row without some of its series."""
    targets = [domain(f"d{number}.example") for number in range(500)]
    hosts = [HOST._replace(address=f"192.0.{number // 250}.{number % 250}") for number in range(500)]
    off = frozenset({"mx_host_tcp_rtt_seconds", "mx_domain_probe_duration_seconds"})
    results = Results()
    at_once(results.replacing(targets, []))

    def take_in(number: int) -> None:
        host = replace(UP, identity=hosts[number])
        results.host_told(hosts[number], host, session=True)
        results.domain_told(targets[number], result(host), turn=True)

    for number in range(500):
        take_in(number)
    for disabled in (off, NONE):
        for number, _ in enumerate(results.replacing(targets, [], disabled)):
            for each in (number, 499 - number):
                take_in(each)
        assert all(record.row == target_row(record, disabled) for record in results.targets.records())
        assert all(record.row == host_row(record, disabled) for record in results.hosts.records())


def test_transcripts_are_those_of_a_host_s_own_sessions_and_of_shared_ones() -> None:
    results = kept()
    shared, own = keys_of(HOST)
    results.session_heard(shared, UP, SAID, lease=False)
    results.session_heard(own, down_host(C.TIMEOUT), SAID, lease=False)
    results.session_heard(shared, down_host(C.CLOSED), SAID, lease=True)
    assert heard(results, HOST) == 3
    assert heard(results, HOST._replace(mx="mx2.b.example")) == 2
    assert heard(results, HOST._replace(port=26)) == 0


def test_what_clients_ask_for_pushes_out_nothing_of_the_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.app.results._LEASE_BYTES", 5000)
    results = kept()
    results.session_heard(HOST, UP, SAID, lease=False)
    asked = [HOST._replace(address=f"192.0.2.{number}") for number in range(2, 100)]
    for each in asked:
        results.session_heard(each, UP, SAID, lease=True)
    assert heard(results, HOST) == 1
    assert 0 < heard(results, *asked) < 10


def test_transcripts_of_a_host_that_is_gone_are_kept_for_an_hour() -> None:
    clock = Clock()
    results = kept(clock)
    beside = HOST._replace(mx="mx2.b.example")
    results.host_told(beside, UP, session=True)
    for key in keys_of(HOST):
        results.session_heard(key, UP, SAID, lease=False)
    results.host_gone(HOST)
    clock.now += 3599
    results.forget()
    assert heard(results, HOST) == 2
    clock.now += 1
    results.forget()
    assert heard(results, HOST) == 1  # that of a session which the other name shares
    results.host_gone(beside)
    clock.now += 3600
    results.forget()
    assert heard(results, HOST) == 0


def test_a_host_that_has_come_back_keeps_its_transcripts() -> None:
    clock = Clock()
    results = kept(clock)
    results.session_heard(HOST, UP, SAID, lease=False)
    results.host_gone(HOST)
    clock.now += 1800
    results.host_told(HOST, UP, session=True)
    clock.now += 3600
    results.forget()
    assert heard(results, HOST) == 1


def test_of_hosts_that_are_gone_a_bounded_number_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.app.results._MAX_GONE", 3)
    results = kept()
    hosts = [HOST._replace(address=f"192.0.2.{number}") for number in range(10, 20)]
    for each in hosts:
        results.session_heard(each, UP, SAID, lease=False)
        results.host_gone(each)
    assert [heard(results, each) for each in hosts] == [0] * 7 + [1] * 3


def test_a_target_that_was_removed_an_hour_ago_begins_anew() -> None:
    clock = Clock()
    results = kept(clock)
    at_once(results.replacing([], []))
    clock.now += 3600
    results.forget()
    at_once(results.replacing([TARGET], []))
    record = results.get(*TARGET.key)
    assert record is not None
    assert record.probes == 0


MOVED = up_host("mx.moved.example", "198.51.100.1")
WITH_STARTTLS = changed(UP, extensions=("STARTTLS",))


def test_what_changes_is_counted_from_the_first_change_on_and_kept_with_its_time() -> None:
    results = kept()
    assert "_changes_total{" not in text_of(results)
    results.host_told(HOST, WITH_STARTTLS, session=True)
    results.host_told(HOST, UP, session=True)
    results.domain_told(TARGET, result(MOVED), turn=True)
    text = text_of(results)
    for what in ("mx", "networks"):
        assert f'\nmx_domain_changes_total{{domain="a.example",what="{what}"}} 1.0\n' in text
    host = 'address="192.0.2.1",domain="",module="default",mx="mx1.healthy.example",port="25"'
    for what in ("starttls_back", "starttls_lost"):
        assert f'\nmx_host_changes_total{{{host},what="{what}"}} 1.0\n' in text
    journal = results.journal_of(TARGET.key, [HOST])
    assert [(change.entry.what, change.host) for change in journal] == [
        (DomainChange.MX, None),
        (DomainChange.NETWORKS, None),
        (HostChange.STARTTLS_BACK, HOST),
        (HostChange.STARTTLS_LOST, HOST),
    ]


def test_a_host_that_failed_in_between_is_compared_with_what_was_known_before() -> None:
    results = kept()
    results.host_told(HOST, WITH_STARTTLS, session=True)
    for _ in range(3):
        results.host_told(HOST, down_host(C.CONNECT_TIMEOUT, HOST.mx, HOST.address), session=True)
    results.host_told(HOST, UP, session=True)
    assert dict(results.host_journals.counts(HOST))[HostChange.STARTTLS_LOST] == 1


def test_what_never_changed_costs_no_memory() -> None:
    results = kept()
    for _ in range(3):
        results.host_told(HOST, UP, session=True)
        results.host_told(HOST, down_host(C.CONNECT_TIMEOUT, HOST.mx, HOST.address), session=True)
        results.host_told(HOST, UP, session=True)
        results.domain_told(TARGET, result(UP), turn=True)
    assert (len(results.host_journals), len(results.domain_journals)) == (0, 0)


def test_the_journals_of_what_went_are_kept_for_an_hour() -> None:
    clock = Clock()
    results = kept(clock)
    results.host_told(HOST, WITH_STARTTLS, session=True)
    results.domain_told(TARGET, result(MOVED), turn=True)
    results.host_gone(HOST)
    at_once(results.replacing([], []))
    clock.now += 3000.0
    results.forget()
    assert (len(results.host_journals), len(results.domain_journals)) == (1, 1)
    clock.now += 1000.0
    results.forget()
    assert (len(results.host_journals), len(results.domain_journals)) == (0, 0)


def test_a_network_that_is_not_asked_for_any_more_is_no_change() -> None:
    results = kept()
    both = result(UP, up_host("mx1.healthy.example", "2001:db8::1"))
    results.domain_told(TARGET, both, turn=True)
    before = results.domain_journals.counts(TARGET.key)
    only_ipv4 = replace(TARGET, settings=replace(TARGET.settings, families=(Family.IPV4,)))
    at_once(results.replacing([only_ipv4], []))
    results.domain_told(only_ipv4, result(UP), turn=True)
    assert results.domain_journals.counts(TARGET.key) == before


@pytest.mark.parametrize("shown", [(), ("STARTTLS",)])
def test_a_dialogue_that_a_reload_has_changed_takes_nothing_from_a_host(shown: tuple[str, ...]) -> None:
    """With TLS from the first byte no host offers STARTTLS; the one after that session has lost it."""
    results = Results()
    host = changed(up_host(), extensions=("STARTTLS",))
    later = (changed(host, extensions=shown), changed(host, extensions=()), host)
    results.host_told(host.identity, host, session=True)
    results.host_asked_otherwise(host.identity)
    counts = []
    for each in later:
        results.host_told(host.identity, each, session=True)
        counts.append([what for what, _ in results.host_journals.counts(host.identity)])
    lost = [HostChange.STARTTLS_LOST] if shown else []
    assert counts == [[], lost, [*lost, HostChange.STARTTLS_BACK]]
