"""Prometheus sets the pace: the shipped configuration for it, with its own targets and the list of the exporter."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from exporter.demo.world import DemoWorld
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.families import FAMILIES
from tests.deploy.deployed import PROMETHEUS, read_yaml
from tests.deploy.files import ROOT
from tests.deploy.stack import Prometheus, alertmanager, page, prometheus, webhook, with_egress
from tests.support import plain_http
from tests.support.exporter_process import exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

SHARDS = ROOT / "docs" / "how-to" / "shards.md"
MIGRATE = ROOT / "docs" / "how-to" / "migrate-from-blackbox-exporter.md"


def _labels(seen: Prometheus, expression: str, *names: str) -> list[tuple[str, ...]]:
    return sorted(tuple(series["metric"].get(name, "") for name in names) for series in seen.query(expression))


def test_each_target_is_probed_by_its_scrape_and_known_by_the_exporter_that_did(tmp_path: Path) -> None:
    with DemoWorld() as world:
        config = tmp_path / "config.yaml"
        head = world.config_yaml().partition("domains:")[0]
        config.write_text(f"{head}domains: [implicit.example]\n", encoding="utf-8")
        with exporter(f"--config.file={config}") as process:
            address = process.url.removeprefix("http://")
            places = {
                "localhost:10225": address,
                "example.com": "healthy.example",
                "example.org": "refused.example",
            }
            with prometheus(tmp_path / "prometheus", "multi-target.yml", places) as seen:
                until_sync(lambda: len(seen.query("mx_domain_up")) == 3, 60.0)
                assert _labels(seen, "mx_domain_up", "job", "target", "instance", "vantage") == [
                    ("mx-probe", "healthy.example", address, "here"),
                    ("mx-probe", "refused.example", address, "here"),
                    ("mx-sd", "implicit.example", address, "here"),
                ]
                assert _labels(seen, "probe_success == 0", "target") == [("refused.example",)]
                until_sync(lambda: seen.query("mx_egress_state"))
                assert _labels(seen, "group by (job, instance) (mx_egress_state)", "job", "instance") == [
                    ("mx", address)
                ]
                # So that an alert of the egress, which has no target, silences those of the targets.
                dead = 'ALERTS{alertname="MxDomainDead",alertstate="firing"}'
                until_sync(lambda: seen.query(dead), 60.0)
                assert _labels(seen, dead, "domain", "instance", "family") == [("refused.example", address, "ipv4")]


# The answer of /probe for a domain one of whose two hosts is dead; others share both.
_SHARED = """\
mx_domain_up{{domain="{0}"}} 1
mx_domain_addresses{{domain="{0}",family="ipv4"}} 2
mx_domain_mx_preference{{domain="{0}",module="default",mx="mx1.big.example",port="25"}} 10
mx_domain_mx_preference{{domain="{0}",module="default",mx="mx2.big.example",port="25"}} 20
mx_host_up{{address="192.0.2.1",domain="",module="default",mx="mx1.big.example",port="25"}} 0
mx_host_up{{address="192.0.2.2",domain="",module="default",mx="mx2.big.example",port="25"}} 1
mx_host_failure{{address="192.0.2.1",class="connect_refused",confidence="certain",domain="",module="default",\
mx="mx1.big.example",port="25",stage="connect",verdict="dead"}} 1
"""


def _answer(path: str) -> bytes:
    (target,) = parse_qs(urlsplit(path).query).get("target", [""])
    return _SHARED.format(target).encode() if target else b"mx_exporter_config_last_reload_successful 1\n"


def test_a_dead_host_that_every_scrape_repeats_alerts_once(tmp_path: Path) -> None:
    with (
        page(_answer, "text/plain; version=0.0.4") as address,
        prometheus(tmp_path / "prometheus", "multi-target.yml", {"localhost:10225": address}) as seen,
    ):
        until_sync(lambda: len(seen.query("mx_host_up == 0")) == 2, 60.0)
        down = 'ALERTS{alertname="MxHostDown",alertstate="firing"}'
        until_sync(lambda: seen.query(down), 60.0)
        told = _labels(seen, down, "mx", "address", "instance", "vantage", "domain")
        assert told == [("mx1.big.example", "192.0.2.1", address, "here", "")]
        assert _labels(seen, "instance_mx:mx_domains_up:count", "mx") == [("mx1.big.example",)]
        assert seen.query("instance_mx:mx_domains_up:count")[0]["value"][1] == "2"


def _jobs_of_the_page(path: Path = SHARDS) -> list[dict[str, Any]]:
    """The example with the list of the exporter."""
    examples = re.findall(r"^ *```yaml\n( *scrape_configs:\n.*?)^ *```", path.read_text(encoding="utf-8"), re.M | re.S)
    (found,) = [text for text in examples if "http_sd_configs" in text]
    jobs: list[dict[str, Any]] = yaml.safe_load(found)["scrape_configs"]
    return jobs


@pytest.mark.parametrize(
    "jobs",
    [_jobs_of_the_page(), _jobs_of_the_page(MIGRATE), read_yaml(PROMETHEUS / "multi-target.yml")["scrape_configs"]],
)
def test_what_is_asked_for_one_by_one_is_dropped_from_the_exporters_own_page(jobs: list[dict[str, Any]]) -> None:
    (own,) = [job for job in jobs if job["job_name"] == "mx"]
    (drop,) = own["metric_relabel_configs"]
    assert drop["action"] == "drop"
    assert all(re.fullmatch(drop["regex"], family.name) for family in FAMILIES)
    page = ExporterMetrics().registry.collect()
    assert not any(re.fullmatch(drop["regex"], sample.name) for family in page for sample in family.samples)


@pytest.mark.timeout(180)  # two real Prometheus servers, one after the other
@pytest.mark.parametrize("dropped", [True, False], ids=["as in the page", "with nothing dropped"])
def test_a_domain_that_is_scheduled_and_asked_for_alerts_once(dropped: bool, tmp_path: Path) -> None:
    """With the jobs of the page; without what they drop there would be two, so the test can tell."""
    jobs = _jobs_of_the_page()
    if not dropped:
        del jobs[0]["metric_relabel_configs"]
    with DemoWorld() as world:
        config = tmp_path / "config.yaml"
        head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
        config.write_text(f"{head}domains: [refused.example]\n", encoding="utf-8")
        with exporter(f"--config.file={config}") as process:
            address = process.url.removeprefix("http://")
            places = {"localhost:10225": address}
            with prometheus(tmp_path / "prometheus", "prometheus.yml", places, scrape_configs=jobs) as seen:
                both = 'min by (job) (count_over_time(up{job=~"mx|mx-probe"}[1m])) > 2'
                until_sync(lambda: len(seen.query(both)) == 2, 60.0)
                assert _labels(seen, "up", "job", "instance") == [("mx", address), ("mx-probe", address)]
                dead = 'ALERTS{alertname="MxDomainDead",alertstate="firing"}'
                until_sync(lambda: seen.query(dead), 60.0)
                assert len(seen.query("mx_domain_up")) == (1 if dropped else 2)
                until_sync(lambda: len(seen.query(dead)) == (1 if dropped else 2), 60.0)


@pytest.mark.long
@pytest.mark.timeout(180)  # a quarter of an hour of Prometheus, as seconds
def test_names_as_instances_are_silent_while_the_egress_is_shut_and_one_alert_when_the_exporter_ends(
    tmp_path: Path,
) -> None:
    """The usual relabelling of blackbox_exporter, as the page about the migration has it."""
    names = {"helo.example": "mx.helo.example", "implicit.example": "implicit.example"}
    state = "open"

    def answer(path: str) -> bytes:
        with contextlib.suppress(httpx.TransportError):
            return with_egress(process.get(path).content, state)
        return b"nonsense {"  # no exporter

    with DemoWorld() as world, webhook() as (operators, notices):
        config = tmp_path / "config.yaml"
        head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
        config.write_text(f"{head}domains: [{', '.join(names)}]\n", encoding="utf-8")
        with (
            exporter(f"--config.file={config}") as process,
            page(answer, "text/plain; version=0.0.4") as address,
            alertmanager(tmp_path / "alertmanager", operators, 120) as told_at,
        ):
            text = json.dumps(_jobs_of_the_page(MIGRATE)).replace("http://localhost:10225", process.url)
            # Two seconds for a scrape, though the machine be busy: one that fails would end what it told.
            slow = {"scrape_interval": "240s", "scrape_timeout": "240s"}
            jobs = [{**job, **slow} for job in json.loads(text.replace("localhost:10225", address))]
            with prometheus(
                tmp_path / "prometheus", "prometheus.yml", {"localhost:9093": told_at}, 120, scrape_configs=jobs
            ) as seen:

                def alerts(name: str) -> list[tuple[str, str]]:
                    query = {"filter": f'alertname="{name}"'}
                    found = plain_http.get(f"http://{told_at}/api/v2/alerts", params=query).json()
                    return sorted((each["labels"].get("instance", ""), each["status"]["state"]) for each in found)

                until_sync(lambda: _labels(seen, "mx_domain_up == 1", "instance") == [(name,) for name in names], 60.0)
                until_sync(lambda: seen.query('mx_egress_state{state="open"} == 1'), 60.0)
                state = "blocked"
                until_sync(lambda: notices.told("firing", "MxEgressBlocked"), 60.0)
                # Not before: how soon an alert comes is a matter of the machine, and until then these would be told.
                for host in names.values():
                    world.kill(host)
                until_sync(lambda: alerts("MxDomainDead") == [(name, "suppressed") for name in names], 60.0)
                process.stop()
                expected = [("", "suppressed"), (address, "active")]
                until_sync(lambda: alerts("MxExporterDown") == expected, 60.0)
                until_sync(lambda: notices.told("firing", "MxExporterDown"), 60.0)
                # What came before it; the alert of the egress ends some time after the exporter that tells of it.
                told = [(each["status"], each["labels"]["alertname"]) for each in tuple(notices.alerts)]
                assert set(told[: told.index(("firing", "MxExporterDown"))]) == {("firing", "MxEgressBlocked")}
                assert alerts("MxTargetNotAnswered") == []
