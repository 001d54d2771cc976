"""Groups: their settings on each of their targets, in the main file and in lists; and every mistake at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config.load import load
from exporter.config.target_loading import group_of
from exporter.model.configuration import Config
from exporter.model.target import TargetKind
from tests.config.loading import config, problems, write

MODULES = "modules: {slow: {timeout: 50s, host_series: none}, plain: {}}"


@pytest.mark.parametrize(
    ("defaults", "group", "entry", "expected"),
    [
        ("", "", "", ("1m", 30, "default", "all")),
        ("interval: 2m", "", "", ("2m", 30, "default", "all")),
        ("interval: 2m", "interval: 3m", "", ("3m", 30, "default", "all")),
        ("interval: 2m", "interval: 3m", "interval: 4m", ("4m", 30, "default", "all")),
        ("interval: 2m", "", "interval: 4m", ("4m", 30, "default", "all")),
        ("interval: 2m", "interval: 3m", "interval: ", ("3m", 30, "default", "all")),
        ("interval: 2m", "interval: ", "", ("2m", 30, "default", "all")),
        # A module's own timeout and host series win over those of defaults, a group's and a target's over both.
        ("timeout: 10s", "module: slow", "", ("1m", 50, "slow", "none")),
        ("module: slow", "", "", ("1m", 50, "slow", "none")),
        ("module: slow", "module: plain", "", ("1m", 30, "plain", "all")),
        ("module: slow, timeout: 10s", "", "module: plain", ("1m", 10, "plain", "all")),
        ("", "module: slow, timeout: 5s", "", ("1m", 5, "slow", "none")),
        ("", "timeout: 5s", "module: slow", ("1m", 5, "slow", "none")),
        ("", "module: slow", "timeout: 5s", ("1m", 5, "slow", "none")),
        ("", "module: slow, timeout: 5s", "timeout: 6s", ("1m", 6, "slow", "none")),
        ("host_series: failing", "", "", ("1m", 30, "default", "failing")),
        ("host_series: failing", "module: slow", "", ("1m", 50, "slow", "none")),
        ("host_series: none", "host_series: all", "", ("1m", 30, "default", "all")),
        ("", "host_series: failing", "module: slow", ("1m", 50, "slow", "failing")),
        ("", "host_series: failing", "host_series: all, module: slow", ("1m", 50, "slow", "all")),
    ],
)
def test_an_entry_wins_over_its_group_and_that_over_the_defaults(
    defaults: str, group: str, entry: str, expected: tuple[str, float, str, str]
) -> None:
    group, entry = (f"{keys}, " if keys else "" for keys in (group, entry))
    loaded = config(
        f"defaults: {{{defaults}}}\n{MODULES}\n"
        f"groups: [{{{group}domains: [{{{entry}domain: a.example}}], hosts: [{{{entry}host: a.example}}]}}]\n"
    )
    for target in loaded.targets:
        found = target.settings
        assert (f"{found.interval / 60:g}m", found.timeout, found.module.name, found.host_series) == expected


@pytest.mark.parametrize(
    ("defaults", "module", "group", "entry", "expected"),
    [
        ("", "", "", "", ()),
        (".A.Example.", "", "", "", (".a.example",)),
        ("a.example", "[b.example, .b.example]", "", "", ("b.example", ".b.example")),
        ("a.example", "b.example", "c.example", "", ("c.example",)),
        ("a.example", "b.example", "c.example", "[.bücher.example]", (".xn--bcher-kva.example",)),
        ("a.example", "b.example", "c.example", "[]", ()),
        ("a.example", "[]", "", "", ()),
    ],
)
def test_expected_mx_hosts_are_those_of_the_nearest(
    defaults: str, module: str, group: str, entry: str, expected: tuple[str, ...]
) -> None:
    given = [f"expect_mx: {value}, " if value else "" for value in (defaults, module, group, entry)]
    loaded = config(
        f"defaults: {{{given[0]}}}\nmodules: {{own: {{{given[1]}}}}}\n"
        f"groups: [{{{given[2]}module: own, domains: [{{{given[3]}domain: x.example}}], hosts: [relay.example]}}]\n"
    )
    domain = next(target for target in loaded.targets if target.kind is TargetKind.DOMAIN)
    assert domain.settings.expect_mx == expected


def test_a_list_in_an_entry_takes_the_place_of_the_group_s() -> None:
    loaded = config("""
        groups:
          - allow_addresses: [127.0.0.0/8]
            source_address: {ipv4: 192.0.2.1}
            domains: [a.example, {domain: b.example, allow_addresses: [], source_address: {ipv6: "2001:db8::1"}}]
        """)
    a, b = (target.settings for target in loaded.targets)
    assert (len(a.allow_addresses), a.source_ipv4, a.source_ipv6) == (1, "192.0.2.1", "")
    assert (len(b.allow_addresses), b.source_ipv4, b.source_ipv6) == (0, "", "2001:db8::1")


def test_labels_are_merged_and_shared() -> None:
    loaded = config("""
        groups:
          - labels: {team: mail, tier: gold}
            domains: [a.example, b.example, {domain: c.example, labels: {tier: "1", area: x}}, {domain: d.example}]
            hosts: [relay.example, {host: "other.example:26", labels: {team: "2"}}]
          - domains: [e.example]
        """)
    labels = {target.name: dict(target.labels) for target in loaded.targets}
    gold = {"team": "mail", "tier": "gold"}
    assert labels == {
        "a.example": gold,
        "b.example": gold,
        "c.example": {"team": "mail", "tier": "1", "area": "x"},
        "d.example": gold,
        "e.example": {},
        "relay.example": gold,
        "other.example:26": {"team": "2", "tier": "gold"},
    }
    a, b, _, d, *_ = loaded.targets
    assert a.labels is b.labels is d.labels
    assert a.settings is b.settings is d.settings


def test_domains_come_before_hosts_and_the_top_before_the_groups() -> None:
    loaded = config("""
        groups: [{hosts: [b.example], domains: [b.example]}]
        hosts: [a.example]
        domains: [a.example]
        """)
    assert [(target.kind, target.name) for target in loaded.targets] == [
        (TargetKind.DOMAIN, "a.example"),
        (TargetKind.DOMAIN, "b.example"),
        (TargetKind.HOST, "a.example"),
        (TargetKind.HOST, "b.example"),
    ]


def test_a_port_of_a_group_is_not_that_of_a_host_with_its_own() -> None:
    loaded = config("groups: [{port: 587, hosts: [a.example, 'b.example:26', {host: c.example, port: 27}]}]\n")
    assert [target.settings.port for target in loaded.targets] == [587, 26, 27]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("groups: {}\n", ["c.yaml:1:9: groups: must be a list, not a mapping"]),
        ("groups: [a.example]\n", ["c.yaml:1:10: groups[0]: must be a mapping, not a string"]),
        ("groups: [~]\n", ["c.yaml:1:10: groups[0]: must be a mapping, not empty"]),
        ("groups: [{domain: a.example}]\n", ["c.yaml:1:11: groups[0].domain: unknown key; did you mean domains?"]),
        ("groups: [{domains: a.example}]\n", ["c.yaml:1:20: groups[0].domains: must be a list, not a string"]),
        ("groups: [{hosts: 5}]\n", ["c.yaml:1:18: groups[0].hosts: must be a list, not a number"]),
        (
            "groups: [{domain_files: [5]}]\n",
            ["c.yaml:1:26: groups[0].domain_files[0]: must be a file or pattern such as domains.d/*.txt, not a number"],
        ),
        ("groups: [{name: 5}]\n", ["c.yaml:1:17: groups[0].name: must be a string such as customers, not a number"]),
        ("groups: [{name: ''}]\n", ["c.yaml:1:17: groups[0].name: '' is not a name: a line of up to 100 characters"]),
        (
            "groups: [{name: a}, {port: 26, name: a}]\n",
            ["c.yaml:1:38: groups[1].name: is the name of two groups; the first is at c.yaml:1:17"],
        ),
        # Every mistake at once: the group's own, and those of its entries.
        (
            "groups:\n  - interval: 5\n    module: nope\n    domains: [a_b, {domain: a.example, porrt: 1}]\n"
            "    hosts: ['a.example:0']\n",
            [
                "c.yaml:2:15: groups[0].interval: 5 needs a unit, such as 5s",
                "c.yaml:3:13: groups[0].module: there is no module nope",
                "c.yaml:4:15: groups[0].domains[0]: 'a_b' is not a host name: it contains an underscore",
                "c.yaml:4:40: groups[0].domains[1].porrt: unknown key; did you mean port?",
                "c.yaml:5:13: groups[0].hosts[0]: 'a.example:0': the port must be between 1 and 65535",
            ],
        ),
        (
            "groups: [{domains: [{domain: a.example, module: nope}]}]\n",
            ["c.yaml:1:49: groups[0].domains[0].module: there is no module nope"],
        ),
        # One domain is one target.
        (
            "domains: [a.example]\ngroups: [{domains: [A.example]}]\n",
            ["c.yaml:2:21: groups[0].domains[0]: is configured twice; the first is at c.yaml:1:11"],
        ),
        (
            "groups: [{domains: [a.example]}, {domains: [{domain: a.example, port: 26}]}]\n",
            ["c.yaml:1:54: groups[1].domains[0].domain: is configured twice; the first is at c.yaml:1:21"],
        ),
        (
            "hosts: ['a.example:25']\ngroups: [{hosts: [a.example]}]\n",
            ["c.yaml:2:19: groups[0].hosts[0]: is configured twice; the first is at c.yaml:1:9"],
        ),
        (
            "groups: [{port: 26, hosts: [a.example, 'a.example:26']}]\n",
            ["c.yaml:1:40: groups[0].hosts[1]: is configured twice; the first is at c.yaml:1:29"],
        ),
        (
            "groups: [&g {domains: [a.example]}, {<<: *g, port: 26}]\n",
            [
                "c.yaml:1:24: groups[1].domains[0]: is configured twice: "
                "an alias or a merge key (<<) repeats this entry",
            ],
        ),
    ],
)
def test_mistakes(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_group_that_could_not_be_read_is_told_once() -> None:
    assert len(problems("groups: [no, {domains: no}, {interval: no}]\n")) == 3


def listed(folder: Path, files: dict[str, str | bytes]) -> Config:
    return load(write(folder, files))


def test_the_lines_of_a_group_s_lists_have_its_settings(tmp_path: Path) -> None:
    main = """
        domain_files: ["*.txt"]
        groups:
          - {port: 26, labels: {tier: gold, team: x}, domain_files: ["gold.*"], domains: [z.example]}
          - {interval: 5m, domain_files: ["silver/*"]}
        """
    files: dict[str, str | bytes] = {
        "config.yaml": main,
        "gold.txt": "a.example\n",  # a pattern of a group says more about a file than one outside
        "gold.csv": "domain,tier\nb.example,diamond\n",
        "gold.yaml": "- {domain: c.example, port: 27, labels: {team: z}}\n- d.example\n",
        "other.txt": "e.example\n",
        "silver/a": "f.example\n",
    }
    loaded = listed(tmp_path, files)
    found = {
        target.name: (target.settings.port, target.settings.interval, dict(target.labels)) for target in loaded.targets
    }
    gold = {"tier": "gold", "team": "x"}
    assert found == {
        "z.example": (26, 60.0, gold),
        "a.example": (26, 60.0, gold),
        "b.example": (26, 60.0, {"tier": "diamond", "team": "x"}),
        "c.example": (27, 60.0, {"tier": "gold", "team": "z"}),
        "d.example": (26, 60.0, gold),
        "e.example": (25, 60.0, {}),
        "f.example": (25, 300.0, {}),
    }
    assert loaded.list_patterns == ("gold.*", "silver/*", "*.txt")
    assert loaded.domain_files == ("*.txt",)
    assert [(group.domain_files, group.settings.port) for group in loaded.groups] == [
        (("gold.*",), 26),
        (("silver/*",), 25),
    ]


def test_the_first_mention_holds_the_main_file_before_all_lists(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": "domain_files: [c.txt]\n"
        "groups: [{port: 26, domain_files: [a.txt], domains: [m.example]}, {port: 27, domain_files: [b.txt]}]\n",
        "a.txt": "one.example\nm.example\n",
        "b.txt": "m.example\none.example\ntwo.example\n",
        "c.txt": "two.example\none.example\n",
    }
    loaded = listed(tmp_path, files)
    assert {target.name: target.settings.port for target in loaded.targets} == {
        "m.example": 26,
        "one.example": 26,
        "two.example": 27,
    }
    told = [text.replace(f"{tmp_path}/", "") for each in loaded.lists for text in each.twice]
    assert told == [
        "a.txt:2:1: m.example: is configured twice; the first is at config.yaml:2:54",
        "b.txt:1:1: m.example: is configured twice; the first is at config.yaml:2:54",
        "b.txt:2:1: one.example: is configured twice; the first is at a.txt:1:1",
        "c.txt:1:1: two.example: is configured twice; the first is at b.txt:3:1",
        "c.txt:2:1: one.example: is configured twice; the first is at a.txt:1:1",
    ]


def test_a_file_belongs_to_the_first_group_that_matches_it_and_the_second_is_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "config.yaml": "groups:\n  - {port: 26, domain_files: ['a.*', 'a.txt']}\n"
        "  - {port: 27, domain_files: ['*.txt']}\n",
        "a.txt": "a.example\n",
        "b.txt": "b.example\n",
    }
    loaded = listed(tmp_path, files)
    assert {target.name: target.settings.port for target in loaded.targets} == {"a.example": 26, "b.example": 27}
    told = [text.replace(f"{tmp_path}/", "") for each in loaded.lists for text in each.twice]
    assert told == [
        "config.yaml:3:31: groups[1].domain_files[0]: a.txt belongs to another group already, by the pattern at "
        "config.yaml:2:31"
    ]


def test_a_path_leads_into_a_group() -> None:
    assert group_of(("groups", 3, "domain_files", 0)) == "groups[3]"
    assert group_of(("domain_files", 0)) == ""
