"""The configuration of a user, its values, and the message about each mistake."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from exporter.config.load import ConfigError, load, summary
from exporter.model.address import Family
from exporter.model.configuration import Config, Egress, Limits, ResolverSettings, Standing
from exporter.model.failure import Stage
from exporter.model.metric_names import TARGET_METRICS
from exporter.model.target import Module, Settings, Target, TargetKind
from tests.config.loading import config, file_problems, problems, write


def test_a_configuration_without_keys_has_all_defaults() -> None:
    assert config("{}") == Config(files=("c.yaml",))


@pytest.mark.parametrize(
    "key",
    [
        "defaults",
        "resolver",
        "limits",
        "modules",
        "egress",
        "standing",
        "metrics",
        "groups",
        "domains",
        "hosts",
        "domain_files",
    ],
)
def test_a_section_may_be_commented_out_line_by_line(key: str) -> None:
    assert config(f"{key}:\n  # nothing\n") == Config(files=("c.yaml",))


def test_every_section() -> None:
    loaded = config("""
        defaults:
          interval: 2m
          timeout: 10s
          port: 2525
          helo: Probe.Example.net
          address_families: [ipv6]
          source_address: {ipv4: 192.0.2.1, ipv6: "2001:DB8::1"}
          max_addresses: 3
          allow_addresses: [127.0.0.0/8, "::1"]
        resolver: {nameservers: ["192.0.2.53:5300", "2001:db8::53"], timeout: 250ms}
        limits: {concurrency: 5, per_address: 2, per_address_interval: 1s}
        egress: {references: ["mx.example.net", "192.0.2.9:25"], witness_ports: [80], trace: false}
        metrics: {disable: [mx_host_extension, mx_domain_probes]}
        """)
    assert loaded.disabled_metrics == {"mx_host_extension", "mx_domain_probes_total"}
    assert loaded.defaults == Settings(
        interval=120.0,
        timeout=10.0,
        port=2525,
        helo="probe.example.net",
        families=(Family.IPV6,),
        source_ipv4="192.0.2.1",
        source_ipv6="2001:db8::1",
        max_addresses=3,
        allow_addresses=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    )
    assert loaded.resolver == ResolverSettings((("192.0.2.53", 5300), ("2001:db8::53", 53)), 0.25)
    assert loaded.limits == Limits(5, 2, 1.0)
    references = tuple(
        Target(TargetKind.REFERENCE, name, host, replace(loaded.defaults, port=port, module=Module()))
        for name, host, port in (("mx.example.net", "mx.example.net", 2525), ("192.0.2.9:25", "192.0.2.9", 25))
    )
    assert loaded.egress == Egress(references, (80,), False)


def test_keys_that_begin_with_x_are_the_user_s_own() -> None:
    assert config("x-common: &c {interval: 2m, any: [thing]}\nx-: 1\n") == Config(files=("c.yaml",))
    assert problems("xcommon: 1\nlimits: {x-y: 1}\n") == [
        "c.yaml:1:1: xcommon: unknown key",
        "c.yaml:2:10: limits.x-y: unknown key",
    ]


def test_modules() -> None:
    loaded = config("""
        modules:
          full:
            stages: [ehlo, starttls, ehlo, mail, rcpt]
            starttls: {required: true, verify: require}
            mail_from: probe@straße.de
            rcpt_to: "postmaster@{domain}"
            size: 1000
            vrfy: root
            expn: staff
            expect: {banner: [220, 250], ehlo_tls: [250]}
            timeout: 1m
          old: {stages: [helo]}
          several: {rcpt_to: [a@example.com, b@example.com]}
          empty:
        """)
    full = loaded.modules["full"]
    assert full.name == "full"
    assert full.stages == (Stage.EHLO, Stage.STARTTLS, Stage.MAIL, Stage.RCPT)
    assert (full.starttls.required, full.starttls.verify) == (True, "require")
    assert full.mail_from == "probe@xn--strae-oqa.de"
    assert full.rcpt_to == ("postmaster@{domain}",)
    assert (full.size, full.vrfy, full.expn, full.timeout) == (1000, "root", "staff", 60.0)
    assert full.expect == {Stage.BANNER: {220, 250}, Stage.EHLO_TLS: {250}}
    assert not full.force_helo
    assert loaded.modules["old"] == Module("old", force_helo=True)
    assert loaded.modules["several"].rcpt_to == ("a@example.com", "b@example.com")
    assert loaded.modules["empty"] == Module("empty")
    assert loaded.modules["default"] == Module()


def test_targets() -> None:
    loaded = config("""
        modules: {full: {timeout: 45s}}
        domains:
          - Example.COM.
          - straße.de
          - {domain: example.org, module: full, interval: 5m, port: 2525, labels: {team: mail, area: "1"}}
        hosts:
          - relay.example.net:2525
          - {host: "2001:DB8::1", port: 465, timeout: 5s, labels: {team: mail}}
        """)
    plain, international, own, relay, address = loaded.targets
    assert (plain.kind, plain.name, plain.host) == (TargetKind.DOMAIN, "example.com", "example.com")
    assert plain.settings == loaded.defaults == Settings()
    assert international.name == "xn--strae-oqa.de"
    assert own.settings == Settings(interval=300.0, timeout=45.0, module=loaded.modules["full"], port=2525)
    assert own.labels == (("area", "1"), ("team", "mail"))
    assert (relay.kind, relay.name, relay.host) == (TargetKind.HOST, "relay.example.net:2525", "relay.example.net")
    assert relay.settings == Settings(port=2525)
    assert (address.name, address.host) == ("2001:DB8::1", "2001:db8::1")
    assert address.settings == Settings(port=465, timeout=5.0)


def test_a_domain_and_a_host_of_one_name_are_two_targets() -> None:
    loaded = config("domains: [example.com]\nhosts: [example.com, 'example.com:587']\n")
    assert len({target.key for target in loaded.targets}) == 3


# A snippet and every line it gives.
MISTAKES: tuple[tuple[str, ...], ...] = (
    # The whole
    ("", "c.yaml:1:1: is empty: write {} if that is meant"),
    ("- example.com\n", "c.yaml:1:1: must be a mapping, not a list"),
    ("domain: [a.example]\n", "c.yaml:1:1: domain: unknown key; did you mean domains?"),
    ("xyzzy: 1\n", "c.yaml:1:1: xyzzy: unknown key"),
    ("domains: a.example\n", "c.yaml:1:10: domains: must be a list, not a string"),
    ("defaults: [1]\n", "c.yaml:1:11: defaults: must be a mapping, not a list"),
    ("modules: [1]\n", "c.yaml:1:10: modules: must be a mapping, not a list"),
    # Durations
    ("defaults: {interval: 60}\n", "c.yaml:1:22: defaults.interval: 60 needs a unit, such as 60s"),
    ("defaults: {interval: '60'}\n", "c.yaml:1:22: defaults.interval: '60' needs a unit, such as 60s"),
    ("defaults: {interval: 999ms}\n", "c.yaml:1:22: defaults.interval: must be at least 1s"),
    ("defaults: {timeout: 0s}\n", "c.yaml:1:21: defaults.timeout: must be longer than 0s"),
    (
        "defaults: {timeout: soon}\n",
        "c.yaml:1:21: defaults.timeout: 'soon' is not a duration such as 250ms, 30s, 5m or 1h30m",
    ),
    (
        "defaults: {timeout: true}\n",
        "c.yaml:1:21: defaults.timeout: must be a string such as 30s, not true or false",
    ),
    (
        "defaults: {timeout: 1:30}\n",
        "c.yaml:1:21: defaults.timeout: '1:30' is a base-60 number in YAML 1.1: give a unit, such as 90s, "
        "or quote it if meant as text",
    ),
    # Numbers, booleans, choices
    ("defaults: {port: 0}\n", "c.yaml:1:18: defaults.port: must be at least 1, not 0"),
    ("defaults: {port: 65536}\n", "c.yaml:1:18: defaults.port: must be at most 65535, not 65536"),
    ("defaults: {port: '25'}\n", "c.yaml:1:18: defaults.port: must be a whole number, not a string"),
    ("defaults: {port: true}\n", "c.yaml:1:18: defaults.port: must be a whole number, not true or false"),
    ("defaults: {max_addresses: 0}\n", "c.yaml:1:27: defaults.max_addresses: must be at least 1, not 0"),
    ("limits: {concurrency: 0}\n", "c.yaml:1:23: limits.concurrency: must be at least 1, not 0"),
    (
        "egress: {trace: 1}\n",
        "c.yaml:1:17: egress.trace: must be true or false, not a number",
    ),
    (
        "egress: {trace: no}\n",
        "c.yaml:1:17: egress.trace: 'no' is false to YAML 1.1 only: write false, or quote it if meant as text",
    ),
    (
        "defaults: {address_families: [ipv4, ipv5]}\n",
        "c.yaml:1:37: defaults.address_families[1]: must be ipv4 or ipv6, not 'ipv5'",
    ),
    ("defaults: {address_families: []}\n", "c.yaml:1:30: defaults.address_families: must not be empty"),
    (
        "defaults: {address_families: [ipv4, ipv4]}\n",
        "c.yaml:1:30: defaults.address_families: ipv4 is listed twice",
    ),
    # Addresses
    (
        "defaults: {source_address: {ipv4: '::1'}}\n",
        "c.yaml:1:35: defaults.source_address.ipv4: '::1' is not an IPv4 address",
    ),
    (
        "defaults: {source_address: {ip4: 192.0.2.1}}\n",
        "c.yaml:1:29: defaults.source_address.ip4: unknown key; did you mean ipv4?",
    ),
    (
        "defaults: {allow_addresses: [10.0.0.1/8]}\n",
        "c.yaml:1:30: defaults.allow_addresses[0]: '10.0.0.1/8' has bits set to the right of its prefix: "
        "write 10.0.0.0/8",
    ),
    (
        "resolver: {nameservers: [dns.example]}\n",
        "c.yaml:1:26: resolver.nameservers[0]: 'dns.example' is not an IP address: "
        "a name server cannot be looked up before it is known",
    ),
    (
        "egress: {references: ['a.example:0']}\n",
        "c.yaml:1:23: egress.references[0]: 'a.example:0': the port must be between 1 and 65535",
    ),
    (
        "egress: {references: [a.example, a.example]}\n",
        "c.yaml:1:22: egress.references: a.example is listed twice",
    ),
    (
        "egress: {witness_ports: [25]}\n",
        "c.yaml:1:26: egress.witness_ports[0]: 25 is the port whose silence a witness port explains",
    ),
    (
        "metrics: {disable: [mx_host_extensions]}\n",
        "c.yaml:1:21: metrics.disable[0]: 'mx_host_extensions' is not a metric of targets; did you mean "
        "mx_host_extension?",
    ),
    ("metrics: {disable: [up]}\n", "c.yaml:1:21: metrics.disable[0]: 'up' is not a metric of targets"),
    (
        "metrics: {disable: [mx_host_failures, mx_host_failures_total]}\n",
        "c.yaml:1:20: metrics.disable: mx_host_failures_total is listed twice",
    ),
    (
        f"metrics: {{disable: [{', '.join(['mx_x'] * 500)}]}}\n",
        f"c.yaml:1:20: metrics.disable: must have at most {len(TARGET_METRICS)} items, not 500",
    ),
    ("metrics: {enable: []}\n", "c.yaml:1:11: metrics.enable: unknown key; did you mean disable?"),
    (
        "defaults: {host_series: some}\nmodules: {x: {host_series: 1}}\n",
        "c.yaml:1:25: defaults.host_series: must be all, failing or none, not 'some'",
        "c.yaml:2:28: modules.x.host_series: must be all, failing or none, not a number",
    ),
    (
        "defaults: {expect_mx: ['*.mx.example']}\n"
        "modules: {a: {expect_mx: {a: b}}, b: {expect_mx: [., 1, 192.0.2.1]}, c: {expect_mx: [a.example, A.example]}}\n"
        "hosts: [{host: a.example, expect_mx: b.example}, {host: b.example, expect_mx: }]\n",
        "c.yaml:1:24: defaults.expect_mx[0]: '*.mx.example' is neither a host name nor a suffix: write .mx.example",
        "c.yaml:2:26: modules.a.expect_mx: must be a list, not a mapping",
        "c.yaml:2:51: modules.b.expect_mx[0]: '' is not a host name: it is empty",
        "c.yaml:2:54: modules.b.expect_mx[1]: must be a string such as mx.example.net or .example.net, not a number",
        "c.yaml:2:57: modules.b.expect_mx[2]: '192.0.2.1' is an IP address, not a host name",
        "c.yaml:2:85: modules.c.expect_mx: a.example is listed twice",
        "c.yaml:3:38: hosts[0].expect_mx: is about MX records, which are not looked up for a host",
    ),
    (
        "limits: {share_addresses: true}\n",
        "c.yaml:1:10: limits.share_addresses: unknown key; did you mean per_address?",
    ),
    # Domains and hosts
    (
        "domains: [a_b.example]\n",
        "c.yaml:1:11: domains[0]: 'a_b.example' is not a host name: it contains an underscore",
    ),
    ("domains: [5]\n", "c.yaml:1:11: domains[0]: must be a domain or a mapping with one, not a number"),
    ("domains: [~]\n", "c.yaml:1:11: domains[0]: must be a domain or a mapping with one, not empty"),
    ("domains:\n  - interval: 5m\n", "c.yaml:2:5: domains[0]: domain is missing"),
    ("domains:\n  - domain:\n", "c.yaml:2:5: domains[0]: domain is missing"),
    (
        "domains:\n  - domain: a.example\n    intervall: 5m\n",
        "c.yaml:3:5: domains[0].intervall: unknown key; did you mean interval?",
    ),
    (
        "domains: [{domain: a.example, module: ful}]\nmodules: {full: {}}\n",
        "c.yaml:1:39: domains[0].module: there is no module ful; did you mean full?",
    ),
    (
        "domains: [{domain: a.example, module: none}]\nmodules: {x: {size: -1}}\n",
        "c.yaml:1:39: domains[0].module: there is no module none",
        "c.yaml:2:21: modules.x.size: must be at least 0, not -1",
    ),
    (
        "domains: [{domain: a.example, module: x}]\nmodules: {x: {size: -1}}\n",
        "c.yaml:2:21: modules.x.size: must be at least 0, not -1",
    ),
    (
        "domains: [a.example, A.Example.]\n",
        "c.yaml:1:22: domains[1]: is configured twice; the first is at c.yaml:1:11",
    ),
    (
        "domains: [a.example, {domain: a.example, port: 26}]\n",
        "c.yaml:1:31: domains[1].domain: is configured twice; the first is at c.yaml:1:11",
    ),
    (
        "hosts: [a.example, 'a.example:25']\n",
        "c.yaml:1:20: hosts[1]: is configured twice; the first is at c.yaml:1:9",
    ),
    (
        "hosts: [{host: a.example, port: 26}, {host: a.example, port: 27}]\n",
        "c.yaml:1:45: hosts[1].host: is configured twice; the first is at c.yaml:1:16",
    ),
    (
        "hosts: [{host: 'a.example:25', port: 26}]\n",
        "c.yaml:1:38: hosts[0].port: the port is given with the host already: a.example:25",
    ),
    ("hosts: ['a.example:']\n", "c.yaml:1:9: hosts[0]: 'a.example:': the port must be between 1 and 65535"),
    ("hosts: [[]]\n", "c.yaml:1:9: hosts[0]: must be a host or a mapping with one, not a list"),
    # Labels
    (
        "domains: [{domain: a.example, labels: {a-b: x}}]\n",
        "c.yaml:1:40: domains[0].labels.a-b: 'a-b' is not a label name: letters, digits and _, "
        "not beginning with a digit",
    ),
    (
        "domains: [{domain: a.example, labels: {__x: z}}]\n",
        "c.yaml:1:40: domains[0].labels.__x: '__x' is refused, because Prometheus sets the labels that begin with __",
    ),
    (
        "domains: [{domain: a.example, labels: {team: 7}}]\n",
        "c.yaml:1:46: domains[0].labels.team: a label value must be a string, not a number: quote it",
    ),
    (
        'domains: [{domain: a.example, labels: {team: "a\\nb"}}]\n',
        "c.yaml:1:46: domains[0].labels.team: a label value must not contain the control character U+000A",
    ),
    (
        "domains: [{domain: a.example, labels: {team: [a]}}]\n",
        "c.yaml:1:46: domains[0].labels.team: a label value must be a string, not a list",
    ),
    # Modules
    (
        "modules: {a b: {}}\n",
        "c.yaml:1:11: modules.a b: 'a b' is not a module name: up to 64 letters, digits and _ . -",
    ),
    ("modules: {x: {stages: []}}\n", "c.yaml:1:23: modules.x.stages: must not be empty"),
    (
        "modules: {x: {stages: [ehlo, quit]}}\n",
        "c.yaml:1:30: modules.x.stages[1]: quit is part of every probe and is not listed",
    ),
    (
        "modules: {x: {stages: [ehlo, noop]}}\n",
        "c.yaml:1:30: modules.x.stages[1]: no stage 'noop': the stages are ehlo, helo, starttls, auth, mail, rcpt, "
        "data, vrfy, expn, rset",
    ),
    (
        "modules: {x: {stages: [ehlo, rcpt], rcpt_to: a@b.example}}\n",
        "c.yaml:1:30: modules.x.stages[1]: rcpt needs mail before it",
    ),
    (
        "modules: {x: {starttls: {required: true}}}\n",
        "c.yaml:1:36: modules.x.starttls.required: needs the stage starttls, which stages does not list",
    ),
    (
        "modules: {x: {starttls: {server_name: mx.example}}}\n",
        "c.yaml:1:39: modules.x.starttls.server_name: needs the stage starttls, which stages does not list",
    ),
    (
        "modules: {x: {tls: implicit, starttls: {server_name: 192.0.2.1}}}\n",
        "c.yaml:1:54: modules.x.starttls.server_name: '192.0.2.1' is an IP address, not a host name",
    ),
    (
        "modules: {x: {proxy_protocol: v1}}\n",
        "c.yaml:1:31: modules.x.proxy_protocol: must be true or false, not a string",
    ),
    (
        "modules: {x: {stages: [ehlo], policies: [mta_sts, dane]}}\n",
        "c.yaml:1:51: modules.x.policies[1]: dane needs the stage starttls, which stages does not list",
    ),
    (
        "modules: {x: {stages: [ehlo], policies: [zone, versions]}}\n",
        "c.yaml:1:48: modules.x.policies[1]: versions needs the stage starttls, which stages does not list",
    ),
    (
        "modules: {x: {policies: [mta-sts]}}\n",
        "c.yaml:1:26: modules.x.policies[0]: must be dane, mta_sts, tls_rpt, versions or zone, not 'mta-sts'",
    ),
    (
        "modules: {x: {policies: [tls_rpt, tls_rpt]}}\n",
        "c.yaml:1:25: modules.x.policies: tls_rpt is listed twice",
    ),
    (
        "modules: {x: {stages: [helo, mail], size: 5}}\n",
        "c.yaml:1:43: modules.x.size: needs ehlo: HELO offers no extensions",
    ),
    (
        "modules: {x: {stages: [helo, mail], mail_from: ü@a.example}}\n",
        "c.yaml:1:48: modules.x.mail_from: needs ehlo: HELO offers no extensions",
    ),
    (
        "modules: {x: {stages: [ehlo, mail, rcpt, data]}}\n",
        "c.yaml:1:36: modules.x.stages[2]: rcpt needs a recipient: set rcpt_to",
    ),
    (
        "modules: {x: {stages: [ehlo, mail, rcpt, data], rcpt_to: 'a@{domain}'}}\n",
        "c.yaml:1:58: modules.x.rcpt_to: data delivers a message: name its recipient, without {domain}",
    ),
    (
        "modules: {x: {rcpt_to: nobody}}\n",
        "c.yaml:1:24: modules.x.rcpt_to: 'nobody' is not a mail address: it has no @",
    ),
    (
        "modules: {x: {rcpt_to: [a@a.example, 'a@{host}']}}\n",
        "c.yaml:1:38: modules.x.rcpt_to[1]: 'a@{host}': {host} is no placeholder; {domain} is the only one",
    ),
    (
        'modules: {x: {vrfy: "a\\r\\nQUIT"}}\n',
        "c.yaml:1:21: modules.x.vrfy: 'a\\r\\nQUIT' contains the control character U+000D",
    ),
    ("modules: {x: {expect: {banner: 220}}}\n", "c.yaml:1:32: modules.x.expect.banner: must be a list, not a number"),
    (
        "modules: {x: {expect: {banner: [200]}}}\n",
        "c.yaml:1:33: modules.x.expect.banner[0]: must be at least 220, not 200",
    ),
    (
        "modules: {x: {stages: [ehlo, starttls], tls: implicit}}\n",
        "c.yaml:1:46: modules.x.tls: the connection is TLS from the start: starttls has no place in stages",
    ),
    ("modules: {x: {tls: explicit}}\n", "c.yaml:1:20: modules.x.tls: must be starttls or implicit, not 'explicit'"),
    (
        "modules: {x: {data: {form: a@a.example}}}\n",
        "c.yaml:1:22: modules.x.data.form: unknown key; did you mean from?",
    ),
    (
        "modules: {x: {data: {sender: a@a.example}}}\n",
        "c.yaml:1:22: modules.x.data.sender: unknown key",
    ),
    (
        'modules: {x: {data: {from: a, subject: "a\\r\\nBcc: b@b.example", body: "\\0"}}}\n',
        "c.yaml:1:28: modules.x.data.from: 'a' is not a mail address: it has no @",
        "c.yaml:1:40: modules.x.data.subject: 'a\\r\\nBcc: b@b.example' contains the control character U+000D",
        "c.yaml:1:71: modules.x.data.body: the text of a canary must not contain control characters",
    ),
    (
        "modules: {x: {expect: {tls: [220]}}}\n",
        "c.yaml:1:24: modules.x.expect.tls: 'tls' is not a stage with a reply: banner, ehlo, starttls, ehlo_tls, "
        "auth, mail, rcpt, data, vrfy, expn, rset, quit",
    ),
    (
        "modules: {x: {starttls: {verify: maybe}}}\n",
        "c.yaml:1:34: modules.x.starttls.verify: must be report or require, not 'maybe'",
    ),
    ("defaults: {module: none}\n", "c.yaml:1:20: defaults.module: there is no module none"),
    # All of them at once: a mistake of an entry hides none of another kind.
    (
        "modules: {x: {stages: [mail, vrfy], size: -1, auth: {username: u}}}\n",
        "c.yaml:1:24: modules.x.stages[0]: ehlo or helo must come first",
        "c.yaml:1:30: modules.x.stages[1]: vrfy needs a user: set vrfy",
        "c.yaml:1:43: modules.x.size: must be at least 0, not -1",
        "c.yaml:1:53: modules.x.auth: give either password_file or password_env",
    ),
    (
        "domains: [a.example, {domain: a.example, interval: x}, {domain: b.example, module: x}, b.example]\n",
        "c.yaml:1:31: domains[1].domain: is configured twice; the first is at c.yaml:1:11",
        "c.yaml:1:52: domains[1].interval: 'x' is not a duration such as 250ms, 30s, 5m or 1h30m",
        "c.yaml:1:84: domains[2].module: there is no module x",
        "c.yaml:1:88: domains[3]: is configured twice; the first is at c.yaml:1:65",
    ),
    (
        "hosts: [a.example, {host: a.example, port: x}]\n",
        "c.yaml:1:27: hosts[1].host: is configured twice; the first is at c.yaml:1:9",
        "c.yaml:1:44: hosts[1].port: must be a whole number, not a string",
    ),
    # Domain files
    (
        "domain_files: [5]\n",
        "c.yaml:1:16: domain_files[0]: must be a file or pattern such as domains.d/*.txt, not a number",
    ),
)


@pytest.mark.parametrize("row", MISTAKES, ids=lambda row: row[1])
def test_mistakes(row: tuple[str, ...]) -> None:
    text, *expected = row
    assert problems(text) == expected


def test_all_mistakes_come_at_once_in_the_order_of_lines() -> None:
    assert problems("""\
        defaults:
          interval: 5
          timeout: no
        hosts: [a_b]
        domains:
          - domain: x
            labels: {le: a, b: 1}
          - ok.example
        modules:
          m: {stages: [mail]}
          m: {}
        """) == [
        "c.yaml:2:13: defaults.interval: 5 needs a unit, such as 5s",
        "c.yaml:3:12: defaults.timeout: 'no' is false to YAML 1.1 only: write false, or quote it if meant as text",
        "c.yaml:4:9: hosts[0]: 'a_b' is not a host name: it contains an underscore",
        "c.yaml:6:13: domains[0].domain: 'x' is a single label: a domain has a dot (or write x. with a final dot)",
        "c.yaml:7:14: domains[0].labels.le: 'le' is refused, because the exporter sets this label",
        "c.yaml:7:24: domains[0].labels.b: a label value must be a string, not a number: quote it",
        "c.yaml:10:16: modules.m.stages[0]: ehlo or helo must come first",
        "c.yaml:11:3: modules.m: duplicate key; the first is at c.yaml:10:3",
    ]


def test_that_there_is_no_such_module_is_told_beside_what_else_is_wrong_with_a_target() -> None:
    assert problems("""\
        domains:
          - {domain: a.example, module: nope, intervall: 5s}
        hosts:
          - {host: "a.example:99999", module: nope}
        """) == [
        "c.yaml:2:33: domains[0].module: there is no module nope",
        "c.yaml:2:39: domains[0].intervall: unknown key; did you mean interval?",
        "c.yaml:4:12: hosts[0].host: 'a.example:99999': the port must be between 1 and 65535",
        "c.yaml:4:39: hosts[0].module: there is no module nope",
    ]


def test_a_value_that_could_not_be_read_is_told_once() -> None:
    assert len(problems("domains: [{domain: no}]\n")) == 1
    assert len(problems("domains: no\n")) == 1
    assert len(problems("domains: [no]\nhosts: [off, {host: 1_0}]\nmodules: {x: 012}\ndefaults: =\n")) == 5


def test_an_error_names_its_parts() -> None:
    with pytest.raises(ConfigError) as error:
        config("domains:\n  - domain: a.example\n    labels: {team: 1}\n")
    (problem,) = error.value.errors
    assert (problem.file, problem.line, problem.column) == ("c.yaml", 3, 20)
    assert problem.path == "domains[0].labels.team"
    assert problem.message == "a label value must be a string, not a number: quote it"


def test_mistakes_of_all_files_come_at_once_the_main_file_first(tmp_path: Path) -> None:
    assert file_problems(
        tmp_path,
        {
            "config.yaml": "domain_files: [b.txt, 'd/*.yaml', none.txt]\nhosts: [a_b]\n",
            "b.txt": "ok.example\n\n  bad_name.example # comment\nok.example\n",
            "d/x.yaml": "- a.example\n- domain: ok.example\n  labels: {y: b}\n",
            "d/z.yaml": "domains: []\n",
        },
    ) == [
        "config.yaml:2:9: hosts[0]: 'a_b' is not a host name: it contains an underscore",
        "d/z.yaml:1:1: must be a list of domains, not a mapping",
        "none.txt:1:1: cannot be read: No such file or directory",
    ]


def test_a_missing_or_unreadable_main_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml:1:1: cannot be read: No such file or directory"):
        load(tmp_path / "none.yaml")


def test_the_summary_counts_in_words(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": "domains: [a.example, b.example]\nhosts: [c.example]\nmodules: {x: {}}\ndomain_files: [d.txt]\n",
        "d.txt": "e.example\n",
    }
    path = write(tmp_path, files)
    assert summary(load(path)) == f"{path}: 3 domains, 1 host, 2 modules in 2 files"


@pytest.mark.parametrize("escape", ["\\n", "\\t", "\\u2028", "\\x1b", "\\uFEFF"])
def test_a_message_is_one_harmless_line_whatever_it_quotes(escape: str) -> None:
    (line,) = problems(f'modules: {{x: {{rcpt_to: "a@{{{escape}}}"}}}}\n')
    assert line.isprintable()
    (line,) = problems(f'defaults: {{module: "{escape}"}}\n')
    assert line.isprintable()


def test_a_module_may_name_the_server_and_introduce_itself() -> None:
    found = config(
        """\
        modules:
          relay:
            stages: [ehlo, starttls]
            starttls: {server_name: Bücher.example}
            proxy_protocol: true
        """
    ).modules["relay"]
    assert found.starttls.server_name == "xn--bcher-kva.example"
    assert found.proxy_protocol


def test_standing_is_off_until_its_section_is_there() -> None:
    assert config("domains: [a.example]").standing is None
    assert config("standing:").standing is None
    assert config("standing: {}").standing == Standing()
    found = config(
        'standing: {addresses: ["2001:DB8::1", 192.0.2.1], lists: [BL.Example.net., _x.2.bl.example]}'
    ).standing
    assert found == Standing(("2001:db8::1", "192.0.2.1"), ("bl.example.net", "_x.2.bl.example"))


def test_mistakes_of_standing_are_told_with_their_places() -> None:
    found = problems(
        """\
        standing:
          addresses: [192.0.2.1, 192.0.2.300]
          lists: [bl.example, "a list", zen, 7]
        """
    )
    assert [problem.split(": ")[0] for problem in found] == ["c.yaml:2:26", "c.yaml:3:23", "c.yaml:3:33", "c.yaml:3:38"]
    assert "at most one address of each family" in problems("standing: {addresses: [192.0.2.1, 192.0.2.2]}")[0]
    assert "listed twice" in problems("standing: {lists: [bl.example, BL.example]}")[0]
    assert "must be a mapping" in problems("standing: [bl.example]")[0]
