"""The effective configuration says the same as the one it was made from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from exporter.config.effective import MAX_TARGETS, effective_yaml
from exporter.config.load import load, parse
from tests.config.loading import config, write

EVERYTHING = """
    defaults: {interval: 90s, module: slow, address_families: [ipv6], helo: "[192.0.2.1]",
               source_address: {ipv6: "2001:db8::1"}}
    resolver: {nameservers: ["192.0.2.53", "192.0.2.53:5300", "2001:db8::53", "[2001:db8::53]:5300"], timeout: 250ms}
    limits: {per_address_interval: 1h30m}
    metrics: {disable: [mx_host_extension, mx_host_esmtp]}
    modules:
      slow: {timeout: 2m, host_series: failing, expect_mx: [MX.Example., .bücher.example]}
      helo: {stages: [helo, mail, rcpt], rcpt_to: ["postmaster@{domain}", postmaster], vrfy: "no", expn: "1e3"}
      tls: {stages: [ehlo, starttls], starttls: {required: true, verify: require}, expect: {banner: [220, 250]},
            policies: [dane, mta_sts, tls_rpt]}
      canary: {stages: [ehlo, mail, rcpt, data], rcpt_to: a@b.example, data: {from: c@d.example, to: [a@b.example],
               cc: e@f.example, reply_to: g@h.example, subject: "no", body: "two\\nlines\\n"}}
      submission: {tls: implicit, starttls: {verify: require}}
    egress: {references: ["192.0.2.9:25", "2001:db8::1"], witness_ports: []}
    standing: {addresses: ["2001:db8::25", 192.0.2.25], lists: [bl.example.net, 2.bl.example]}
    domains:
      - straße.de
      - ai.
      - {domain: uz., port: 26}
      - {domain: a.example, module: helo, timeout: 3s, labels: {team: "y", "no": "012", area: "ü: #x"}}
      - {domain: b.example, module: tls, allow_addresses: [127.0.0.0/8], max_addresses: 1}
      - {domain: c.example, module: slow, timeout: 30s, host_series: all}
      - {domain: d.example, module: slow, expect_mx: []}
      - {domain: e.example, expect_mx: .mx.example}
    hosts: ["relay.example:26", "2001:DB8::25", {host: "192.0.2.1", port: 27}, "[2001:db8::26]:28"]
"""


@pytest.mark.parametrize("text", ["{}", EVERYTHING])
def test_it_can_be_loaded_again_and_is_the_same(text: str) -> None:
    loaded = config(text)
    assert parse(effective_yaml(loaded), "c.yaml") == loaded


def test_every_default_is_filled_in() -> None:
    shown = yaml.safe_load(effective_yaml(config("{}")))
    assert shown["defaults"]["interval"] == "1m"
    assert shown["defaults"]["address_families"] == ["ipv4", "ipv6"]
    assert shown["modules"]["default"]["stages"] == ["ehlo"]
    assert shown["limits"]["concurrency"] == 1000


def test_it_is_bounded() -> None:
    loaded = parse("domains:\n" + "".join(f"  - d{n}.example\n" for n in range(MAX_TARGETS + 5)))
    text = effective_yaml(loaded)
    assert len(parse(text).targets) == MAX_TARGETS
    assert "# and 5 more" in text


def test_groups_are_shown_by_their_keys_and_on_each_of_their_targets() -> None:
    text = """
        defaults: {interval: 2m}
        modules: {slow: {timeout: 2m}}
        groups:
          - {name: gold, interval: 30s, labels: {team: a}, domains: [a.example, {domain: b.example, interval: 2m}]}
          - {module: slow, hosts: ["h.example:26"], domains: [c.example]}
          - {domains: [d.example]}
    """
    loaded = config(text)
    shown = yaml.safe_load(effective_yaml(loaded))
    assert shown["groups"] == [
        {"name": "gold", "interval": "30s", "labels": {"team": "a"}},
        {"module": "slow"},
        {},
    ]
    assert shown["domains"] == [
        {"domain": "a.example", "interval": "30s", "labels": {"team": "a"}},
        {"domain": "b.example", "labels": {"team": "a"}},
        {"domain": "c.example", "module": "slow"},
        "d.example",
    ]
    assert shown["hosts"] == [{"host": "h.example:26", "module": "slow"}]
    assert parse(effective_yaml(loaded), "c.yaml") == loaded


def test_the_lists_of_groups_are_shown_with_them(tmp_path: Path) -> None:
    main = "domain_files: ['*.txt']\ngroups: [{port: 26, domain_files: ['gold.*', 'gold/*']}]\n"
    loaded = load(write(tmp_path, {"config.yaml": main, "gold.txt": "a.example\n", "b.txt": "b.example\n"}))
    shown = yaml.safe_load(effective_yaml(loaded))
    assert shown["groups"] == [{"port": 26, "domain_files": ["gold.*", "gold/*"]}]
    assert shown["domain_files"] == ["*.txt"]
    assert shown["domains"] == [{"domain": "a.example", "port": 26}, "b.example"]


def test_groups_are_bounded() -> None:
    loaded = parse("groups:\n" + "  - {port: 26}\n" * (MAX_TARGETS + 2))
    text = effective_yaml(loaded)
    assert len(parse(text).groups) == MAX_TARGETS
    assert "# and 2 more" in text
