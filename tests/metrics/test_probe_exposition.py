"""The answer to a probe on demand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from exporter.metrics.exposition import negotiate
from exporter.metrics.families import FAMILIES
from exporter.metrics.probe_exposition import probe_exposition
from exporter.model.result import DomainResult
from exporter.model.target import HostSeries, Settings, Target, TargetKind
from tests.metrics.rendering import OPENMETRICS, PLAIN
from tests.results import domain, down_host, result, tls_host, up_host, with_policies

TARGET = domain("healthy.example", team="mail")
PROBED = with_policies(result(up_host(), down_host(), tls_host()))._replace(providers=("healthy.example",))


def text_of(
    probed: DomainResult = PROBED,
    target: Target = TARGET,
    accept: str = PLAIN,
    wanted: frozenset[str] | None = None,
    disabled: frozenset[str] = frozenset(),
) -> str:
    return b"".join(probe_exposition(target, probed, negotiate(accept), wanted, disabled)).decode()


def names(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}


def test_the_series_of_the_target_of_its_hosts_and_of_blackbox_exporter_are_told() -> None:
    text = text_of()
    assert 'mx_domain_up{domain="healthy.example",team="mail"} 1.0\n' in text
    assert text.count("\nmx_host_up{") == 3
    assert "\nprobe_success 1.0\n" in text
    samples = [sample for family in parse_plain(text) for sample in family.samples]
    assert len({(s.name, tuple(sorted(s.labels.items()))) for s in samples}) == len(samples)


@pytest.mark.parametrize("accept", [PLAIN, OPENMETRICS])
def test_there_is_no_counter_for_it_would_stand_at_1_for_ever(accept: str) -> None:
    counters = {family.name.removesuffix("_total") for family in FAMILIES if family.type == "counter"}
    assert counters
    assert not {name.removesuffix("_total") for name in names(text_of(accept=accept))} & counters


def test_openmetrics_can_be_read_and_ends_once() -> None:
    text = text_of(accept=OPENMETRICS)
    assert [*openmetrics_families(text)]  # type: ignore[no-untyped-call]
    assert text.count("# EOF") == 1


def test_the_domains_behind_a_host_are_not_known_here() -> None:
    assert "mx_host_domains" not in text_of()


def test_names_choose_among_all_series() -> None:
    wanted = frozenset({"probe_success", "mx_host_up", "mx_domain_probes_total", "nonsense"})
    assert names(text_of(wanted=wanted)) == {"probe_success", "mx_host_up"}


def test_what_is_switched_off_is_off_here_too() -> None:
    assert "mx_host_extension" in names(text_of())
    assert "mx_host_extension" not in names(text_of(disabled=frozenset({"mx_host_extension"})))


@pytest.mark.parametrize(("series", "hosts"), [("all", 3), ("failing", 1), ("none", 0)])
def test_the_series_of_hosts_are_those_that_the_target_wants(series: HostSeries, hosts: int) -> None:
    target = replace(TARGET, settings=Settings(host_series=series))
    assert text_of(target=target).count("\nmx_host_up{") == hosts
    assert "\nmx_domain_up{" in text_of(target=target)


def test_a_host_that_is_asked_for_has_its_labels_and_no_domain() -> None:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", Settings(), (("team", "relays"),))
    text = text_of(result(up_host("relay.example"))._replace(lookup=None), relay)
    assert 'mx_host_labels{module="default",mx="relay.example",port="25",team="relays"} 1.0\n' in text
    assert "mx_domain" not in text


def test_a_host_that_is_in_a_result_twice_is_told_once() -> None:
    assert text_of(result(up_host(), up_host())).count("\nmx_host_up{") == 1
