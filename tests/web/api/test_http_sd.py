from __future__ import annotations

import json
from typing import Any

from exporter.config.load import parse
from exporter.schedule.shard import owner
from exporter.web.api.http_sd import http_sd

CONFIG = parse("""
modules: {full: {stages: [ehlo, starttls]}}
domains:
  - one.example
  - two.example
  - {domain: three.example, module: full, labels: {team: 'm"ail'}}
hosts: ["relay.example:2525"]
""")


def listed(total: int = 1) -> list[dict[str, Any]]:
    found = json.loads(b"".join(http_sd(CONFIG.targets, total)))
    assert isinstance(found, list)
    return found


def test_targets_are_listed_with_what_they_are_alike_in() -> None:
    plain = {"__meta_mx_kind": "domain", "__meta_mx_module": "default", "__meta_mx_port": "25", "__meta_mx_shard": "0"}
    assert listed() == [
        {"targets": ["one.example", "two.example"], "labels": plain},
        {
            "targets": ["three.example"],
            "labels": plain | {"__meta_mx_module": "full", "__meta_mx_label_team": 'm"ail'},
        },
        {"targets": ["relay.example:2525"], "labels": plain | {"__meta_mx_kind": "host", "__meta_mx_port": "2525"}},
    ]


def test_every_target_is_listed_once_with_its_shard() -> None:
    found = [(name, group["labels"]["__meta_mx_shard"]) for group in listed(7) for name in group["targets"]]
    assert sorted(found) == sorted((target.name, str(owner(target.name, 7))) for target in CONFIG.targets)


def test_nothing_configured_is_an_empty_list() -> None:
    assert json.loads(b"".join(http_sd((), 1))) == []
