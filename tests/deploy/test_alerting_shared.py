"""A shared host dies: the operators are told of it, and of no domain, by real Prometheus and Alertmanager."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.deploy.stack import alertmanager, page, prometheus, webhook
from tests.support import plain_http
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

_SECONDS: Final = 60.0
_FASTER: Final = 120
_DEAD: Final = 'class="connect_refused",confidence="certain",stage="connect",verdict="dead"'
_BIG: Final = 'mx="mx.big.example",port="25",module="default"'
_OTHER: Final = 'mx="mx.other.example",port="25",module="default"'
# Three domains of one host; one of them has another, and one more has nothing to do with it.
_EXPOSITION: Final = f"""\
mx_domain_up{{domain="a.example"}} 0
mx_domain_up{{domain="b.example"}} 0
mx_domain_up{{domain="both.example"}} 1
mx_domain_up{{domain="alone.example"}} 0
mx_domain_failure{{domain="a.example",{_DEAD}}} 1
mx_domain_failure{{domain="b.example",{_DEAD}}} 1
mx_domain_failure{{domain="alone.example",{_DEAD}}} 1
mx_domain_addresses{{domain="a.example",family="ipv4"}} 1
mx_domain_addresses{{domain="b.example",family="ipv4"}} 1
mx_domain_addresses{{domain="both.example",family="ipv4"}} 2
mx_domain_addresses{{domain="alone.example",family="ipv4"}} 1
mx_domain_mx_preference{{domain="a.example",{_BIG}}} 10
mx_domain_mx_preference{{domain="b.example",{_BIG}}} 10
mx_domain_mx_preference{{domain="both.example",{_BIG}}} 10
mx_domain_mx_preference{{domain="both.example",{_OTHER}}} 20
mx_domain_mx_preference{{domain="alone.example",mx="mx.alone.example",port="25",module="default"}} 10
mx_domain_provider_info{{domain="a.example",provider="big.example"}} 1
mx_domain_provider_info{{domain="b.example",provider="big.example"}} 1
mx_host_up{{address="192.0.2.1",domain="",{_BIG}}} 0
mx_host_up{{address="192.0.2.2",domain="",{_OTHER}}} 1
mx_host_up{{address="192.0.2.3",domain="",mx="mx.alone.example",port="25",module="default"}} 0
mx_host_failure{{address="192.0.2.1",domain="",{_BIG},{_DEAD}}} 1
mx_host_failure{{address="192.0.2.3",domain="",mx="mx.alone.example",port="25",module="default",{_DEAD}}} 1
"""


@pytest.mark.timeout(180)  # a quarter of an hour of Prometheus, as seconds
def test_a_shared_host_is_one_message_in_place_of_its_domains(tmp_path: Path) -> None:
    with (
        webhook() as (operators, notices),
        page(lambda _: _EXPOSITION.encode(), "text/plain; version=0.0.4") as address,
        alertmanager(tmp_path / "alertmanager", operators, _FASTER) as told_at,
        prometheus(
            tmp_path / "prometheus",
            "prometheus.yml",
            {"localhost:10225": address, "localhost:9093": told_at},
            _FASTER,
        ),
    ):

        def states() -> dict[str, str]:
            found = plain_http.get(f"http://{told_at}/api/v2/alerts").json()
            return {
                f"{alert['labels']['alertname']} {alert['labels'].get('domain', '')}".strip(): alert["status"]["state"]
                for alert in found
            }

        expected = {
            "MxSharedHostDown": "active",
            "MxHostDown": "suppressed",  # it is that of a domain that another host takes the mail of
            "MxDomainDead a.example": "suppressed",
            "MxDomainDead b.example": "suppressed",
            "MxDomainDead alone.example": "active",
        }
        until_sync(lambda: expected.items() <= states().items(), _SECONDS)
        until_sync(lambda: notices.told("firing", "MxSharedHostDown", severity="critical"), _SECONDS)
        until_sync(lambda: notices.told("firing", "MxDomainDead", domain="alone.example"), _SECONDS)
        # What is silenced had its time to be sent.
        until_sync(lambda: "MxDomainDown alone.example" in states(), _SECONDS)
        told = {(alert["labels"]["alertname"], alert["labels"].get("domain", "")) for alert in notices.alerts}
        assert told == {("MxSharedHostDown", ""), ("MxDomainDead", "alone.example")}
