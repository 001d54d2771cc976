"""The shipped dashboards: as generated, as Grafana's types and its linter want them, and every query returns data."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.files import DEPLOY
from tests.deploy.stack import Prometheus, page, prometheus
from tests.support.exporter_process import ExporterProcess, running_demo
from tests.support.require import missing, require_program
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

GRAFANA = DEPLOY / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (GRAFANA / "dashboards").glob("*")}
PANELS = [
    (uid, panel) for uid, dashboard in DASHBOARDS.items() for panel in dashboard["panels"] if panel["type"] != "row"
]
NAMES = [f"{uid}: {panel['title']}" for uid, panel in PANELS]
SCHEMA = Path(__file__).parent / "schema"

# What the demo has nothing of, with the reason: shown from an exposition that has. All else is shown from the demo.
NOT_IN_THE_DEMO = {
    ("mx-overview", "Configured hosts that fail"): "the hosts that the demo configures by name are well",
    ("mx-overview", "Down from one place only"): "the demo is seen from one place",
    ("mx-overview", "Providers"): "the domains of the demo's provider are up",
    ("mx-overview", "Warnings of domains"): "no domain of the demo works with a fault of its own",
    ("mx-domain", "Warnings of the domain"): "no domain of the demo works with a fault of its own",
    ("mx-domain", "What changed"): "nothing changes in the demo until a lever is thrown",
    ("mx-domain", "Last hop"): "there is no router on loopback, so the demo traces nothing",
    ("mx-domain", "DANE"): "no module of the demo names policies",
    ("mx-domain", "MTA-STS"): "no module of the demo names policies",
    ("mx-domain", "MTA-STS is wrong"): "no module of the demo names policies",
    ("mx-domain", "Old TLS versions"): "no module of the demo names policies",
    ("mx-domain", "Name servers"): "no module of the demo names policies",
    ("mx-domain", "First signature ends in"): "no zone of the demo is signed",
    ("mx-domain", "TTL of the MX records"): "no module of the demo names policies",
    ("mx-domain", "Time to arrival"): "the first message of the demo may be a minute away",
    ("mx-domain", "Mailbox"): "the first message of the demo may be a minute away",
    ("mx-domain", "Folder"): "the first message of the demo may be a minute away",
    ("mx-domain", "SPF, DKIM and DMARC of our mail"): "the first message of the demo may be a minute away",
}
GOLDEN = Path(__file__).parent.parent / "metrics" / "golden.txt"
# Of both places.
_DOWN = """\
mx_domain_failure{class="connect_refused",confidence="certain",domain="down.example",stage="connect",verdict="dead"} 1
mx_domain_up{domain="down.example"} 0
"""
# Beside the golden file.
_HERE = """\
mx_host_failure{address="192.0.2.1",class="banner_closed",domain="",module="default",mx="r.example",port="25"} 1
mx_host_labels{module="default",mx="r.example",port="25",team="relays"} 1
mx_domain_mx_preference{domain="silent.example",module="default",mx="mx.silent.example",port="25"} 10
mx_path_last_hop{address="192.0.2.2",domain="",hop="192.0.2.254",module="default",mx="mx.silent.example",port="25"} 1
mx_host_dane_state{address="192.0.2.2",domain="",module="default",mx="mx.silent.example",port="25",state="absent"} 1
mx_host_changes_total{address="192.0.2.2",domain="",module="default",mx="mx.silent.example",port="25",what="software"} 1
mx_domain_changes_total{domain="well.example",what="mx"} 1
mx_canary_arrival_seconds{address="192.0.2.2",domain="",module="default",mx="mx.silent.example",port="25"} 3
mx_canary_mailbox_up{address="192.0.2.2",domain="",module="default",mx="mx.silent.example",port="25"} 1
mx_canary_folder{address="192.0.2.2",domain="",module="default",mx="mx.silent.example",port="25",folder="inbox"} 1
mx_canary_authentication{module="default",mx="mx.silent.example",port="25",method="spf",result="pass"} 1
mx_domain_warning{class="null_mx_among_others",domain="well.example"} 1
mx_domain_provider_info{domain="elsewhere.example",provider="big.example"} 1
mx_domain_provider_info{domain="well.example",provider="big.example"} 1
mx_domain_failure{class="banner_closed",confidence="likely",domain="elsewhere.example",stage="banner",verdict="dead"} 1
mx_domain_up{domain="elsewhere.example"} 0
"""
_THERE = """\
mx_domain_up{domain="elsewhere.example"} 1
"""
# Units of Grafana that are used here; a misspelt one is shown as a suffix.
_UNITS = {"none", "short", "percentunit", "s", "bytes", "ops", "dateTimeFromNow", "dateTimeAsIso"}


def test_the_dashboards_are_what_the_generator_writes(tmp_path: Path) -> None:
    """After a change: python deploy/grafana/generate.py"""
    subprocess.run([sys.executable, str(GRAFANA / "generate.py"), str(tmp_path)], check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text(encoding="utf-8") for path in (GRAFANA / "dashboards").iterdir()}


def test_there_are_three_with_fixed_uids_and_different_titles() -> None:
    assert {uid: dashboard["uid"] for uid, dashboard in DASHBOARDS.items()} == {
        uid: uid for uid in ("mx-overview", "mx-domain", "mx-exporter")
    }
    assert len({dashboard["title"] for dashboard in DASHBOARDS.values()}) == 3


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_the_variables_are_those_of_the_linter(uid: str) -> None:
    """template-datasource, -job, -instance, -on-time-change-reload and -uneditable-rule."""
    dashboard = DASHBOARDS[uid]
    datasource, *others = dashboard["templating"]["list"]
    assert (datasource["name"], datasource["label"]) == ("datasource", "Data source")
    assert (datasource["type"], datasource["query"]) == ("datasource", "prometheus")
    assert [variable["name"] for variable in others] == ["job", "instance", *(["domain"] if uid == "mx-domain" else [])]
    for variable in others:
        assert variable["label"] == variable["name"].capitalize()
        assert variable["datasource"]["uid"] == "${datasource}"
        assert (variable["type"], variable["multi"]) == ("query", True)
        # Every domain of a large fleet at once would be more than a browser can show.
        everything = variable["name"] != "domain"
        assert (variable["includeAll"], variable.get("allValue")) == (everything, ".+" if everything else None)
        assert variable["refresh"] == 2  # with the time range
    assert dashboard["editable"] is False
    assert dashboard["description"]


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=NAMES)
def test_each_panel_is_as_the_linter_wants_it(uid: str, panel: dict[str, Any]) -> None:
    """panel-datasource, -title-description, -units, target-job, -instance, -rate-interval, -counter-agg-rule."""
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["targets"]
    unit = panel["fieldConfig"]["defaults"].get("unit") or panel["options"].get("yAxis", {}).get("unit")
    assert unit in _UNITS
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        expression = target["expr"]
        selectors = re.findall(
            r"(?<![\w:])((?:mx_|process_|scrape_|up\b|\w+:mx_)[\w:]*)(\{[^}]*\})?", _without_groupings(expression)
        )
        assert selectors
        for name, matchers in selectors:
            # The rules count over all jobs of an exporter.
            assert ('job=~"$job"' in matchers) == (":" not in name), name
            # What objectives record is of no single exporter.
            assert ('instance=~"$instance"' in matchers) == (not re.match("(level|domain)", name)), name
            chosen = 'domain=~"|$domain"' if re.match("mx_(canary|host|path)_", name) else 'domain=~"$domain"'
            assert (chosen in matchers) == (uid == "mx-domain"), name
        for window in re.findall(r"\[([^]]*)\]", expression):
            assert window in ("$__rate_interval", "$__range", "1h")
        for counter in re.findall(r"(\w+)\((?:mx|process)_\w+_(?:total|bucket)\{", expression):
            assert counter in ("rate", "increase")


def _without_groupings(expression: str) -> str:
    return re.sub(r"\b(by|without|on|ignoring|group_left)\s*\([^)]*\)", "", expression)


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(uid: str) -> None:
    panels = DASHBOARDS[uid]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_links_lead_to_a_dashboard_and_its_variable() -> None:
    links = re.findall(r'"url": "(/d/[^"]+)"', json.dumps(list(DASHBOARDS.values())))
    assert links
    for link in links:
        found = re.match(r"/d/([\w-]+)\?var-(\w+)=", link)
        assert found is not None
        assert found[2] in [variable["name"] for variable in DASHBOARDS[found[1]]["templating"]["list"]]


def test_provisioning_finds_the_dashboards_and_the_data_source() -> None:
    (datasource,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert (datasource["type"], datasource["url"]) == ("prometheus", "$PROMETHEUS_URL")
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/mx-exporter.yml").read_text())["providers"]
    assert (provider["type"], provider["options"]) == ("file", {"path": "$MX_DASHBOARDS"})


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the compiler finds Grafana's types."""
    require_program("node")
    if not (SCHEMA / "node_modules" / "@grafana" / "schema").is_dir():
        missing("Grafana's types are not installed: npm ci --prefix tests/deploy/schema")
    folder = tmp_path_factory.mktemp("schema")
    (folder / "node_modules").symlink_to(SCHEMA / "node_modules")
    (folder / "typed.ts").write_text((SCHEMA / "typed.ts").read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def _compile(folder: Path, dashboard: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Hold a dashboard, written as a literal, to the types: unknown keys, wrong values and missing ones are errors."""
    panels = dashboard["panels"]
    lines = [
        'import { Dashboard, OfType, Plain, RowPanel } from "./typed";',
        f"export const dashboard: Plain<Dashboard> = {json.dumps({**dashboard, 'panels': []})};",
    ]
    for panel in panels:
        kind = "Plain<RowPanel>" if panel["type"] == "row" else f"Plain<OfType<{json.dumps(panel['type'])}>>"
        lines.append(f"export const panel{panel['id']}: {kind} = {json.dumps(panel)};")
    source = folder / "dashboard.ts"
    source.write_text("\n".join(lines), encoding="utf-8")
    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext"]
    compiler = ["node", str(folder / "node_modules" / "typescript" / "bin" / "tsc")]
    return subprocess.run(
        [*compiler, *options, "--skipLibCheck", str(source)], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_each_dashboard_keeps_to_the_types_that_grafana_publishes(uid: str, checked: Path) -> None:
    done = _compile(checked, DASHBOARDS[uid])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("refreshh",), "1m", "refreshh"),
        (("schemaVersion",), "39", "not assignable to type 'number'"),
        (("panels", "stat", "options", "textMode"), "loud", "loud"),
        (("panels", "stat", "options", "textmode"), "auto", "textmode"),
        (("panels", "timeseries", "fieldConfig", "defaults", "custom", "stacking", "mode"), "heap", "heap"),
        (("panels", "table", "gridPos", "width"), 3, "width"),
    ],
)
def test_the_types_are_strict(path: tuple[str, ...], value: object, complaint: str, checked: Path) -> None:
    """The check by which the dashboards pass would find these."""
    dashboard = json.loads(json.dumps(DASHBOARDS["mx-overview"]))
    place: Any = dashboard
    for key in path[:-1]:
        place = next(panel for panel in place if panel["type"] == key) if isinstance(place, list) else place[key]
    place[path[-1]] = value
    done = _compile(checked, dashboard)
    assert done.returncode != 0
    assert complaint in done.stdout


def _all_probed(demo: ExporterProcess) -> bool:
    domains = demo.value("mx_exporter_targets", kind="domain")
    return len(demo.named("mx_domain_last_probe_timestamp_seconds")) == domains


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """The demo, scraped by a Prometheus with the shipped files."""
    with running_demo() as demo:
        until_sync(lambda: _all_probed(demo), 90.0)
        address = demo.url.removeprefix("http://")
        with prometheus(tmp_path_factory.mktemp("prometheus"), "prometheus.yml", {"localhost:10225": address}) as it:
            until_sync(lambda: it.query("rate(mx_exporter_loop_lag_seconds_bucket[10s])"), 90.0)
            yield it


def _expressions(panel: dict[str, Any]) -> Iterator[str]:
    """The queries of a panel with every job, instance and domain chosen."""
    for target in panel["targets"]:
        expression = target["expr"]
        for name, value in (("$__rate_interval", "10s"), ("$__range", "1m")):
            expression = expression.replace(name, value)
        expression = re.sub(r"\$(job|instance|domain)\b", ".+", expression)
        assert "$" not in expression
        yield expression


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=NAMES)
def test_every_query_returns_data_of_the_demo(uid: str, panel: dict[str, Any], seen: Prometheus) -> None:
    for expression in _expressions(panel):
        seen.query(expression)  # it is PromQL, whatever there is
        if (uid, panel["title"]) not in NOT_IN_THE_DEMO:
            until_sync(lambda expression=expression: seen.query(expression))  # type: ignore[misc]


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Expositions with all that the demo lacks, seen from two places."""
    golden, plain = GOLDEN.read_text(encoding="utf-8"), "text/plain; version=0.0.4"
    with (
        page(lambda _: (golden + _HERE + _DOWN).encode(), plain) as here,
        page(lambda _: (_THERE + _DOWN).encode(), plain) as there,
    ):
        targets = [{"targets": [address], "labels": {"vantage": address}} for address in (here, there)]
        jobs = [{"job_name": "mx", "static_configs": targets}]
        folder = tmp_path_factory.mktemp("elsewhere")
        with prometheus(folder, "prometheus.yml", {}, scrape_configs=jobs) as it:
            until_sync(lambda: len(it.query("mx_domain_up{domain='elsewhere.example'}")) == 2)
            until_sync(lambda: it.query("instance_provider_verdict:mx_domains:count"))
            yield it


def _panel(uid: str, title: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = [panel for dashboard, panel in PANELS if (dashboard, panel["title"]) == (uid, title)]
    (panel,) = found
    return panel


@pytest.mark.parametrize(("uid", "title"), NOT_IN_THE_DEMO, ids=": ".join)
def test_what_the_demo_lacks_returns_data_elsewhere(uid: str, title: str, elsewhere: Prometheus) -> None:
    for expression in _expressions(_panel(uid, title)):
        assert elsewhere.query(expression)


def test_a_domain_that_two_places_see_counts_once(elsewhere: Prometheus) -> None:
    """Up from one of them, as `elsewhere.example` is here, it is up."""

    def total(title: str) -> float:
        expressions = _expressions(_panel("mx-overview", title))
        return sum(float(found["value"][1]) for expression in expressions for found in elsewhere.query(expression))

    def domains(metric: str) -> int:
        found = elsewhere.query(metric)
        assert len({each["metric"]["domain"] for each in found}) < len(found)
        return len({each["metric"]["domain"] for each in found})

    assert total("Domains") == total("Verdicts") == domains("mx_domain_up")
    assert total("Down by verdict") == total("Failure classes") == total("Confidence") == domains("mx_domain_failure")
    for panel in (panel for _, panel in PANELS if panel["title"] in ("Egress", "The resolver")):
        for expression in _expressions(panel):
            assert all("vantage" in found["metric"] for found in elsewhere.query(expression))


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_variable_has_values_in_the_demo(uid: str, seen: Prometheus) -> None:
    for variable in DASHBOARDS[uid]["templating"]["list"][1:]:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
        assert found is not None
        assert found[2] == variable["name"]
        series = re.sub(r"\$(job|instance)\b", ".+", found[1])
        assert seen.label_values(found[2], series)
