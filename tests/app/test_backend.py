"""The answers to the web server: configured targets as they are configured, and secrets to no other host."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from exporter.app.backend import MonitorBackend
from exporter.model.target import TargetKind
from exporter.web.backend import ProbeRefused
from tests.app.test_monitor import Watched, watched

TEXT = """\
modules:
  default: {}
  canary: {stages: [ehlo, mail, rcpt, data], rcpt_to: canary@example.org}
domains:
  - a.example
  - {domain: secret.example, module: canary}
"""


def backend(running: Watched) -> MonitorBackend:
    return MonitorBackend(running.monitor, running.reload.reload, asyncio.get_running_loop(), "me.example")


@pytest.mark.parametrize(
    ("name", "module", "said"),
    [
        ("a.example", "absent", "unknown module 'absent'"),
        ("not a name", None, "not a name"),
        ("stranger.example", "canary", "module 'canary' has data"),
        ("a.example", "canary", "module 'canary' has data"),
    ],
)
async def test_a_probe_that_cannot_be_made_is_refused_with_the_reason(
    tmp_path: Path, name: str, module: str | None, said: str
) -> None:
    async with watched(tmp_path, TEXT) as running:
        with pytest.raises(ProbeRefused, match=said):
            await backend(running).probe(name, module, 1.0, "")


async def test_what_follows_from_the_configuration_follows_a_reload(tmp_path: Path) -> None:
    async with watched(tmp_path, TEXT) as running:
        asked = backend(running)
        assert "secret.example" in asked.effective_config()
        assert b"secret.example" in b"".join(asked.discovery().body)
        running.path.write_text("domains: [b.example]\n")
        assert await asked.reload() == []
        assert "secret.example" not in asked.effective_config()
        assert b"secret.example" not in b"".join(asked.discovery().body)
        assert asked.target(TargetKind.DOMAIN, "a.example") is None
        facts = asked.target(TargetKind.DOMAIN, "b.example")
        assert facts is not None
        assert (facts.probes, facts.helo) == (0, "me.example")


async def test_a_target_that_is_not_there_is_not_probed_in_between(tmp_path: Path) -> None:
    async with watched(tmp_path, TEXT) as running:
        with pytest.raises(ProbeRefused, match="no such target"):
            await backend(running).probe_unscheduled(TargetKind.DOMAIN, "absent.example")
