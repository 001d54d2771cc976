"""From a mail host that fails to the operator who is told: real Prometheus, real Alertmanager, the shipped files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.demo.world import DemoWorld
from tests.deploy.stack import Notices, alertmanager, page, prometheus, webhook, with_egress
from tests.support import plain_http
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

# Two domains with one host each, and one that stays well.
BLOCKED, BLOCKED_HOST = "implicit.example", "implicit.example"
KILLED, KILLED_HOST = "helo.example", "mx.helo.example"
HEALTHY = "healthy.example"
_SECONDS = 60.0
# The world is probed once a second.
_FASTER = 120


class Scene:
    """Everything under way, and the ways to disturb it."""

    def __init__(self, world: DemoWorld, notices: Notices, config: Path, process: ExporterProcess) -> None:
        self.world = world
        self.notices = notices
        self.alertmanager = ""
        self.egress = "open"
        self._config = config
        self._process = process

    def exposition(self, path: str) -> bytes:
        """What Prometheus reads. On loopback nothing gets out, so the exporter cannot judge the way: that is ours."""
        return with_egress(self._process.get(path).content, self.egress)

    def disturb(self) -> None:
        """One is filtered, the other dies."""
        self.world.timed_out(BLOCKED_HOST)
        self.world.kill(KILLED_HOST)

    def mend(self) -> None:
        """Both as they were."""
        self.world.revive(BLOCKED_HOST)
        self.world.revive(KILLED_HOST)

    def spoil_configuration(self) -> None:
        """A reload that is refused."""
        self._config.write_text("domains: [healthy example]\n", encoding="utf-8")
        assert plain_http.post(f"{self._process.url}/-/reload").status_code == 500

    def states(self) -> dict[str, str]:
        """The alerts that Alertmanager has, by name and domain, with their state."""
        alerts = plain_http.get(f"http://{self.alertmanager}/api/v2/alerts").json()
        return {
            f"{alert['labels']['alertname']} {alert['labels'].get('domain', '')}".strip(): alert["status"]["state"]
            for alert in alerts
        }

    def wait_told(self, status: str, name: str, since: int = 0, **labels: str) -> str:
        """Until the operators are told; gives the description."""
        until_sync(lambda: self.notices.told(status, name, since, **labels), _SECONDS)
        told = self.notices.told(status, name, since, **labels)
        assert told is not None
        description: str = told["annotations"]["description"]
        return description


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with DemoWorld() as world, webhook() as (operators, notices):
        config = tmp_path / "config.yaml"
        head = world.config_yaml().partition("domains:")[0].replace("interval: 5s", "interval: 1s")
        config.write_text(f"{head}domains: [{HEALTHY}, {BLOCKED}, {KILLED}]\n", encoding="utf-8")
        with exporter(f"--config.file={config}") as process:
            scene = Scene(world, notices, config, process)
            with (
                page(scene.exposition, "text/plain; version=0.0.4") as address,
                alertmanager(tmp_path / "alertmanager", operators, _FASTER) as scene.alertmanager,
                prometheus(
                    tmp_path / "prometheus",
                    "prometheus.yml",
                    {"localhost:10225": address, "localhost:9093": scene.alertmanager},
                    _FASTER,
                ) as seen,
            ):
                until_sync(lambda: len(seen.query("mx_domain_up == 1")) == 3, _SECONDS)
                yield scene


@pytest.mark.timeout(300)  # minutes of Prometheus, as seconds
def test_a_block_and_a_death_are_told_apart_and_end_and_are_silent_while_the_way_out_is_shut(scene: Scene) -> None:
    scene.disturb()
    blocked = scene.wait_told("firing", "MxDomainBlocked", domain=BLOCKED, family="ipv4", severity="critical")
    assert "port_filtered at connect" in blocked
    dead = scene.wait_told("firing", "MxDomainDead", domain=KILLED, family="ipv4", severity="critical")
    assert "connect_refused at connect" in dead
    scene.mend()
    scene.wait_told("resolved", "MxDomainBlocked", domain=BLOCKED)
    scene.wait_told("resolved", "MxDomainDead", domain=KILLED)
    of_blocked = {(status, "MxDomainBlocked") for status in ("firing", "resolved")}
    of_killed = {(status, "MxDomainDead") for status in ("firing", "resolved")}
    assert scene.notices.statements(domain=BLOCKED) == of_blocked
    assert scene.notices.statements(domain=KILLED) == of_killed
    assert scene.notices.statements(domain=HEALTHY) == set()
    assert scene.notices.statements() == of_blocked | of_killed

    until_sync(lambda: not any("Domain" in alert for alert in scene.states()), _SECONDS)
    before = len(scene.notices.alerts)
    scene.egress = "blocked"
    scene.wait_told("firing", "MxEgressBlocked", before, family="ipv4", severity="critical")
    scene.disturb()
    suppressed = {f"MxDomainBlocked {BLOCKED}": "suppressed", f"MxDomainDead {KILLED}": "suppressed"}
    until_sync(lambda: suppressed.items() <= scene.states().items(), _SECONDS)
    # An alert that began later has been told: these would have been, too.
    scene.spoil_configuration()
    scene.wait_told("firing", "MxReloadFailed", before, severity="warning")
    assert scene.notices.statements(before) == {("firing", "MxEgressBlocked"), ("firing", "MxReloadFailed")}
    assert suppressed.items() <= scene.states().items()

    # What was silent only because of that is told once the way is open.
    scene.egress = "open"
    scene.wait_told("resolved", "MxEgressBlocked", before)
    scene.wait_told("firing", "MxDomainBlocked", before, domain=BLOCKED)
    scene.wait_told("firing", "MxDomainDead", before, domain=KILLED)
