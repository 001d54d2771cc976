"""A dead host of thousands of domains: how many alerts the shipped rules make of it, by promtool."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.deployed import PROMETHEUS, RULE_FILES, read_yaml, spacious
from tests.support.require import require_program

pytestmark = pytest.mark.long

DOMAINS = 2000
# Of those that have five names: promtool takes 10,000 samples in a query.
MANY_NAMED = 400
_HERE = {"vantage": "here", "job": "mx", "instance": "a:10225"}
_FAILURE = {"class": "connect_refused", "confidence": "certain", "stage": "connect", "verdict": "dead"}
_EXPIRED = {"class": "tls_expired", "confidence": "certain", "stage": "tls", "verdict": "misconfigured"}
# One provider: names by preference, two addresses each.
_NAMES = {f"mx{number}.big.example": 10 * number for number in range(1, 6)}
_ADDRESSES = {mx: [f"192.0.{number}.1", f"192.0.{number}.2"] for number, mx in enumerate(_NAMES, 1)}

Series = dict[str, str]


def _one(metric: str, value: int, **labels: str) -> Series:
    pairs = ",".join(f"{name}={json.dumps(text)}" for name, text in {**_HERE, **labels}.items())
    return {"series": f"{metric}{{{pairs}}}", "values": f"{value}x6"}


def _hosts(dead: Collection[str], **scrape: str) -> Iterator[Series]:
    for mx, addresses in _ADDRESSES.items():
        for address in addresses:
            identity = {"mx": mx, "address": address, "port": "25", "module": "default", "domain": "", **scrape}
            yield _one("mx_host_up", int(address not in dead), **identity)
            if address in dead:
                yield _one("mx_host_failure", 1, **identity, **_FAILURE)


def _domain(domain: str, names: dict[str, int], up: bool, verdict: str = "dead", **scrape: str) -> Iterator[Series]:
    own = {"domain": domain, "team": "mail", **scrape}
    yield _one("mx_domain_up", int(up), **own)
    if not up:
        yield _one("mx_domain_failure", 1, **own, **(_FAILURE if verdict == "dead" else _EXPIRED))
    yield _one("mx_domain_addresses", 2 * len(names), **own, family="ipv4")
    yield _one("mx_domain_provider_info", 1, **own, provider="big.example")
    for mx, preference in names.items():
        yield _one("mx_domain_mx_preference", preference, **own, mx=mx, port="25", module="default")


def _alerts(series: Iterable[Series], expected: dict[str, int], folder: Path) -> None:
    """Hold the alerts that fire 20 minutes later to these, and nothing to others."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": count} for name, count in sorted(expected.items())]
    expression = 'count by (alertname) (ALERTS{alertstate="firing",alertname!="MxExporterAbsent"})'
    test: dict[str, Any] = {
        "rule_files": [str(PROMETHEUS / "rules" / "*.yml")],
        "evaluation_interval": "4m",
        # Those that record before those that alert; promtool has no order of its own.
        "group_eval_order": [group["name"] for path in reversed(RULE_FILES) for group in read_yaml(path)["groups"]],
        "tests": [
            {
                "interval": "4m",
                "input_series": list(series),
                "promql_expr_test": [{"expr": expression, "eval_time": "20m", "exp_samples": samples}],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(json.dumps(test), encoding="utf-8")
    argv = [require_program("promtool"), "test", "rules", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=spacious())
    assert done.returncode == 0, (done.stdout + done.stderr)[:5000]


@pytest.mark.parametrize(("domains", "names"), [(DOMAINS, 1), (MANY_NAMED, 5)])
def test_one_dead_address_of_thousands_of_domains_is_one_alert(domains: int, names: int, tmp_path: Path) -> None:
    held = dict(list(_NAMES.items())[:names])
    series = [*_hosts({"192.0.1.2"})]
    for number in range(domains):
        series += _domain(f"d{number}.example", held, up=True)
    _alerts(series, {"MxHostDown": 1}, tmp_path)


def test_a_dead_name_of_many_domains_is_one_alert_beside_those_that_it_silences(tmp_path: Path) -> None:
    """A tenth of a provider's domains, which have one name alone; what it silences: test_inhibition.py."""
    series = [*_hosts(_ADDRESSES["mx1.big.example"])]
    for number in range(MANY_NAMED):
        alone = number % 10 == 0
        names = {"mx1.big.example": 10} if alone else _NAMES
        series += _domain(f"d{number}.example", names, up=not alone)
    dead = MANY_NAMED // 10
    # Both addresses, which others stand in for, and the name, which has no other for some.
    _alerts(series, {"MxHostDown": 2, "MxSharedHostDown": 1, "MxDomainDead": dead}, tmp_path)


def test_a_dead_address_with_a_name_for_each_of_its_domains_is_one_alert_beside_those_that_it_silences(
    tmp_path: Path,
) -> None:
    series: list[Series] = []
    for number in range(MANY_NAMED):
        own = {"domain": f"d{number}.example"}
        host = {"mx": f"mx.d{number}.example", "port": "25", "module": "default"}
        series += [
            _one("mx_domain_up", 0, **own),
            _one("mx_domain_failure", 1, **own, **_FAILURE),
            _one("mx_domain_addresses", 1, **own, family="ipv4"),
            _one("mx_domain_mx_preference", 10, **own, **host),
            _one("mx_host_up", 0, **host, address="192.0.2.1", domain=""),
            _one("mx_host_failure", 1, **host, address="192.0.2.1", domain="", **_FAILURE),
        ]
    _alerts(series, {"MxSharedAddressDown": 1, "MxDomainDead": MANY_NAMED}, tmp_path)


def test_a_provider_that_is_down_is_one_alert_beside_those_that_it_silences(tmp_path: Path) -> None:
    series = [*_hosts({address for addresses in _ADDRESSES.values() for address in addresses})]
    for number in range(MANY_NAMED):
        series += _domain(f"d{number}.example", _NAMES, up=False)
    # The first of its names stands for the others.
    _alerts(series, {"MxProviderDown": 1, "MxSharedHostDown": 1, "MxDomainDead": MANY_NAMED}, tmp_path)


def test_a_provider_whose_tls_is_broken_is_one_alert_beside_those_that_it_silences(tmp_path: Path) -> None:
    """And beside those that it does not silence: of the domain that is dead, and of the budget, which wakes people."""
    series: list[Series] = []
    for number in range(MANY_NAMED):
        series += _domain(f"d{number}.example", _NAMES, up=False, verdict="misconfigured" if number else "dead")
    expected = {"MxProviderDown": 1, "MxDomainMisconfigured": MANY_NAMED - 1, "MxDomainDead": 1, "MxBudgetBurnsFast": 2}
    _alerts(series, expected, tmp_path)


def test_one_dead_address_is_one_alert_where_every_scrape_repeats_it(tmp_path: Path) -> None:
    """Prometheus asks for each domain by itself, in two jobs."""
    series: list[Series] = []
    for number in range(100):
        scrape = {"target": f"d{number}.example", "job": "mx-probe" if number % 2 else "mx-sd"}
        series += _hosts({"192.0.1.2"}, **scrape)
        series += _domain(f"d{number}.example", _NAMES, up=True, **scrape)
    _alerts(series, {"MxHostDown": 1}, tmp_path)
