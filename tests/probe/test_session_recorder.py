"""The recorder of one session: its times, and the record that it makes."""

from __future__ import annotations

from exporter.model.failure import Stage
from exporter.model.result import TranscriptLine
from exporter.probe.session_recorder import SessionRecorder
from exporter.smtp.dialogue_result import DialogueResult
from exporter.smtp.events import Problem
from exporter.smtp.plan import Credentials, Plan
from exporter.smtp.reply import Reply

PLAN = Plan(b"probe.example")
GREETING, NO = Reply(220, (b"mx",)), Reply(550, (b"no",))


def started(plan: Plan = PLAN, *, transcript: bool = False) -> SessionRecorder:
    """A recorder of a session that began at 100 and was connected at 101."""
    recorder = SessionRecorder(plan, transcript=transcript)
    recorder.start(100.0)
    recorder.end_phase(Stage.CONNECT, 101.0)
    recorder.enter(Stage.BANNER, 101.0)
    return recorder


def test_a_phase_lasts_from_the_begin_of_its_stage_to_its_reply() -> None:
    recorder = started()
    recorder.note_reply(Stage.BANNER, GREETING, 103.0)
    record = recorder.record(DialogueResult(), None, 0.25, 0.5)
    assert record.phases == ((Stage.CONNECT, 1.0), (Stage.BANNER, 2.0))
    assert record.replies == ((Stage.BANNER, GREETING),)
    assert record.unfinished is None
    assert (record.tcp_rtt, record.cost, record.plan) == (0.25, 0.5, PLAN)


def test_a_reply_that_is_cut_leaves_its_stage_unfinished() -> None:
    recorder = started()
    cut = Reply(550, (b"no",), cut=True)
    recorder.note_reply(Stage.BANNER, cut, 103.0)
    record = recorder.record(DialogueResult(), None, None, 0.0)
    assert record.phases == ((Stage.CONNECT, 1.0),)
    assert record.replies == ((Stage.BANNER, cut),)
    assert record.unfinished is not None
    assert record.unfinished[0] is Stage.BANNER


def test_the_time_in_which_the_session_was_held_is_not_part_of_it() -> None:
    free, held = started(), started()
    held.held = 50.0
    first = free.record(DialogueResult(), None, None, 0.0).took
    second = held.record(DialogueResult(), None, None, 0.0).took
    assert second < first - 25.0


def test_the_record_has_the_result_of_the_dialogue() -> None:
    result = DialogueResult()
    result.problem = Problem(Stage.EHLO, NO)
    result.refusals.append((Stage.EHLO, NO))
    result.helo_only = True
    record = started().record(result, None, None, 0.0)
    assert (record.problem, record.refusals, record.helo_only) == (result.problem, ((Stage.EHLO, NO),), True)
    assert record.tls is None
    assert not record.refused_hello


def test_the_transcript_is_recorded_on_demand_and_without_the_password() -> None:
    plan = Plan(b"probe.example", credentials=Credentials("me", "secret-word"))
    silent, recorder = started(plan), started(plan, transcript=True)
    for each in (silent, recorder):
        each.note_data(b"220 mx\r\n", 102.0, sent=False)
        each.note_data(b"x secret-word\r\n", 102.5, sent=True)
    assert silent.record(DialogueResult(), None, None, 0.0).transcript == ()
    said = recorder.record(DialogueResult(), None, None, 0.0).transcript
    assert said[0] == TranscriptLine(2.0, False, b"220 mx\r\n")
    assert b"secret-word" not in said[1].data
