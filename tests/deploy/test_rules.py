"""The shipped rules and configurations: held to their own ecosystem's tools, and to each other."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.diagnosis.advice import verdicts_of
from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.families import FAMILIES
from exporter.model.egress import EGRESS_UNKNOWN, EgressState
from exporter.model.failure import FailureClass, Stage, Verdict
from exporter.model.policy import DaneState, MtaStsProblem
from exporter.model.resolver import ResolverState
from exporter.model.warning import DomainWarning, HostWarning
from tests.deploy.deployed import (
    ALERTMANAGER_CONFIG,
    PROMETHEUS,
    RULE_FILES,
    RUNBOOKS,
    alerts,
    read_yaml,
    rules,
    seconds,
    spacious,
)
from tests.support.require import require_program

pytestmark = pytest.mark.long

TESTS = sorted((Path(__file__).parent / "rules").glob("*.yml"))
# A week with all rules would take most of the time of these tests.
WEEKS = {"latency": ["mx-latency", "mx-slow-hosts"], "changes_week": ["mx-changes"]}
# An alert may have two rules, each with a severity of its own.
ALERT_NAMES = list(dict.fromkeys(rule["alert"] for rule in alerts()))


def _name(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}"


def _check(*command: str, folder: Path = PROMETHEUS) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=spacious())
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_rules() -> None:
    _check(require_program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULE_FILES))


@pytest.mark.parametrize("name", ["prometheus.yml", "multi-target.yml"])
def test_promtool_accepts_the_configuration_and_finds_the_rules_from_it(name: str) -> None:
    _check(require_program("promtool"), "check", "config", "--lint=all", "--lint-fatal", name)


def test_amtool_accepts_the_configuration() -> None:
    _check(require_program("amtool"), "check-config", str(ALERTMANAGER_CONFIG))


@pytest.mark.timeout(300)  # days of promtool, which a busy machine takes minutes for
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_rules_do_what_their_tests_say(path: Path, tmp_path: Path) -> None:
    test = read_yaml(path)
    names = test["group_eval_order"]
    rules = [group for each in RULE_FILES for group in read_yaml(each)["groups"] if group["name"] in names]
    if minimum := test.pop("objective_domains", None):
        rules = _alerted_from(minimum, rules)
    for scene in test["tests"]:
        scene["input_series"] = [each for series in scene["input_series"] for each in _numbered(series)]
    # JSON is YAML.
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": rules}))
    (tmp_path / path.name).write_text(json.dumps({**test, "rule_files": ["rules.yml"]}))
    _check(require_program("promtool"), "test", "rules", path.name, folder=tmp_path)


def _numbered(series: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The series that one of a test stands for: as many as its `of` says, with their numbers in place of `#`."""
    for number in range(series.get("of", 1)):
        yield {"series": series["series"].replace("#", str(number)), "values": series["values"]}


