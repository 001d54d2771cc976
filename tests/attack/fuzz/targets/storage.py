"""The saved state: whatever its file has, the exporter begins, and tells nothing that no probe could have shown."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as _families

from exporter.app.restored import RestoredState
from exporter.app.results import Results
from exporter.concurrency import steady_clock
from exporter.metrics.exposition import exposition, negotiate
from exporter.model.printable import printable
from exporter.storage.head import Clock, StateError
from exporter.storage.reading import read_state
from exporter.storage.state_file import TornFileError, lines_in
from exporter.web.pages.journal_view import journal_lines
from exporter.web.pages.target_row import target_row
from tests.attack.fuzz.frame import Target, agree
from tests.storage.states import REFERENCE, TARGETS, expected
from tests.support.steps import at_once

_parse: Callable[[str], Iterable[Metric]] = _families
_LIMIT: Final = 1_000_000
_OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0"
# Half a minute after the corpus was saved.
_NOW: Final = 1_700_000_030.0
_EXPECTED: Final = expected()
_NAMES: Final = {target.name for target in TARGETS}


def saved_state(data: bytes) -> None:
    """The lines of a state: what is restored of them is an exposition like any other."""
    clock = Clock(_NOW, steady_clock.now())
    saved = read_state(data.decode("utf-8", "replace").split("\n"), _EXPECTED, clock, is_last_word=True)
    results = Results()
    at_once(results.replacing(TARGETS, [REFERENCE]))
    at_once(RestoredState(results).restoring(saved, (*TARGETS, REFERENCE)))
    text = b"".join(exposition(results.rows(), None, negotiate(_OPENMETRICS))).decode("utf-8")
    told = set()
    for family in _parse(text):
        for sample in family.samples:
            key = (sample.name, *sorted(sample.labels.items()))
            agree(key not in told, f"{sample.name} twice")
            told.add(key)
            agree(sample.labels.get("domain", "") in {"", *_NAMES}, "a domain that is not configured")
    for record in results.targets.records():
        target_row(record)
        for line in journal_lines(results.journal_of(record.target.key, saved.hosts)):
            agree(
                all(printable(each, 2048) == each for each in (line.before, line.now)), "a change that is not escaped"
            )
        agree(0 <= record.probe_failures <= record.probes, "more failures than probes")


def state_file(data: bytes) -> None:
    """The bytes of the file: lines, as many as the limit allows."""
    size = sum(len(line) + 1 for line in lines_in(io.BytesIO(data), _LIMIT))
    agree(size <= _LIMIT, "more than the limit")


FUZZED: Final = (
    Target(
        "saved-state",
        saved_state,
        (StateError,),
        (
            b'["target",',
            b'["host",',
            b'["settings",',
            b'["host_changes",',
            b'["end",',
            b"null",
            b"1e999",
            b"-1",
            b'"\\ud800"',
            b'"} 1\\n',
        ),
    ),
    Target("state-file", state_file, (TornFileError,), (b"\x1f\x8b\x08\x00", b"\x00\x00\xff\xff")),
)
