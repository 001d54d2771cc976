"""The facts and times of a session, as its result holds them."""

from __future__ import annotations

from exporter.model.failure import Stage
from exporter.probe.host_facts import facts_of, timings_of
from exporter.probe.session_record import SessionRecord
from exporter.smtp.ehlo import Ehlo
from exporter.smtp.plan import Plan, State
from exporter.smtp.reply import Reply

S = Stage
NO, LATER, OK = Reply(550, (b"5.1.1 unknown",)), Reply(451, (b"4.7.1 later",)), Reply(250, (b"ok",))


def test_of_several_replies_at_a_stage_one_counts() -> None:
    plan = Plan(b"me.example", (State.EHLO, State.RCPT), recipients=("a@b.example", "c@b.example", "d@b.example"))
    replies = ((S.EHLO, Reply(502, (b"what",))), (S.EHLO, OK), (S.RCPT, LATER), (S.RCPT, NO), (S.RCPT, OK))
    facts = facts_of(SessionRecord(0.0, replies=replies, plan=plan, helo_only=True), None, None)
    assert facts.reply_codes == ((S.EHLO, 250), (S.RCPT, 550))
    assert facts.enhanced == ((S.RCPT, "5.1.1"),)
    assert facts.recipients == (("a@b.example", 451), ("c@b.example", 550), ("d@b.example", 250))
    assert facts.esmtp is False


def test_the_reply_before_the_one_that_counts_is_no_reply_of_the_stage() -> None:
    replies = ((S.DATA, Reply(354, (b"go on",))), (S.DATA, OK))
    assert facts_of(SessionRecord(0.0, replies=replies), None, None).reply_codes == ((S.DATA, 250),)


def test_extensions_are_those_of_both_answers_to_ehlo() -> None:
    before, after = Ehlo(("STARTTLS", "SIZE"), 1000), Ehlo(("SIZE", "AUTH"), 2000, ("PLAIN",))
    facts = facts_of(SessionRecord(0.0), before, after)
    assert facts.extensions == ("STARTTLS", "SIZE", "AUTH")
    assert (facts.size_limit, facts.esmtp) == (2000, True)
    assert (facts.auth_plaintext, facts.auth_tls) == ((), ("PLAIN",))


def test_a_stage_is_timed_once_and_only_published_ones_are_phases() -> None:
    phases = ((S.CONNECT, 0.25), (S.EHLO, 0.5), (S.EHLO, 0.25), (S.RSET, 1.0))
    timings = timings_of(SessionRecord(5.0, phases=phases))
    assert timings.phases == ((S.CONNECT, 0.25), (S.EHLO, 0.75))
    assert timings.waits == ((S.CONNECT, 0.25), (S.EHLO, 0.75), (S.RSET, 1.0))
    assert timings_of(SessionRecord(5.0, phases=phases[:2])).waits == ()


def test_the_stages_of_sessions_that_went_alike_are_one_object() -> None:
    first, second = (timings_of(SessionRecord(at, phases=((S.CONNECT, at), (S.EHLO, at)))) for at in (1.0, 2.0))
    assert first.stages is second.stages
    assert (first.seconds, second.seconds) == ((1.0, 1.0), (2.0, 2.0))
