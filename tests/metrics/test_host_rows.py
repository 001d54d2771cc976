"""The series of a host: told once, and the same whether they are written anew or after an earlier result."""

from __future__ import annotations

from dataclasses import fields, make_dataclass, replace
from itertools import pairwise
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from exporter.metrics import families as f
from exporter.metrics import host_rows
from exporter.metrics.families import FAMILIES
from exporter.metrics.host_rows import host_row
from exporter.model.arrival import Arrival, AuthenticationMethod, AuthenticationResult, Folder, MailboxProblem
from exporter.model.change import HostChange
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState
from exporter.model.result import HostFacts, HostOutcome, HostResult, HostTimings, TlsResult
from exporter.model.target import HostSeries
from exporter.store.hosts import HostRecord
from exporter.store.row import NO_ROW, Row
from tests.metrics.rendering import NONE, host_text, text_of
from tests.results import changed, down_host, names_of, tls_host, up_host

# A result whose every part is there, so that each of its fields has lines to change.
WELL = changed(
    up_host(),
    tls=tls_host().facts.tls,
    auth_tls=("PLAIN",),
    enhanced=((Stage.VRFY, "5.5.1"),),
    dane=Dane(DaneState.VERIFIED),
    arrival=Arrival(Folder.INBOX, 2.5, 1_700_000_000.0, ((AuthenticationMethod.SPF, AuthenticationResult.PASS),)),
)
LABELS = 'domain="",module="default",mx="mx1.healthy.example",port="25"'


def record_of(result: HostResult, **values: Any) -> HostRecord:
    record = HostRecord(result.identity, result, **values)
    return record._replace(row=host_row(record, NONE))


def lines(record: HostRecord, disabled: frozenset[str] = NONE) -> set[str]:
    """The lines of a record, in no order."""
    text = text_of([(host_row(record, disabled), record)])
    return {line for line in text.splitlines() if not line.startswith("#")}


def after(before: HostRecord, result: HostResult, disabled: frozenset[str] = NONE) -> HostRecord:
    record = before._replace(result=result)
    return record._replace(row=host_row(record, disabled, before))


def _with(part: type, name: str, value: Any) -> HostResult:
    """`WELL` with one field of one of its parts changed."""
    change = {name: value}
    if part is HostResult:
        return replace(WELL, **change)
    if part is TlsResult:
        assert WELL.facts.tls is not None
        return changed(WELL, tls=replace(WELL.facts.tls, **change))
    return changed(WELL, **change)


PARTS = [
    (part, name)
    for part in (HostResult, HostOutcome, HostFacts, HostTimings, TlsResult)
    for name in names_of(part)
    if name != "identity"
]


@pytest.mark.parametrize(("part", "name"), PARTS, ids=lambda each: each if isinstance(each, str) else each.__name__)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_result_changed_in_one_field_has_the_row_of_a_fresh_rendering(
    part: type, name: str, data: st.DataObject
) -> None:
    other = _with(part, name, data.draw(st.from_type(get_type_hints(part)[name])))
    for disabled in (NONE, frozenset({"mx_host_tcp_rtt_seconds"}), frozenset({"mx_host_phase_duration_seconds"})):
        record = HostRecord(WELL.identity, WELL)
        record = record._replace(row=host_row(record, disabled))
        for _, now in pairwise((WELL, other, other, WELL)):
            record = after(record, now, disabled)
            assert record.row == host_row(record, disabled)


@pytest.mark.parametrize(
    "change",
    [{"failures": {FailureClass.TIMEOUT: 3}}, {"series": "failing"}, {"domains": 7}, {"domains": None}],
    ids=lambda each: next(iter(each)),
)
def test_a_record_changed_otherwise_has_the_row_of_a_fresh_rendering(change: dict[str, Any]) -> None:
    before = record_of(WELL)
    record = before._replace(**change)
    assert host_row(record, NONE, before) == host_row(record, NONE)


