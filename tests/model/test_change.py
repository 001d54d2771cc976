"""The closed lists of changes: those of hosts and of domains have no name in common, and the reference has each."""

from __future__ import annotations

from pathlib import Path

import exporter
from exporter.model.change import DomainChange, HostChange

ROOT = Path(exporter.__file__).parent.parent


def test_no_change_of_a_host_is_one_of_a_domain() -> None:
    assert not {*map(str, HostChange)} & {*map(str, DomainChange)}


def test_the_reference_says_what_each_of_them_is() -> None:
    text = (ROOT / "docs/reference/changes.md").read_text(encoding="utf-8")
    assert [each for each in (*HostChange, *DomainChange) if f"| `{each}` |" not in text] == []
