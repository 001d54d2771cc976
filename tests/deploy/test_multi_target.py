"""Prometheus sets the pace: the shipped configuration for it, with its own targets and the list of the exporter."""

from __future__ import annotations

from pathlib import Path

from exporter.demo.world import DemoWorld
from tests.deploy.stack import Prometheus, prometheus
from tests.lab.exporter_process import exporter
from tests.lab.waiting import until_sync


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
                # So that an alert of the way out, which has no target, silences those of the targets.
                dead = 'ALERTS{alertname="MxDomainDead",alertstate="firing"}'
                until_sync(lambda: seen.query(dead), 60.0)
                assert _labels(seen, dead, "domain", "instance", "family") == [("refused.example", address, "ipv4")]
