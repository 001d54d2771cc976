"""Warnings about a configuration that is valid and hardly meant."""

from __future__ import annotations

from pathlib import Path

from exporter.config.load import load
from tests.config.loading import config, write

REFERENCES = "egress: {references: [mx.example.net]}\n"
LATE = "a host that does not answer is probed late"


def test_nothing_is_said_of_a_whole_configuration() -> None:
    assert config(f"{REFERENCES}domains: [a.example]").warnings == ()
    assert config(f"{REFERENCES}hosts: ['a.example:25']").warnings == ()


def test_no_target_and_no_references_are_told_at_their_places() -> None:
    none, references = config("defaults: {}\negress:\n  references: []\n").warnings
    assert none.startswith("c.yaml:1:1: no domain and no host is named")
    assert references.startswith("c.yaml:3:15: egress.references: is empty: ")


def test_an_interval_below_the_timeout_is_told_once_for_each_pair_of_them() -> None:
    found = config(f"""
        {REFERENCES}
        defaults: {{interval: 10s}}
        modules:
          slow: {{timeout: 2m}}
        domains:
          - a.example
          - {{domain: b.example, module: slow, interval: 1m}}
          - {{domain: c.example, module: slow, interval: 1m}}
          - {{domain: d.example, timeout: 10s}}
        hosts:
          - {{host: e.example, interval: 2500ms}}
        """).warnings
    assert found == (
        f"c.yaml:4:22: defaults.interval: the interval, 10s, is below the timeout, 30s: {LATE}",
        f"c.yaml:9:14: b.example: the interval, 60s, is below the timeout, 120s: {LATE}",
        f"c.yaml:13:12: e.example: the interval, 2.5s, is below the timeout, 30s: {LATE}",
    )


def test_a_target_of_a_list_is_told_in_its_file(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": f"{REFERENCES}domain_files: ['*.list.yaml']\n",
        "a.list.yaml": "- {domain: a.example, interval: 5s}\n",
    }
    (found,) = load(write(tmp_path, files)).warnings
    assert found.startswith(f"{tmp_path}/a.list.yaml:1:12: a.example: the interval, 5s, is below")


def test_an_address_of_ours_that_receivers_do_not_see_is_told() -> None:
    standing = f"{REFERENCES}domains: [a.example]\nstanding: {{addresses: [8.8.4.4, 'fd00::1']}}\n"
    assert config(standing).warnings == (
        "c.yaml:3:33: standing.addresses[1]: fd00::1 is private (RFC 4193): receivers on the internet see another one",
    )
    assert config(f"{standing}defaults: {{allow_addresses: ['fd00::/8']}}\n").warnings == ()