def _alerted_from(minimum: int, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules with another number of domains from which a level is alerted on, as docs/how-to/objectives.md says."""
    found = [
        rule for group in groups for rule in group["rules"] if rule.get("record") == "level:mx_objective_domains:min"
    ]
    assert [rule["labels"]["level"] for rule in found] == ["fleet", "provider"]
    for rule in found:
        rule["expr"] = f"vector({minimum})"
    return groups


def _groups_of(path: Path) -> list[str]:
    """The groups of rules that a test runs with."""
    found: list[str] = read_yaml(path)["group_eval_order"]
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_tests_of_the_rules_have_them_in_their_order(path: Path) -> None:
    """Groups that record stand before those that alert: promtool has no order of its own, and late rules fire late."""
    names = {group["name"] for path in RULE_FILES for group in read_yaml(path)["groups"]}
    order = _groups_of(path)
    if path.stem in WEEKS:
        assert order == WEEKS[path.stem]
        assert names.issuperset(order)
        return
    objectives = [group["name"] for group in read_yaml(PROMETHEUS / "rules" / "objectives.yml")["groups"]]
    if path.stem.startswith("objectives"):  # they stand alone, and days of all others would take long
        assert order == objectives
        return
    assert set(order) == names.difference(objectives)
    assert order[:2] == ["mx-providers", "mx-states"]


@pytest.fixture(scope="module")
def expected() -> dict[str, list[list[Any]]]:
    """By alert, what each of its tests expects."""
    found: dict[str, list[list[Any]]] = {name: [] for name in ALERT_NAMES}
    for path in TESTS:
        for test in read_yaml(path)["tests"]:
            for case in test.get("alert_rule_test", ()):
                found[case["alertname"]].append(case["exp_alerts"])
    return found


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_every_alert_is_tested_where_it_fires_and_where_it_does_not(
    name: str, expected: dict[str, list[list[Any]]]
) -> None:
    assert any(expected[name]), "no test in which it fires"
    assert not all(expected[name]), "no test in which it does not"


@pytest.mark.parametrize("rule", alerts(), ids=_name)
def test_every_alert_says_how_bad_what_and_what_next(rule: dict[str, Any]) -> None:
    assert rule["labels"] in [{"severity": severity} for severity in ("critical", "warning", "info")]
    assert seconds(rule["for"]) >= 60
    annotations = rule["annotations"]
    assert set(annotations) - {"class_url"} == {"summary", "description", "runbook_url"}
    assert len(re.sub(r"\{\{ with .*?\{\{ end \}\}", "", annotations["summary"])) < 120
    assert "Next: " in annotations["description"]
    assert "{{" in annotations["description"] or rule["alert"] == "MxExporterAbsent", "no value"
    assert annotations["runbook_url"] == f"deploy/runbooks.md#{rule['alert'].lower()}"


@pytest.mark.parametrize("name", [name for name in ALERT_NAMES if "Domain" in name or "Host" in name])
def test_no_alert_of_a_domain_or_host_has_a_label_that_turns_with_the_evidence(
    name: str, expected: dict[str, list[list[Any]]]
) -> None:
    """Its clock would begin anew."""
    labels = {label for alerts in expected[name] for alert in alerts for label in alert["exp_labels"]}
    assert not labels & {"class", "stage", "confidence"}


def test_what_alerts_say_to_do_next_is_a_closed_list() -> None:
    """A series for each class and verdict, and no other. Its words: tests/docs/test_classes_page.py."""
    found = [
        (rule["labels"]["class"], rule["labels"]["verdict"])
        for rule in rules()
        if rule.get("record") == "class_verdict:mx_next:info"
    ]
    assert found == [(each, verdict) for each in FailureClass for verdict in verdicts_of(each)]


@pytest.mark.parametrize(
    "rule",
    [rule for rule in alerts() if re.search("mx_failure|mx_host_up|mx_down|_lost|_alike", rule["expr"])],
    ids=_name,
)
def test_an_alert_about_a_failure_tells_how_sure_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    if rule["alert"] == "MxDomainDown":
        return
    description = rule["annotations"]["description"]
    assert 'label "confidence"' in description or ".Labels.confidence" in description
    assert "class_verdict:mx_next:info" in description


def test_the_runbooks_have_a_section_for_each_alert_and_no_other() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE) == ALERT_NAMES


@pytest.mark.parametrize("alert", ["MxHostDown", "MxSharedHostDown"])
def test_the_join_of_the_runbook_reaches_the_teams_whose_domains_stand_behind_a_host(
    alert: str, tmp_path: Path
) -> None:
    (block,) = re.findall(r"^```yaml\n(.+?)^```", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "teams.yml").write_text(block, encoding="utf-8")
    place = 'vantage="here",job="mx",instance="a:10225"'
    host = 'mx="mx.big.example",port="25",module="default"'
    behind = [("a", 'team="mail",'), ("b", 'team="mail",'), ("c", 'team="shop",'), ("d", "")]
    series = {
        f'ALERTS{{vantage="here",instance="a:10225",alertname="{alert}",alertstate="firing",{host}}}': "1x9",
        f'ALERTS{{vantage="here",instance="b:10225",alertname="{alert}",alertstate="pending",{host}}}': "1x9",
        **{f'mx_domain_mx_preference{{{place},domain="{name}.example",{team}{host}}}': "10x9" for name, team in behind},
        f'mx_domain_mx_preference{{{place},domain="e.example",team="else",mx="mx.e.example",port="25"}}': "10x9",
    }
    labels = {"vantage": "here", "instance": "a:10225", "mx": "mx.big.example", "port": "25", "severity": "warning"}
    expected = [
        {
            "exp_labels": {**labels, "team": team},
            "exp_annotations": {"summary": f"mx.big.example: down; domains of {team} behind it: {count}"},
        }
        for team, count in (("mail", 2), ("shop", 1))
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": "3m", "alertname": "MxSharedHostDownForTeam", "exp_alerts": expected}],
    }
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["teams.yml"], "tests": [test]}), encoding="utf-8")
    _check(require_program("promtool"), "test", "rules", "test.yml", folder=tmp_path)


def test_the_query_of_what_changed_counts_the_change_with_which_a_series_appears(tmp_path: Path) -> None:
    page = (RUNBOOKS.parent.parent / "docs" / "how-to" / "what-changed.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"^promtool query instant \S+ '(.+?)'", page, re.MULTILINE | re.DOTALL)
    series = {
        'mx_domain_changes_total{domain="a.example",what="mx"}': "_x100 1x30",
        'mx_domain_changes_total{domain="b.example",what="mx"}': "3x100 5x30",
        'mx_domain_changes_total{domain="b.example",what="networks"}': "3x130",
        'mx_host_changes_total{mx="mx.a.example",domain="",what="starttls_lost"}': "_x120 1x10",
    }
    counts = {"mx": 3, "networks": 0, "starttls_lost": 1}
    test = {
        "interval": "30m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "60h",
                "exp_samples": [{"labels": f'{{what="{what}"}}', "value": count} for what, count in counts.items()],
            }
        ],
    }
    (tmp_path / "test.yml").write_text(json.dumps({"tests": [test]}), encoding="utf-8")
    _check(require_program("promtool"), "test", "rules", "test.yml", folder=tmp_path)


def test_the_command_at_the_head_of_the_alerts_makes_links_of_all_runbooks(tmp_path: Path) -> None:
    copies = [Path(shutil.copy(PROMETHEUS / "rules" / name, tmp_path)) for name in ("alerts.yml", "objectives.yml")]
    found = re.search(r"^#   (sed -i .+ alerts\.yml objectives\.yml)$", copies[0].read_text("utf-8"), re.MULTILINE)
    assert found is not None
    subprocess.run(shlex.split(found[1]), cwd=tmp_path, check=True)
    _check(require_program("promtool"), "check", "rules", *map(str, copies))
    changed = [
        rule for copy in copies for group in read_yaml(copy)["groups"] for rule in group["rules"] if "alert" in rule
    ]
    for before, after in zip(alerts(), changed, strict=True):
        for link in ("runbook_url", "class_url"):
            if link in before["annotations"]:
                url = after["annotations"].pop(link)
                assert url.startswith("https://git.example.net/")
                assert url.endswith("/" + before["annotations"].pop(link))
        assert before == after


def test_every_metric_of_the_rules_is_one_that_the_exporter_has() -> None:
    metrics = ExporterMetrics()
    metrics.storage()
    own = list(metrics.registry.collect())
    known = {family.name for family in FAMILIES} | {family.name for family in own}
    known |= {sample.name for family in own for sample in family.samples}
    used = {name for rule in rules() for name in re.findall(r"(?<![:\w])mx_\w+(?![:\w])", rule["expr"])}
    assert used <= known
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert {name for rule in rules() for name in re.findall(r"\b[a-z]\w*:[\w:]+", rule["expr"])} <= recorded


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("class", {*FailureClass, *HostWarning, *DomainWarning, *MtaStsProblem}),
        ("verdict", {*Verdict, "up"}),
        ("stage", {*Stage}),
        ("family", {*EGRESS_UNKNOWN}),
        ("state", {*EgressState, *DaneState, *ResolverState}),
    ],
)
def test_every_word_that_the_rules_compare_with_is_in_its_closed_list(label: str, words: set[str]) -> None:
    for rule in rules():
        for operator, value in re.findall(rf'\b{label}(=~|!~|!=|=)"([^"]+)"', rule["expr"]):
            matches = [re.fullmatch(value, word) for word in words] if "~" in operator else [value in words]
            assert any(matches), f"{rule}: no {label} is {value}"
            assert all(part in words for part in value.split("|") if re.fullmatch(r"\w+", part)), value


def test_no_other_rule_needs_the_objectives_and_they_need_no_other() -> None:
    """The file can be left out, and taken alone."""
    path = PROMETHEUS / "rules" / "objectives.yml"
    own = [rule for group in read_yaml(path)["groups"] for rule in group["rules"]]
    recorded = {rule["record"] for rule in own if "record" in rule}
    for rule in rules():
        used = set(re.findall(r"\b[a-z]\w*:[\w:]+", rule["expr"]))
        assert used <= recorded if rule in own else not used & recorded


def test_each_objective_is_one_number_in_one_place() -> None:
    text = (PROMETHEUS / "rules" / "objectives.yml").read_text(encoding="utf-8")
    objectives = [rule for rule in rules() if rule.get("record") == "level:mx_objective:ratio"]
    assert [rule["labels"]["level"] for rule in objectives] == ["fleet", "provider", "domain"]
    numbers = re.findall(r"\b0\.\d+", text)
    assert [f"vector({number})" for number in numbers] == [rule["expr"] for rule in objectives]


def test_what_alertmanager_matches_are_alerts_of_the_rules() -> None:
    """A name misspelt in a matcher would silence nothing, and nobody would notice."""
    named = re.findall(r'alertname(=~|=)"([^"]+)"', ALERTMANAGER_CONFIG.read_text(encoding="utf-8"))
    assert named
    for operator, value in named:
        if operator == "=":
            assert value in ALERT_NAMES
            continue
        found = re.fullmatch(r"(\w*?)\(([\w|]+)\)", value)
        assert found is not None
        assert {found[1] + part for part in found[2].split("|")} <= set(ALERT_NAMES)


def test_what_silences_others_fires_and_is_sent_before_them() -> None:
    """An alert that comes late is told; Alertmanager waits for its group, and no longer."""
    configuration = read_yaml(ALERTMANAGER_CONFIG)
    wait = seconds(configuration["route"]["group_wait"])
    evaluation = seconds(read_yaml(PROMETHEUS / "prometheus.yml")["global"]["evaluation_interval"])
    for silencing in configuration["inhibit_rules"]:
        sources, targets = ([*_matching(silencing[f"{side}_matchers"])] for side in ("source", "target"))
        assert sources
        assert targets
        first = min(seconds(rule["for"]) for rule in targets)
        late = [rule for rule in sources if seconds(rule["for"]) + 2 * evaluation > first + wait]
        # Of one domain's verdicts the finer has its time; the plain one is told if none came in it.
        assert not late or {rule["alert"] for rule in targets} == {"MxDomainDown"}


def _matching(matchers: list[str]) -> Iterator[dict[str, Any]]:
    """The alerts whose name and severity these match."""
    found = [re.match(r'(alertname|severity)=~?"([^"]+)"', matcher) for matcher in matchers]
    patterns = {each[1]: each[2] for each in found if each is not None}
    for rule in alerts():
        own = {"alertname": rule["alert"], **rule["labels"]}
        if all(re.fullmatch(pattern, own[label]) for label, pattern in patterns.items()):
            yield rule


def test_what_silences_others_goes_on_longer_than_what_it_silences() -> None:
    """After a fault all domains are up with their next probe: nobody shall be told of the last ones that are kept."""
    kept: dict[str, float] = {}
    for rule in alerts():
        kept[rule["alert"]] = max(kept.get(rule["alert"], 0.0), seconds(rule.get("keep_firing_for", "0s")))
    assert {name for name, for_ in kept.items() if for_} >= {"MxDomainBlocked", "MxDomainDead", "MxDomainUndetermined"}
    for inhibition in read_yaml(ALERTMANAGER_CONFIG)["inhibit_rules"]:
        sources, targets = (_matched(inhibition[side], kept) for side in ("source_matchers", "target_matchers"))
        for source in sources:
            # Of one name, they are the same alert at two exporters.
            for target in targets - ({source} if "alertname" not in inhibition["equal"] else targets):
                assert kept[source] > kept[target] or not kept[target], f"{source} ends before {target}"


def _matched(matchers: list[str], names: Iterable[str]) -> set[str]:
    """The alerts that a list of Alertmanager's matchers means by their names."""
    (pattern,) = [found[1] for matcher in matchers if (found := re.match(r'alertname=~?"(.+)"', matcher))]
    return {name for name in names if re.fullmatch(pattern, name)}
