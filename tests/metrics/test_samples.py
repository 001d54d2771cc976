"""The exposition, whole: against a golden file, the library's own writer and promtool."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from prometheus_client.registry import Collector

from exporter.metrics.blackbox import probe_series
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.incremental import render_after
from exporter.metrics.samples import render
from exporter.model.address import Family
from exporter.model.egress import EgressState, EgressView
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import HostResult, ProbeResult
from exporter.model.target import Target, TargetKind
from exporter.store.record import TargetRecord
from exporter.store.targets import TargetStore
from tests.results import AT, changed, domain, down_host, lookup_failed, result, tls_host, up_host, with_policies
from tests.support.require import require_program
from tests.support.steps import at_once

# The library has no types for these.
parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics_families
write_openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics
GOLDEN = Path(__file__).parent / "golden.txt"
PLAIN = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def _store(*results: tuple[Target, ProbeResult | None]) -> TargetStore:
    store = TargetStore(render_after)
    at_once(store.replacing([target for target, _ in results]))
    for target, probed in results:
        if probed is not None:
            store.record(target, probed)
    return store


def _text(store: TargetStore, accept: str = PLAIN, registry: CollectorRegistry | None = None) -> str:
    samples = [record.samples for record in store.records()]
    return b"".join(exposition(samples, registry, negotiate(accept))).decode()


def _everything() -> TargetStore:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", domain().settings)
    return _store(
        (domain("healthy.example", team="mail", Site='north "x"\\\n'), with_policies(result(up_host(), down_host()))),
        (domain("blocked.example"), result(down_host())),
        (domain("gone.example"), lookup_failed(FailureClass.DNS_NXDOMAIN)),
        (domain("waiting.example"), None),
        (domain("secure.example"), result(tls_host(), name="secure.example")),
        (relay, result(up_host("relay.example:25", "192.0.2.7", None))),
    )


def test_the_whole_exposition_is_that_of_the_golden_file() -> None:
    assert _text(_everything()) == GOLDEN.read_text(encoding="utf-8")


class _Parsed(Collector):
    """Families read from text, for the library to write again."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def test_the_plain_text_is_byte_for_byte_what_prometheus_client_writes() -> None:
    text = _text(_everything())
    registry = CollectorRegistry()
    registry.register(_Parsed(list(parse_plain(text))))
    assert generate_latest(registry).decode() == text


def test_openmetrics_is_byte_for_byte_what_prometheus_client_writes() -> None:
    text = _text(_everything(), OPENMETRICS)
    registry = CollectorRegistry()
    registry.register(_Parsed(list(parse_openmetrics(text))))
    assert write_openmetrics(registry).decode() == text


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_breaks_out_of_a_label(mx: str, label: str) -> None:
    store = _store((domain("x.example", team=label), result(up_host(mx), down_host(name=mx))))
    names = {sample.name for family in parse_plain(_text(store)) for sample in family.samples}
    assert all(name.startswith("mx_") for name in names)
    labels = [s.labels for f in parse_plain(_text(store)) for s in f.samples if s.name == "mx_host_up"]
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


@pytest.mark.parametrize("accept", [PLAIN, "text/plain; version=1.0.0", OPENMETRICS])
def test_promtool_has_nothing_to_say(accept: str) -> None:
    promtool = require_program("promtool")
    own = ExporterMetrics()
    own.loaded((domain(),))
    own.started(0.01)
    own.probed(result(up_host()))
    text = _text(_everything(), accept, own.registry)
    if accept == OPENMETRICS:
        assert text.endswith("# EOF\n")
        assert text.count("# EOF") == 1
        return  # promtool reads the plain format only; the library's parser has read this one above
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_no_series_tells_when_it_was_created() -> None:
    own = ExporterMetrics()
    for accept in (PLAIN, OPENMETRICS):
        assert "_created" not in _text(_everything(), accept, own.registry)


def test_the_last_hop_is_named_while_it_is_known() -> None:
    hop = changed(down_host(FailureClass.PORT_FILTERED), last_hop="192.0.2.254")
    labels = 'address="2001:db8::2",domain="healthy.example",hop="192.0.2.254",mx="mx2.healthy.example"'
    assert f"mx_path_last_hop{{{labels}}} 1.0\n" in _text(_store((domain(), result(hop))))
    assert "mx_path_last_hop{" not in _text(_store((domain(), result(down_host()))))


def test_a_host_that_is_down_has_no_warnings() -> None:
    caught = changed(up_host(), failure=Failure(Stage.BANNER, FailureClass.EGRESS_INTERCEPTED))
    assert "mx_host_warning{" not in _text(_store((domain(), result(caught))))


def test_exactly_one_state_of_each_family_holds() -> None:
    own = ExporterMetrics()
    own.egress_turned({Family.IPV4: EgressView(EgressState.BLOCKED), Family.IPV6: EgressView(EgressState.OPEN)})
    samples = [sample for family in own.registry.collect() for sample in family.samples]
    holding = [s.labels for s in samples if s.name == "mx_egress_state" and s.value == 1.0]
    assert holding == [{"family": "ipv4", "state": "blocked"}, {"family": "ipv6", "state": "open"}]
    assert sum(s.name == "mx_egress_state" for s in samples) == 2 * len(EgressState)


def test_references_that_are_gone_are_not_shown() -> None:
    own = ExporterMetrics()
    own.references_seen({"mx.a.example": True, "192.0.2.9:25": False})
    own.references_seen({"192.0.2.9:25": False})
    samples = [sample for family in own.registry.collect() for sample in family.samples]
    found = {s.labels["reference"]: s.value for s in samples if s.name == "mx_egress_reference_up"}
    assert found == {"192.0.2.9:25": 0.0}


def test_a_domain_that_is_up_has_no_failure_series() -> None:
    assert "mx_domain_failure" not in _text(_store((domain(), result(up_host()))))


def test_a_host_target_has_no_domain_series() -> None:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", domain().settings)
    text = _text(_store((relay, result(up_host("relay.example:25", "192.0.2.7", None)))))
    assert "mx_domain_" not in text
    assert 'mx_host_up{address="192.0.2.7",domain="",mx="relay.example:25"} 1.0\n' in text


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; version=1.0.0; escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        # Names of ours need no escapes, and who asks for others gets them as they are.
        ("text/plain; version=1.0.0; escaping=dots", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text; escaping=values", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=x.y", "text/plain; version=0.0.4; charset=utf-8"),
        ("nonsense;;;,,,==", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain, application/openmetrics-text; version=1.0.0; q=0.5", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; q=0.3, Application/OpenMetrics-Text", "application/openmetrics-text; version=1.0.0;"),
        ("application/openmetrics-text; version=1.0.0; q=0", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=2.0.0", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=2.0.0, application/openmetrics-text; version=1.0.0; q=0.9",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("application/openmetrics-text; version=1.0.0; q=nan", "text/plain; version=0.0.4; charset=utf-8"),
        (
            # what Prometheus 2 sends
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_format_is_what_the_scraper_accepts(accept: str, content_type: str) -> None:
    assert negotiate(accept).content_type.startswith(content_type)


def test_blackbox_s_earliest_expiry_is_there_only_where_there_was_tls() -> None:
    secure = b"".join(probe_series(result(tls_host(), up_host()), openmetrics=False))
    assert f"probe_ssl_earliest_cert_expiry {(AT - 86400) / 1e9}e+09\n".encode() in secure
    assert b"probe_ssl" not in b"".join(probe_series(result(up_host()), openmetrics=False))


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
    lines = _text(_store((domain("x.example"), probed))).splitlines()
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
