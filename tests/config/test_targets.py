"""Targets as values: what is shared, what is equal after a reload."""

from __future__ import annotations

import pytest

from tests.config.loading import config


def test_equal_settings_and_labels_are_one_object() -> None:
    targets = config("""
        domains:
          - a.example
          - {domain: b.example, interval: 60s}
          - {domain: c.example, interval: 5m, labels: {t: x}}
          - {domain: d.example, interval: 300s, port: 25, labels: {t: x}}
        hosts: ["e.example:26", {host: f.example, port: 26}]
        """).targets
    a, b, c, d, e, f = targets
    assert a.settings is b.settings
    assert c.settings is d.settings
    assert c.labels is d.labels
    assert e.settings is f.settings


def test_a_target_that_stays_is_equal_after_a_reload() -> None:
    text = """
        modules: {m: {expect: {banner: [220]}}}
        domains: [a.example, {domain: b.example, module: m, labels: {x: z}}]
        """
    before, after = config(text), config(text.replace("a.example", "c.example"))
    assert before.targets[1] == after.targets[1]
    assert before.targets[0] != after.targets[0]


@pytest.mark.parametrize("change", ["interval: 61s", "port: 26", "labels: {x: y2}", "module: m", "helo: h.example"])
def test_any_change_makes_a_target_unequal_but_not_another(change: str) -> None:
    text = "modules: {m: {}}\ndomains: [{domain: a.example%s}]\n"
    before, after = config(text % ""), config(text % f", {change}")
    assert before.targets != after.targets
    assert before.targets[0].key == after.targets[0].key


def test_a_changed_module_changes_its_targets() -> None:
    before = config("modules: {default: {expect: {banner: [220]}}}\ndomains: [a.example]\n")
    after = config("modules: {default: {expect: {banner: [221]}}}\ndomains: [a.example]\n")
    assert before.targets != after.targets


@pytest.mark.parametrize(
    ("defaults", "module", "own", "seconds"),
    [("", "", "", 30), ("10s", "", "", 10), ("10s", "20s", "", 20), ("", "20s", "", 20), ("10s", "20s", "5s", 5)],
)
def test_a_target_s_timeout_wins_over_its_module_s_and_that_over_the_defaults(
    defaults: str, module: str, own: str, seconds: float
) -> None:
    loaded = config(
        f"defaults: {{timeout: {defaults or '~'}}}\n"
        f"modules: {{default: {{timeout: {module or '~'}}}, other: {{}}}}\n"
        f"domains: [{{domain: a.example, timeout: {own or '~'}}}, {{domain: b.example, module: other}}]\n"
    )
    assert loaded.targets[0].settings.timeout == seconds
    assert loaded.targets[1].settings.timeout == float((defaults or "30s")[:-1])
    assert loaded.settings("other").timeout == float((defaults or "30s")[:-1])
    assert loaded.settings().timeout == float((module or defaults or "30s")[:-1])
