"""Results of targets and references side by side."""

from __future__ import annotations

from dataclasses import replace

from exporter.app.results import Results
from exporter.model.failure import FailureClass
from exporter.model.result import TranscriptLine
from exporter.model.target import TargetKind
from exporter.probe.probe_options import Transcripts
from tests.results import domain, down_host, result, up_host
from tests.support.steps import at_once

TARGET = domain("a.example")
REFERENCE = replace(domain("ref.example"), kind=TargetKind.REFERENCE)
SAID: Transcripts = {("mx1.healthy.example", "192.0.2.1"): (TranscriptLine(0.1, False, b"220 mx ESMTP\r\n"),)}


def kept() -> Results:
    results = Results()
    at_once(results.replacing([TARGET], [REFERENCE]))
    for target in (TARGET, REFERENCE):
        results.record(target, result(up_host()))
        results.keep_transcripts(target, result(up_host()), SAID)
    return results


def test_a_reference_has_results_and_transcripts_but_no_series() -> None:
    results = kept()
    assert [record.target for record in results.records()] == [REFERENCE, TARGET]
    reference = results.get(*REFERENCE.key)
    assert reference is not None
    assert (reference.probes, reference.samples) == (1, ())
    assert len(results.transcripts.of(REFERENCE.key)) == 1
    assert [record.target for record in results.targets.records()] == [TARGET]


def test_a_result_is_judged_again_where_it_is_kept() -> None:
    results = kept()
    for target in (TARGET, REFERENCE):
        results.judge_again(target.key, lambda target, before: result(down_host(FailureClass.EGRESS_BLOCKED)))
        record = results.get(*target.key)
        assert record is not None
        assert record.result is not None
        assert (record.result.up, record.probes) == (False, 1)


def test_a_target_that_is_removed_keeps_its_transcripts_for_a_while() -> None:
    results = kept()
    at_once(results.replacing([], []))
    assert (results.records(), len(results.transcripts.of(TARGET.key))) == ([], 1)
    results.keep_transcripts(TARGET, result(up_host()), SAID)  # a probe that was under way
    at_once(results.replacing([TARGET], []))
    record = results.get(*TARGET.key)
    assert record is not None
    assert (record.probes, len(results.transcripts.of(TARGET.key))) == (1, 1)
