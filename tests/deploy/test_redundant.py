"""Two exporters in one place, two Prometheus servers and an Alertmanager: a domain that is down stays one alert."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.deploy.deployed import read_yaml
from tests.deploy.files import DEPLOY, ROOT
from tests.deploy.stack import alertmanager, page, prometheus, webhook
from tests.support import plain_http
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

_SECONDS: Final = 60.0
_FASTER: Final = 120
_HOST: Final = 'port="25",module="default"'
_DEAD: Final = 'class="connect_refused",confidence="certain",stage="connect",verdict="dead"'
# Down, with two MX hosts of one preference: which of them is the first is for each Prometheus to say.
_EXPOSITION: Final = "mx_exporter_build_info 1\n" + "".join(
    f"""\
mx_domain_up{{domain="{domain}"}} 0
mx_domain_failure{{domain="{domain}",{_DEAD}}} 1
mx_domain_addresses{{domain="{domain}",family="ipv4"}} 2
mx_domain_mx_preference{{domain="{domain}",mx="mx1.{domain}",{_HOST}}} 10
mx_domain_mx_preference{{domain="{domain}",mx="mx2.{domain}",{_HOST}}} 10
mx_host_up{{address="192.0.2.1",domain="",mx="mx1.{domain}",{_HOST}}} 0
mx_host_up{{address="192.0.2.2",domain="",mx="mx2.{domain}",{_HOST}}} 0
mx_host_failure{{address="192.0.2.1",domain="",mx="mx1.{domain}",{_HOST},{_DEAD}}} 1
mx_host_failure{{address="192.0.2.2",domain="",mx="mx2.{domain}",{_HOST},{_DEAD}}} 1
"""
    for domain in ("a.example", "b.example")
)


def _office() -> list[dict[str, Any]]:
    """The two exporters of the shipped file."""
    (job,) = read_yaml(DEPLOY / "vantage-points" / "prometheus.yml")["scrape_configs"]
    pair = [group for group in job["static_configs"] if group["labels"]["vantage"] == "office"]
    assert len(pair) == 2
    return pair


def _of_server(name: str) -> dict[str, dict[str, Any]]:
    """The configuration for two Prometheus servers, as the page has it."""
    page = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"^```yaml\n(.+?)^```", page, re.M | re.S) if "external_labels" in text]
    more: dict[str, dict[str, Any]] = yaml.safe_load(block)
    assert list(more["global"]["external_labels"]) == ["prometheus"]
    more["global"]["external_labels"]["prometheus"] = name
    return more


@pytest.mark.timeout(180)  # a quarter of an hour of two Prometheus servers, as seconds
def test_a_domain_is_one_alert_and_goes_on_when_one_exporter_ends(tmp_path: Path) -> None:
    ended: list[bool] = []

    def of_the_first(_: str) -> bytes:
        return b"nonsense {" if ended else _EXPOSITION.encode()

    with (
        webhook() as (operators, notices),
        page(of_the_first, "text/plain; version=0.0.4") as first,
        page(lambda _: _EXPOSITION.encode(), "text/plain; version=0.0.4") as second,
        alertmanager(tmp_path / "alertmanager", operators, _FASTER) as told_at,
    ):
        pair = [{**group, "targets": [address]} for group, address in zip(_office(), (first, second), strict=True)]
        # Two seconds for a scrape, though the machine be busy: one that fails would end what it told.
        slow = {"scrape_interval": "240s", "scrape_timeout": "240s"}
        jobs = [{"job_name": "mx", "static_configs": pair, **slow}]
        places = {"localhost:9093": told_at}

        def server(name: str) -> Any:
            return prometheus(tmp_path / name, "prometheus.yml", places, _FASTER, jobs, _of_server(name))

        def states(alertname: str) -> list[tuple[str, str]]:
            found = plain_http.get(
                f"http://{told_at}/api/v2/alerts", params={"filter": f'alertname="{alertname}"'}
            ).json()
            assert all("prometheus" not in alert["labels"] for alert in found)
            return sorted((alert["labels"].get("domain", ""), alert["status"]["state"]) for alert in found)

        both = [("a.example", "active"), ("b.example", "active")]
        with server("a") as one, server("b") as other:
            until_sync(lambda: notices.told("firing", "MxDomainDead", domain="b.example"), _SECONDS)
            firing = 'ALERTS{alertname="MxDomainDead",alertstate="firing"}'
            until_sync(lambda: len(one.query(firing)) == len(other.query(firing)) == 2, _SECONDS)
            until_sync(lambda: states("MxDomainDead") == both, _SECONDS)
            ended.append(True)
            until_sync(lambda: notices.told("firing", "MxExporterDown", exporter="a"), _SECONDS)
            # What has the time that an alert takes to end goes on.
            until_sync(lambda: states("MxDomainDown") == [(name, "suppressed") for name, _ in both], _SECONDS)
            assert states("MxDomainDead") == both
            assert states("MxExporterDown") == [("", "active")]
            assert notices.statements() == {("firing", "MxDomainDead")}
