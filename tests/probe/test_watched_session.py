"""A recorder that tells all that it takes in, without the password."""

from __future__ import annotations

from exporter.model.failure import Stage
from exporter.model.result import TlsResult, TranscriptLine
from exporter.probe.watched_session import WatchedRecorder
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.plan import Credentials, Plan

PLAN = Plan(b"probe.example")


class Recorded:
    def __init__(self) -> None:
        self.told: list[object] = []

    def awaits(self, stage: Stage) -> None:
        self.told.append(stage)

    def connected(self, at: float, tcp_rtt: float | None) -> None:
        self.told.append(("connected", at, tcp_rtt))

    def said(self, piece: TranscriptLine) -> None:
        self.told.append(piece)

    def secured(self, at: float, tls: TlsResult) -> None:
        self.told.append(tls)

    def ended(self) -> None:
        self.told.append("ended")


def begun(watcher: Recorded, plan: Plan = PLAN) -> WatchedRecorder:
    recorder = WatchedRecorder(watcher, plan, transcript=True)
    recorder.start(100.0)
    recorder.note_connected(101.0, 0.5)
    recorder.enter(Stage.BANNER, 101.0)
    return recorder


def test_all_is_told_as_it_happens_and_recorded_as_ever() -> None:
    watcher = Recorded()
    recorder = begun(watcher)
    recorder.note_data(b"220 mx\r\n", 102.0, sent=False)
    recorder.note_data(b"QUIT\r\n", 103.0, sent=True)
    said = [TranscriptLine(2.0, False, b"220 mx\r\n"), TranscriptLine(3.0, True, b"QUIT\r\n")]
    assert watcher.told == [Stage.CONNECT, ("connected", 1.0, 0.5), Stage.BANNER, *said]
    record = recorder.record(DialogueResult(), None, 0.25, 0.0)
    assert watcher.told[-1] == "ended"
    assert list(record.transcript) == said
    assert record.phases == ((Stage.CONNECT, 1.0),)


def test_a_password_is_not_told_even_where_a_server_repeats_it_in_pieces() -> None:
    watcher = Recorded()
    recorder = begun(watcher, Plan(b"me", credentials=Credentials("user", "sesame")))
    recorder.note_data(b"535 ses", 102.0, sent=False)
    recorder.note_data(b"ame is wrong\r\n", 103.0, sent=False)
    assert not [each for each in watcher.told if isinstance(each, TranscriptLine)]
    recorder.note_data(b"QUIT\r\n", 104.0, sent=True)
    recorder.note_data(b"221 sesame\r\n", 105.0, sent=False)
    recorder.record(DialogueResult(), None, None, 0.0)
    pieces = [each for each in watcher.told if isinstance(each, TranscriptLine)]
    assert [piece.sent for piece in pieces] == [False, True, False]
    assert all(b"sesame" not in piece.data for piece in pieces)
    assert b"is wrong" in pieces[0].data
