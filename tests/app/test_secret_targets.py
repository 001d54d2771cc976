from __future__ import annotations

import pytest

from exporter.app.secret_targets import SecretTargets, refusal
from exporter.config.load import parse
from exporter.config.target_names import parse_target

CONFIG = parse("""
modules:
  default: {}
  canary: {stages: [ehlo, mail, rcpt, data], rcpt_to: canary@example.org}
  another: {stages: [ehlo, mail, rcpt, data], rcpt_to: another@example.org}
domains:
  - {domain: example.org, module: canary, port: 2525}
  - plain.example
hosts:
  - {host: "mx.example.org:2526", module: canary}
  - {host: "[2001:db8::1]:2526", module: canary}
  - {host: straße.example, module: canary, port: 2527}
""")


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("example.org", "example.org"),
        ("Example.ORG.", "example.org"),
        ("mx.example.org:2526", "mx.example.org:2526"),
        ("MX.example.org.:2526", "mx.example.org:2526"),
        ("[2001:DB8:0::1]:2526", "[2001:db8::1]:2526"),
        ("xn--strae-oqa.example:2527", "straße.example"),
        ("mx.example.org:2525", None),
        ("mx.example.org", None),
        ("example.org:2525", None),
        ("[2001:db8::1]", None),
        ("plain.example", None),
        ("other.example", None),
    ],
)
def test_a_target_is_meant_by_each_of_its_spellings_and_by_nothing_else(asked: str, meant: str | None) -> None:
    found = SecretTargets(CONFIG).find(parse_target(asked, CONFIG.settings("canary")))
    assert (None if found is None else found.name) == meant
    assert found is None or found in CONFIG.targets


def test_another_module_of_the_kind_is_another() -> None:
    asked = parse_target("example.org", CONFIG.settings("another"))
    assert SecretTargets(CONFIG).find(asked) is None
    assert refusal(asked).startswith("module 'another' has data, so only targets that are configured with it")


def test_what_a_reload_took_away_is_refused() -> None:
    asked = parse_target("example.org", CONFIG.settings("canary"))
    assert SecretTargets(CONFIG).find(asked) is not None
    assert SecretTargets(parse("domains: [example.org]")).find(asked) is None
