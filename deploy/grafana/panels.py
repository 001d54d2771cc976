"""The parts of dashboards: variables, panels and their place on the page. Values in, plain JSON out.

The queries and words are in overview.py, one_domain.py and own_state.py; what Grafana wants around them is here.
Colours and numbers of a state are the same on every dashboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

Json = dict[str, Any]

# Grafana 10.4 and later read this; newer ones migrate it by themselves.
_SCHEMA_VERSION: Final = 39
_COLUMNS: Final = 24
_DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
# The labels by which every query is narrowed.
SERIES: Final = 'job=~"$job",instance=~"$instance"'

GREEN, YELLOW, ORANGE, RED, PURPLE, BLUE, GREY = "green", "yellow", "orange", "red", "purple", "blue", "text"
UP_OR_DOWN: Final = {0: ("down", RED), 1: ("up", GREEN)}
YES_OR_NO: Final = {0: ("no", RED), 1: ("yes", GREEN)}
EGRESS: Final = {
    0: ("unknown", GREY),
    1: ("open", GREEN),
    2: ("blocked", RED),
    3: ("intercepted", PURPLE),
    4: ("offline", ORANGE),
}
VERDICTS: Final = {
    1: ("up", GREEN),
    2: ("blocked", PURPLE),
    3: ("dead", RED),
    4: ("degraded", YELLOW),
    5: ("misconfigured", ORANGE),
    6: ("declined", BLUE),
    7: ("local", GREY),
    8: ("undetermined", "dark-orange"),
}
RESOLVER: Final = {0: ("unknown", GREY), 1: ("working", GREEN), 2: ("failing", RED), 3: ("filtering", ORANGE)}
# Where the number of a series of lists goes, beside what it is of.
TABLE_NOISE: Final = ("Time", "Value", "__name__", "job")


def numbered(states: Mapping[int, tuple[str, str]], metric: str, label: str, more: str = "") -> str:
    """A metric that has 1 in the series of the state that holds -> one series with the state's number."""
    terms = (
        f'{number} * {metric}{{{SERIES}{more},{label}="{name}"}}'
        for number, (name, _) in states.items()
        if name != "up"
    )
    return " or ".join(terms)


def query(expression: str, legend: str = "") -> Json:
    """A target whose result is drawn over time."""
    return {
        "datasource": _DATASOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend or "__auto",
        "range": True,
        "refId": "A",
    }


def _now(expression: str, legend: str = "") -> Json:
    return {**query(expression, legend), "instant": True, "range": False}


def _panel(kind: str, title: str, description: str, width: int, height: int, targets: Sequence[Json]) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": _DATASOURCE,
        "gridPos": {"w": width, "h": height, "x": 0, "y": 0},
        "targets": [{**target, "refId": chr(ord("A") + place)} for place, target in enumerate(targets)],
        "options": {},
        "fieldConfig": {"defaults": {}, "overrides": []},
    }


def _defaults(
    unit: str, mappings: Mapping[int, tuple[str, str]] | None, steps: Sequence[tuple[float | None, str]]
) -> Json:
    found: Json = {
        "unit": unit,
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": colour} for value, colour in steps],
        },
        "color": {"mode": "thresholds"},
        "mappings": [],
        "noValue": "none",
    }
    if mappings is not None:
        options = {
            str(number): {"text": text, "color": colour, "index": place}
            for place, (number, (text, colour)) in enumerate(mappings.items())
        }
        found["mappings"] = [{"type": "value", "options": options}]
    return found


def stat(
    title: str,
    description: str,
    *expressions: tuple[str, str] | str,
    unit: str = "short",
    width: int = 4,
    height: int = 4,
    mappings: Mapping[int, tuple[str, str]] | None = None,
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),),
    colours: Mapping[str, str] | None = None,
    name: bool = False,
) -> Json:
    """Big numbers. `colours`: of series by their legend; `name`: show the legend in place of the number."""
    targets = [_now(*((entry, "") if isinstance(entry, str) else entry)) for entry in expressions]
    panel = _panel("stat", title, description, width, height, targets)
    panel["options"] = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "name" if name else "auto",
        "wideLayout": True,
    }
    panel["fieldConfig"] = {"defaults": _defaults(unit, mappings, steps), "overrides": _coloured(colours or {})}
    return panel


def timeseries(
    title: str,
    description: str,
    *expressions: tuple[str, str],
    unit: str = "short",
    width: int = 12,
    height: int = 8,
    stacked: bool = False,
    colours: Mapping[str, str] | None = None,
) -> Json:
    """Lines over time, or areas one upon the other."""
    panel = _panel("timeseries", title, description, width, height, [query(*entry) for entry in expressions])
    panel["options"] = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "right", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    panel["fieldConfig"] = {
        "defaults": {
            "unit": unit,
            "min": 0,
            "color": {"mode": "palette-classic"},
            "custom": {
                "drawStyle": "line",
                "fillOpacity": 40 if stacked else 0,
                "lineWidth": 1,
                "showPoints": "never",
                "stacking": {"group": "A", "mode": "normal" if stacked else "none"},
            },
        },
        "overrides": _coloured(colours or {}),
    }
    return panel


