"""Our own gateway closes port 25: the operators are told of that once, and of no domain. In the network lab."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import Final, cast

import pytest

from tests.deploy.stack import alertmanager, page, prometheus, webhook
from tests.namespaces.mail_network import DOMAINS, MailNetwork
from tests.namespaces.network import drop_port_25, filter_rule
from tests.support import plain_http
from tests.support.exporter_process import ExporterProcess, command
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

_SECONDS: Final = 90.0
# The lab cannot be probed as often as that: all of it must have been seen silent before the first domain is told of.
_FASTER: Final = 40


@pytest.mark.timeout(300)  # minutes of Prometheus, as seconds
def test_a_closed_way_out_silences_the_alerts_of_the_domains(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    with MailNetwork() as lab, webhook() as (operators, notices):
        domains = f"domains: [{', '.join(DOMAINS.values())}]"
        config.write_text(lab.config(defaults="  interval: 4s", more=domains), encoding="utf-8")
        argv = command(f"--config.file={config}", "--web.listen-address=127.0.0.1:0")
        start = partial(lab.network.popen, "client", argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        process = cast("subprocess.Popen[str]", start())
        try:
            exporter = ExporterProcess(process)

            def exposition(path: str) -> bytes:
                return lab.network.run_in("client", lambda: exporter.get(path).content)

            with (
                page(exposition, "text/plain; version=0.0.4") as address,
                alertmanager(tmp_path / "alertmanager", operators, _FASTER) as told_at,
                prometheus(
                    tmp_path / "prometheus",
                    "prometheus.yml",
                    {"localhost:10225": address, "localhost:9093": told_at},
                    _FASTER,
                ) as seen,
            ):
                until_sync(lambda: len(seen.query('mx_egress_state{state="open"} == 1')) == 2, _SECONDS)
                until_sync(lambda: len(seen.query("mx_domain_up == 1")) == len(DOMAINS), _SECONDS)

                lab.network.rules("gateway", drop_port_25())
                until_sync(lambda: notices.told("firing", "MxEgressBlocked", family="ipv4"), _SECONDS)
                until_sync(lambda: notices.told("firing", "MxEgressBlocked", family="ipv6"), _SECONDS)
                assert len(seen.query("mx_domain_up == 0")) == len(DOMAINS)

                def suppressed() -> list[str]:
                    alerts = plain_http.get(f"http://{told_at}/api/v2/alerts", params={"filter": "domain!="}).json()
                    assert {alert["status"]["state"] for alert in alerts} <= {"suppressed"}, alerts
                    return [alert["labels"]["domain"] for alert in alerts]

                until_sync(lambda: set(suppressed()) == set(DOMAINS.values()), _SECONDS)

                # IPv4 opens, IPv6 stays shut: the domains are up again, and IPv6 hosts fail for a reason that is known.
                lab.network.rules("gateway", filter_rule("forward", "meta nfproto ipv6 tcp dport 25 drop"))
                until_sync(lambda: notices.told("resolved", "MxEgressBlocked", family="ipv4"), _SECONDS)
                down = 'ALERTS{alertname="MxHostDown",alertstate="firing",family="ipv6"}'
                until_sync(lambda: len(seen.query(down)) == len(DOMAINS), _SECONDS)
                lab.network.rules("gateway")
                until_sync(lambda: notices.told("resolved", "MxEgressBlocked", family="ipv6"), _SECONDS)
                assert notices.statements() == {("firing", "MxEgressBlocked"), ("resolved", "MxEgressBlocked")}
        finally:
            process.kill()
            process.wait()
            lab.network.rules("gateway")
