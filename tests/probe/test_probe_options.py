"""The options of one probe."""

from __future__ import annotations

from exporter.probe.probe_options import SCHEDULED, ProbeOptions


def test_sessions_record_transcripts_for_the_result_or_beside_it() -> None:
    assert not SCHEDULED.records_transcripts
    assert ProbeOptions(transcript=True).records_transcripts
    assert ProbeOptions(transcripts={}).records_transcripts
