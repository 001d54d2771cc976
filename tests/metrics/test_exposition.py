"""The answer to a scrape: against a golden file, the library's own writer and promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from prometheus_client.registry import Collector

from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.exposition import negotiate
from tests.metrics.rendering import OPENMETRICS, PLAIN, everything, text_of
from tests.results import domain, result, up_host
from tests.support.require import require_program

# The library has no types for these.
parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics_families
write_openmetrics: Callable[[CollectorRegistry], bytes] = generate_openmetrics
GOLDEN = Path(__file__).parent / "golden.txt"


def test_the_whole_exposition_is_that_of_the_golden_file() -> None:
    assert text_of(everything()) == GOLDEN.read_text(encoding="utf-8")


class _Parsed(Collector):
    """Families read from text, for the library to write again."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def test_the_plain_text_is_byte_for_byte_what_prometheus_client_writes() -> None:
    text = text_of(everything())
    registry = CollectorRegistry()
    registry.register(_Parsed(list(parse_plain(text))))
    assert generate_latest(registry).decode() == text


def test_openmetrics_is_byte_for_byte_what_prometheus_client_writes() -> None:
    text = text_of(everything(), OPENMETRICS)
    registry = CollectorRegistry()
    registry.register(_Parsed(list(parse_openmetrics(text))))
    assert write_openmetrics(registry).decode() == text


@pytest.mark.parametrize("accept", [PLAIN, "text/plain; version=1.0.0", OPENMETRICS])
def test_promtool_has_nothing_to_say(accept: str) -> None:
    promtool = require_program("promtool")
    own = ExporterMetrics()
    own.loaded((domain(),))
    own.started(0.01)
    own.probed(result(up_host()))
    text = text_of(everything(), accept, own.registry)
    if accept == OPENMETRICS:
        assert text.endswith("# EOF\n")
        assert text.count("# EOF") == 1
        return  # promtool reads the plain format only; the library's parser has read this one above
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_no_series_tells_when_it_was_created() -> None:
    own = ExporterMetrics()
    for accept in (PLAIN, OPENMETRICS):
        assert "_created" not in text_of(everything(), accept, own.registry)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; version=1.0.0; escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        # Names of ours need no escapes, and who asks for others gets them as they are.
        ("text/plain; version=1.0.0; escaping=dots", "text/plain; version=1.0.0; charset=utf-8; escaping=underscores"),
        ("application/openmetrics-text; escaping=values", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("application/openmetrics-text; version=x.y", "text/plain; version=0.0.4; charset=utf-8"),
        ("nonsense;;;,,,==", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain, application/openmetrics-text; version=1.0.0; q=0.5", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain; q=0.3, Application/OpenMetrics-Text", "application/openmetrics-text; version=1.0.0;"),
        ("application/openmetrics-text; version=1.0.0; q=0", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text; version=2.0.0", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=2.0.0, application/openmetrics-text; version=1.0.0; q=0.9",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
        ("application/openmetrics-text; version=1.0.0; q=nan", "text/plain; version=0.0.4; charset=utf-8"),
        (
            # what Prometheus 2 sends
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_format_is_what_the_scraper_accepts(accept: str, content_type: str) -> None:
    assert negotiate(accept).content_type.startswith(content_type)
