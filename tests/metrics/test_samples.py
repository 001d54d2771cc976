"""The samples of one target, rendered from its record."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from exporter.metrics.incremental import render_after
from exporter.metrics.samples import render
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import HostResult
from exporter.model.target import Target, TargetKind
from exporter.store.record import TargetRecord
from exporter.store.targets import TargetStore
from tests.metrics.rendering import store_of, text_of
from tests.results import AT, changed, domain, down_host, result, tls_host, up_host
from tests.support.steps import at_once


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_breaks_out_of_a_label(mx: str, label: str) -> None:
    store = store_of((domain("x.example", team=label), result(up_host(mx), down_host(name=mx))))
    names = {sample.name for family in parse_plain(text_of(store)) for sample in family.samples}
    assert all(name.startswith("mx_") for name in names)
    labels = [s.labels for f in parse_plain(text_of(store)) for s in f.samples if s.name == "mx_host_up"]
    assert [found["mx"] for found in labels] == [mx, mx]


WELL = up_host(address="192.0.2.1")
BESIDE = up_host(address="192.0.2.2")
NEXT = [
    pytest.param(changed(WELL, phases=tuple((stage, 3 * took) for stage, took in WELL.timings.phases)), id="durations"),
    pytest.param(changed(WELL, tcp_rtt=1e-7), id="round-trip-time"),
    pytest.param(changed(WELL, tcp_rtt=None), id="no-round-trip-time"),
    pytest.param(changed(WELL, phases=WELL.timings.phases[:-1]), id="a-phase-less"),
    pytest.param(changed(WELL, warnings=()), id="warnings"),
    pytest.param(changed(WELL, preference=77), id="preference"),
    pytest.param(changed(WELL, reply_codes=((Stage.BANNER, 220), (Stage.EHLO, 251))), id="codes"),
    pytest.param(changed(WELL, enhanced=((Stage.VRFY, "5.5.1"),)), id="enhanced"),
    pytest.param(changed(WELL, esmtp=False), id="esmtp"),
    pytest.param(changed(WELL, extensions=("DSN",)), id="extensions"),
    pytest.param(changed(WELL, size_limit=7), id="size"),
    pytest.param(changed(WELL, tls=tls_host().facts.tls), id="tls"),
    pytest.param(changed(WELL, auth_tls=("PLAIN",)), id="auth"),
    pytest.param(changed(WELL, auth_plaintext=("PLAIN",)), id="auth-plaintext"),
    pytest.param(changed(WELL, dane=Dane(DaneState.VERIFIED)), id="dane"),
    pytest.param(changed(WELL, mta_sts_match=True), id="mta-sts"),
    pytest.param(changed(WELL, mx="mx9.healthy.example"), id="name"),
    pytest.param(changed(WELL, address="192.0.2.9"), id="address"),
    pytest.param(down_host(name=WELL.mx), id="down"),
]


@pytest.mark.parametrize("beside", [(), (BESIDE,)], ids=["alone", "beside-another"])
@pytest.mark.parametrize("next_", NEXT)
def test_after_another_result_the_samples_are_the_same_as_without(next_: HostResult, beside: tuple[HostResult]) -> None:
    """Most lines are kept from one result to the next; what has changed is not among them."""
    for target in (domain("healthy.example", team="mail"), Target(TargetKind.HOST, "mx", "mx", domain().settings)):
        results = [
            replace(result(WELL, *beside), duration=0.2),
            replace(result(next_, *beside), at=AT + 60),
            replace(result(next_, *beside), at=AT + 120, duration=3.0),
            result(WELL, *beside),
        ]
        store = TargetStore(render_after)
        at_once(store.replacing([target]))
        for probed in results:
            store.record(target, probed)
            (record,) = store.records()
            assert record.samples == render(record)


@pytest.mark.parametrize(
    "change",
    [
        {"duration": 7.5},
        {"duration": None},
        {"mx_records": 5},
        {"authenticated": True},
    ],
)
def test_after_another_lookup_the_samples_are_the_same_as_without(change: dict[str, Any]) -> None:
    first = result(WELL)
    assert first.lookup is not None
    store = TargetStore(render_after)
    at_once(store.replacing([domain()]))
    for probed in (first, replace(first, lookup=replace(first.lookup, **change)), replace(first, lookup=None)):
        store.record(domain(), probed)
        (record,) = store.records()
        assert record.samples == render(record)


def test_the_last_hop_is_named_while_it_is_known() -> None:
    hop = changed(down_host(FailureClass.PORT_FILTERED), last_hop="192.0.2.254")
    labels = 'address="2001:db8::2",domain="healthy.example",hop="192.0.2.254",mx="mx2.healthy.example"'
    assert f"mx_path_last_hop{{{labels}}} 1.0\n" in text_of(store_of((domain(), result(hop))))
    assert "mx_path_last_hop{" not in text_of(store_of((domain(), result(down_host()))))


def test_a_host_that_is_down_has_no_warnings() -> None:
    caught = changed(up_host(), failure=Failure(Stage.BANNER, FailureClass.EGRESS_INTERCEPTED))
    assert "mx_host_warning{" not in text_of(store_of((domain(), result(caught))))


def test_a_domain_that_is_up_has_no_failure_series() -> None:
    assert "mx_domain_failure" not in text_of(store_of((domain(), result(up_host()))))


def test_a_host_target_has_no_domain_series() -> None:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", domain().settings)
    text = text_of(store_of((relay, result(up_host("relay.example:25", "192.0.2.7", None)))))
    assert "mx_domain_" not in text
    assert 'mx_host_up{address="192.0.2.7",domain="",mx="relay.example:25"} 1.0\n' in text


@pytest.mark.parametrize(
    ("mta_sts", "tls_rpt", "expected"),
    [
        (None, None, set()),
        (MtaSts(MtaStsMode.ABSENT), TlsRpt(False), {'mx_domain_mta_sts_mode{domain="x.example",mode="absent"} 1.0',
                                                   'mx_domain_tls_rpt{domain="x.example"} 0.0'}),
        (
            MtaSts(MtaStsMode.TESTING, True),
            TlsRpt(True, False, "malformed"),
            {
                'mx_domain_mta_sts_mode{domain="x.example",mode="testing"} 1.0',
                'mx_domain_mta_sts_valid{domain="x.example"} 1.0',
                'mx_domain_tls_rpt{domain="x.example"} 1.0',
                'mx_domain_tls_rpt_valid{domain="x.example"} 0.0',
            },
        ),
        (
            MtaSts(MtaStsMode.UNKNOWN, None, MtaStsProblem.LOCAL),
            TlsRpt(None),
            {
                'mx_domain_mta_sts_mode{domain="x.example",mode="unknown"} 1.0',
                'mx_domain_mta_sts_failure{class="local",domain="x.example"} 1.0',
            },
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_about_a_policy_has_no_series(
    mta_sts: MtaSts | None, tls_rpt: TlsRpt | None, expected: set[str]
) -> None:
    probed = replace(result(name="x.example"), mta_sts=mta_sts, tls_rpt=tls_rpt)
    lines = text_of(store_of((domain("x.example"), probed))).splitlines()
    assert {line for line in lines if line.startswith(("mx_domain_mta_sts", "mx_domain_tls_rpt"))} == expected


def test_the_work_of_rendering_grows_no_faster_than_the_hosts() -> None:
    def seconds(count: int) -> float:
        hosts = [up_host("mx.evil.example", f"10.0.{number // 256}.{number % 256}") for number in range(count)]
        record = TargetRecord(domain("evil.example"), result(*hosts, name="evil.example"))
        begin = time.thread_time()
        samples = render(record)
        assert sum(piece.count(b"\n") for piece in samples) > count
        return time.thread_time() - begin

    few = min(seconds(2000) for _ in range(3))
    assert seconds(20_000) < 40 * few  # ten times as long; a text that is copied for each line takes 100 times