def _written_anew(other: HostResult, monkeypatch: pytest.MonkeyPatch) -> bool:
    """True if all series are written when the result changes to `other`."""
    written: list[HostRecord] = []
    write = host_rows._written

    def counted(record: HostRecord, *more: Any) -> Row:
        written.append(record)
        return write(record, *more)

    before = record_of(WELL)
    monkeypatch.setattr(host_rows, "_written", counted)
    after(before, other)
    return bool(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [("at", 9.0), ("tcp_rtt", 9.0), ("waits", ((Stage.EHLO, 9.0),)), ("tls_at", 9.0), ("took", 9.0)],
)
def test_what_differs_from_one_good_session_to_the_next_is_no_reason_to_write_all_series(
    name: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not _written_anew(changed(WELL, **{name: value}), monkeypatch)
    assert _written_anew(changed(WELL, extensions=()), monkeypatch)


def test_the_series_of_a_new_fact_is_one_line_and_is_written_anew_with_each_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A field and a line are enough: nothing else has to know of a new fact, and its sample does not go stale."""
    newer: type[Any] = make_dataclass("Newer", [("fact", int, 0)], bases=(HostFacts,), frozen=True, slots=True)
    numbers = (*host_rows._NUMBERS, (f.HOST_SIZE_LIMIT, lambda host: host.facts.fact))
    monkeypatch.setattr(host_rows, "_NUMBERS", numbers)
    record = HostRecord(WELL.identity)
    for fact in (1, 2, 3):
        facts = newer(**{each.name: getattr(WELL.facts, each.name) for each in fields(HostFacts)}, fact=fact)
        record = after(record, replace(WELL, facts=facts))
        assert f'mx_host_size_limit_bytes{{address="192.0.2.1",{LABELS}}} {fact}.0' in lines(record)


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_breaks_out_of_a_label(mx: str, status: str) -> None:
    hosts = [
        changed(down_host(name=mx), domain=status, last_hop=mx, enhanced=((Stage.BANNER, status),)),
        changed(up_host(mx), module=status),
    ]
    text = host_text(*hosts)
    samples = [sample for family in parse_plain(text) for sample in family.samples]
    assert {sample.name for sample in samples} <= {family.name for family in FAMILIES}
    assert [s.labels["mx"] for s in samples if s.name == "mx_host_up"] == [mx, mx]
    assert {s.labels["status"] for s in samples if s.name == "mx_host_enhanced_status"} == {status}
    assert {(s.labels["domain"], s.labels["module"]) for s in samples} == {(status, "default"), ("", status)}


def test_every_series_has_the_labels_of_the_host() -> None:
    text = host_text(changed(tls_host(), module="full@192.0.2.7", port=2525, domain="secure.example"), down_host())
    for family in parse_plain(text):
        for sample in family.samples:
            assert sample.labels.keys() >= {"mx", "address", "port", "module", "domain"}, sample
    assert 'domain="secure.example",module="full@192.0.2.7",mx="mx.secure.example",port="2525"} 1.0' in text


SERIES: list[tuple[HostSeries, HostResult, bool]] = [
    ("all", up_host(), True),
    ("all", down_host(), True),
    ("failing", up_host(), False),
    ("failing", down_host(), True),
    ("none", up_host(), False),
    ("none", down_host(), False),
]


@pytest.mark.parametrize(("series", "result", "told"), SERIES)
def test_of_a_host_the_series_are_told_that_its_targets_want(
    series: HostSeries, result: HostResult, told: bool
) -> None:
    record = HostRecord(result.identity, result, {FailureClass.TIMEOUT: 2}, series=series)
    assert (host_row(record, NONE) is not NO_ROW) == told
    assert any("mx_host_failures_total" in line for line in lines(record)) == told


def test_a_host_that_recovers_and_fails_again_has_its_series_then() -> None:
    record = HostRecord(WELL.identity, series="failing")
    failing = changed(WELL, failure=Failure(Stage.BANNER, FailureClass.TIMEOUT))
    for result in (failing, WELL, failing, failing):
        record = after(record, result)
        assert record.row == host_row(record, NONE)
        assert (record.row is NO_ROW) == result.up


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.name.startswith(("mx_host", "mx_path"))])
def test_a_family_that_is_switched_off_is_not_told_and_the_others_are(family: f.MetricFamily) -> None:
    full = changed(tls_host(), failure=Failure(Stage.RCPT, FailureClass.TIMEOUT), last_hop="192.0.2.9", tcp_rtt=1.0)
    full = changed(full, dane=Dane(DaneState.VERIFIED), enhanced=((Stage.RCPT, "4.0.0"),), size_limit=5)
    for result in (full, WELL):
        record = HostRecord(result.identity, result, {FailureClass.TIMEOUT: 2}, domains=3)
        whole = lines(record)
        left = lines(record, frozenset({family.name}))
        assert left == {line for line in whole if line.partition("{")[0] != family.name}


def test_a_host_without_a_result_has_no_series() -> None:
    assert host_row(HostRecord(WELL.identity), NONE) is NO_ROW


def test_where_the_domains_behind_a_host_are_not_known_none_are_told() -> None:
    assert not any("mx_host_domains" in line for line in lines(record_of(WELL, domains=None)))
    assert f'mx_host_domains{{address="192.0.2.1",{LABELS}}} 412.0' in lines(record_of(WELL, domains=412))


def test_the_last_hop_is_named_while_it_is_known() -> None:
    hop = changed(down_host(FailureClass.PORT_FILTERED), last_hop="192.0.2.254")
    labels = 'address="2001:db8::2",domain="",hop="192.0.2.254",module="default",mx="mx2.healthy.example",port="25"'
    assert f"mx_path_last_hop{{{labels}}} 1.0\n" in host_text(hop)
    assert "mx_path_last_hop{" not in host_text(down_host())


@pytest.mark.parametrize(
    ("arrival", "expected"),
    [
        (
            Arrival(Folder.JUNK, 2.5, 1e9, ((AuthenticationMethod.DMARC, AuthenticationResult.FAIL),)),
            {
                "arrival_seconds{%s} 2.5",
                "last_arrival_timestamp_seconds{%s} 1e+09",
                'folder{%s,folder="junk"} 1.0',
                'authentication{%s,method="dmarc",result="fail"} 1.0',
                "mailbox_up{%s} 1.0",
            },
        ),
        (Arrival(at=1e9, missing="lost"), {"last_arrival_timestamp_seconds{%s} 1e+09", "mailbox_up{%s} 1.0"}),
        (Arrival(problem=MailboxProblem.LOGIN), {"mailbox_up{%s} 0.0"}),
        (None, set()),
    ],
)
def test_canaries_have_series_for_what_is_known_of_them(arrival: Arrival | None, expected: set[str]) -> None:
    found = {line for line in lines(record_of(changed(WELL, arrival=arrival))) if line.startswith("mx_canary_")}
    assert {in_order(line) for line in found} == {in_order("mx_canary_" + line % CANARY_LABELS) for line in expected}


CANARY_LABELS = f'address="192.0.2.1",{LABELS}'


def in_order(line: str) -> tuple[str, frozenset[str], str]:
    name, _, rest = line.partition("{")
    labels, _, value = rest.partition("} ")
    return name, frozenset(labels.split(",")), value


def test_a_host_that_is_down_has_no_warnings() -> None:
    caught = changed(up_host(), failure=Failure(Stage.BANNER, FailureClass.EGRESS_INTERCEPTED))
    assert "mx_host_warning{" not in host_text(caught)


def test_changes_are_counted_by_what_changed() -> None:
    record = record_of(WELL)
    row = host_row(record, NONE, changes=lambda _: ((HostChange.STARTTLS_LOST, 2), (HostChange.CERTIFICATE, 1)))
    counted = [line for line in text_of([(row, record)]).splitlines() if line.startswith("mx_host_changes_total{")]
    assert counted == [
        f'mx_host_changes_total{{address="192.0.2.1",{LABELS},what="starttls_lost"}} 2.0',
        f'mx_host_changes_total{{address="192.0.2.1",{LABELS},what="certificate"}} 1.0',
    ]