def timeline(
    title: str,
    description: str,
    *expressions: tuple[str, str],
    mappings: Mapping[int, tuple[str, str]] | None = None,
    steps: Sequence[tuple[float | None, str]] = ((None, GREEN),),
    width: int = _COLUMNS,
    height: int = 8,
    unit: str = "none",
) -> Json:
    """States over time, one row each."""
    panel = _panel("state-timeline", title, description, width, height, [query(*entry) for entry in expressions])
    panel["options"] = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    panel["fieldConfig"] = {
        "defaults": {**_defaults(unit, mappings, steps), "custom": {"fillOpacity": 80, "lineWidth": 0}},
        "overrides": [],
    }
    return panel


def heatmap(title: str, description: str, expression: str, *, width: int = 12, height: int = 8) -> Json:
    """The buckets of a histogram over time."""
    panel = _panel("heatmap", title, description, width, height, [{**query(expression, "{{le}}"), "format": "heatmap"}])
    panel["options"] = {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": "dark-blue",
            "mode": "scheme",
            "reverse": False,
            "scheme": "Blues",
            "steps": 64,
        },
        "exemplars": {"color": "orange"},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
    }
    return panel


def table(
    title: str,
    description: str,
    expression: str,
    *,
    unit: str = "none",
    value: str = "",
    hidden: Iterable[str] = TABLE_NOISE,
    width: int = 12,
    height: int = 8,
) -> Json:
    """The series there are now, a row each. `value`: the heading of their number; empty: it says nothing."""
    panel = _panel("table", title, description, width, height, [{**_now(expression), "format": "table"}])
    panel["options"] = {"cellHeight": "sm", "frameIndex": 0, "showHeader": True}
    to_domain = {
        "title": "${__value.raw}",
        "url": "/d/mx-domain?var-domain=${__value.raw}&${datasource:queryparam}&${__url_time_range}",
    }
    panel["fieldConfig"] = {
        "defaults": {**_defaults(unit, None, ((None, GREY),)), "custom": {"align": "auto", "filterable": True}},
        "overrides": [
            {
                "matcher": {"id": "byName", "options": "domain"},
                "properties": [{"id": "links", "value": [to_domain]}],
            }
        ],
    }
    excluded = [name for name in hidden if not (value and name == "Value")]
    panel["transformations"] = [
        {
            "id": "organize",
            "options": {
                "excludeByName": dict.fromkeys(excluded, True),
                "renameByName": {"Value": value} if value else {},
            },
        }
    ]
    return panel


def row(title: str) -> Json:
    """A heading."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"w": _COLUMNS, "h": 1, "x": 0, "y": 0},
        "panels": [],
    }


def variable(name: str, label: str, values_of: str, *, all_of_them: bool = True) -> Json:
    """Values that the label `name` has in the series of `values_of`. `all_of_them`: to begin with, else the first."""
    everything = {"allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": _DATASOURCE,
        "query": f"label_values({values_of}, {name})",
        "multi": True,
        "includeAll": all_of_them,
        **(everything if all_of_them else {}),
        "refresh": 2,  # with the time range
        "sort": 1,
        "hide": 0,
        "regex": "",
        "options": [],
    }


def dashboard(uid: str, title: str, description: str, variables: Sequence[Json], panels: Sequence[Json]) -> Json:
    """The whole, with each panel at its place: left to right, then down."""
    datasource = {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "multi": False,
        "includeAll": False,
        "refresh": 1,
        "hide": 0,
        "regex": "",
        "options": [],
    }
    others = {
        "type": "dashboards",
        "title": "Mail servers",
        "tags": ["mx-exporter"],
        "asDropdown": False,
        "icon": "external link",
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "tooltip": "",
        "url": "",
    }
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["mx-exporter", "mail"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": _SCHEMA_VERSION,
        "timezone": "browser",
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "annotations": {"list": []},
        "links": [others],
        "templating": {"list": [datasource, *variables]},
        "panels": _placed(panels),
    }


def _placed(panels: Sequence[Json]) -> list[Json]:
    placed = []
    x = y = height = 0
    for number, panel in enumerate(panels, 1):
        grid = panel["gridPos"]
        if x + grid["w"] > _COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append({"id": number, **panel, "gridPos": {**grid, "x": x, "y": y}})
        x, height = x + grid["w"], max(height, grid["h"])
    return placed


def _coloured(colours: Mapping[str, str]) -> list[Json]:
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
        }
        for name, colour in colours.items()
    ]
