"""The answer to a scrape: against a golden file, the library's own writer and promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as parse_plain
from prometheus_client.registry import Collector

from exporter.metrics.exporter_metrics import ExporterMetrics
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.failure import Stage
from exporter.store.row import NO_ROW, ToldRow
from tests.metrics.rendering import OPENMETRICS, PLAIN, everything, host_text, rows_of, text_of
from tests.results import changed, domain, down_host, result, tls_host, up_host
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
    own.session_made(up_host())
    text = text_of(everything(), accept, own.registry)
    if accept == OPENMETRICS:
        assert text.endswith("# EOF\n")
        assert text.count("# EOF") == 1
        return  # promtool reads the plain format only; the library's parser has read this one above
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=8)
NAMES = st.sampled_from(["Zone", "a", "class_", "nice", "team", "zz"])


@st.composite
def fleets(draw: st.DrawFn) -> list[ToldRow]:
    """The rows of targets and hosts with random texts, counts and parts."""
    told = []
    for number in range(draw(st.integers(0, 4))):
        labels = draw(st.dictionaries(NAMES, WORDS, max_size=3))
        hosts = [
            changed(
                draw(st.sampled_from([up_host(), down_host(), tls_host()])),
                mx=draw(WORDS),
                address=f"192.0.2.{place}",
                domain=draw(st.sampled_from(["", "own.example"])),
                port=draw(st.sampled_from([25, 2525])),
                last_hop=draw(WORDS),
                tcp_rtt=draw(st.one_of(st.none(), st.floats(0, 1e9))),
            )
            for place in range(draw(st.integers(0, 3)))
        ]
        providers = tuple(sorted(draw(st.sets(WORDS, max_size=2))))
        probed = result(*hosts)._replace(at=draw(st.floats(0, 1e12)), providers=providers)
        told.append((domain(f"d{number}.example", **labels), draw(st.sampled_from([probed, None]))))
    return rows_of(*told)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(fleets())
def test_whatever_is_in_the_rows_the_library_writes_the_same_bytes(rows: list[ToldRow]) -> None:
    for accept, parse, write in (
        (PLAIN, parse_plain, generate_latest),
        (OPENMETRICS, parse_openmetrics, write_openmetrics),
    ):
        text = text_of(rows, accept)
        registry = CollectorRegistry()
        registry.register(_Parsed(list(parse(text))))
        assert write(registry).decode() == text
        series = [line.rpartition(" ")[0] for line in text.split("\n") if line and not line.startswith("#")]
        assert len(set(series)) == len(series)


def test_lines_of_more_rows_than_one_piece_has_are_all_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(*[(domain(f"d{number}.example"), result(up_host())) for number in range(25)])
    whole = text_of(rows)
    monkeypatch.setattr("exporter.metrics.exposition._LINES_PER_PIECE", 10)
    pieces = [*exposition(rows, None, negotiate(PLAIN))]
    assert sorted(b"".join(pieces).decode().splitlines()) == sorted(whole.splitlines())
    assert all(piece.count(b"\n") <= 10 + 3 for piece in pieces)
    assert all(pieces)


def test_without_rows_there_is_no_text() -> None:
    assert text_of([]) == text_of([(NO_ROW, ())]) == ""
    assert text_of([], OPENMETRICS) == "# EOF\n"


def names(text: str) -> set[str]:
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"mx_host_up"}, {"mx_host_up"}),
        ({"mx_host_failures_total"}, {"mx_host_failures_total"}),
        ({"mx_host_failures"}, {"mx_host_failures_total"}),
        ({"mx_exporter_internal_errors"}, {"mx_exporter_internal_errors_total"}),
        ({"mx_exporter_internal_errors_total"}, {"mx_exporter_internal_errors_total"}),
        ({"mx_probe_phase_duration_seconds", "mx_domain_up"}, {"mx_probe_phase_duration_seconds", "mx_domain_up"}),
        ({"process_cpu_seconds_total"}, {"process_cpu_seconds_total"}),
        ({"mx_exporter_log_lines_dropped"}, {"mx_exporter_log_lines_dropped_total"}),
        ({"mx_host_u", "up", "mx_host_up_total_total", ""}, set()),
        (set(), set()),
    ],
)
def test_only_the_families_of_these_names_are_told(wanted: set[str], expected: set[str]) -> None:
    own = ExporterMetrics()
    own.session_made(up_host())
    text = text_of(everything(), PLAIN, own.registry, frozenset(wanted))
    assert names(text) == expected
    whole = text_of(everything(), PLAIN, own.registry).splitlines()
    begins = tuple(f"{start}{name}" for name in expected for start in ("", "# HELP ", "# TYPE "))
    ends = ("", "{", " ", "_bucket", "_sum", "_count")
    starts = tuple(begin + end for begin in begins for end in ends if end) if begins else ()
    expected_lines = [line for line in whole if line.startswith(starts) and not line.startswith("process_cpu")]
    found = [line for line in text.splitlines() if not line.startswith("process_cpu")]
    assert found == expected_lines
    assert text_of(everything(), OPENMETRICS, own.registry, frozenset(wanted)).endswith("# EOF\n")


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


def test_rows_of_one_shape_may_have_different_numbers_of_phases_that_are_switched_off() -> None:
    disabled = frozenset({"mx_host_phase_duration_seconds"})
    short = changed(up_host(address="192.0.2.9"), stages=(Stage.CONNECT,), seconds=(0.5,), tcp_rtt=0.25)
    text = host_text(up_host(), short, disabled=disabled)
    rtts = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith("mx_host_tcp_rtt_seconds{")]
    assert sorted(rtts) == ["0.0101", "0.25"]
