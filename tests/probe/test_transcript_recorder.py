"""A transcript is bounded, and has no password in it."""

from __future__ import annotations

from exporter.model.result import TranscriptLine
from exporter.probe.transcript_recorder import MAX_TRANSCRIPT_BYTES, TranscriptRecorder
from exporter.smtp.plan import Credentials


def test_lines_are_kept_as_they_went_over_the_wire() -> None:
    recorder = TranscriptRecorder()
    recorder.record(0.1, b"220 mx\xff.example\r\n", sent=False)
    recorder.record(0.2, b"QUIT\r\n", sent=True)
    assert recorder.lines(None) == (
        TranscriptLine(0.1, False, b"220 mx\xff.example\r\n"),
        TranscriptLine(0.2, True, b"QUIT\r\n"),
    )


def test_a_flood_fills_it_and_no_more() -> None:
    recorder = TranscriptRecorder()
    for _ in range(100):
        recorder.record(0.1, b"250-" + b"x" * 1000, sent=False)
    assert sum(len(line.data) for line in recorder.lines(None)) == MAX_TRANSCRIPT_BYTES


def test_a_password_that_comes_back_in_pieces_is_masked() -> None:
    recorder = TranscriptRecorder()
    recorder.record(0.1, b"535 not correct ho", sent=False)
    recorder.record(0.2, b"rse!\r\n", sent=False)
    recorder.record(0.3, b"QUIT\r\n", sent=True)
    lines = recorder.lines(Credentials("probe", "correct horse"))
    assert [line.data for line in lines] == [b"535 not ****!\r\n", b"QUIT\r\n"]
