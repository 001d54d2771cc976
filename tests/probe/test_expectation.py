"""The words that are expected: of which sessions they are learnt, and how long they are believed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.result import HostFacts, HostOutcome, HostTimings, TranscriptLine
from exporter.model.warning import HostWarning
from exporter.probe import expectation
from exporter.probe.expectation import Expectation, FamiliarWords, Findings, expectation_of, turns_of
from exporter.probe.session_record import FailedTls, SessionRecord
from exporter.smtp.events import Problem
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan
from exporter.smtp.reply import Reply

PLAN = Plan(b"me.example")
WORDS = (b"220 mx.example ESMTP\r\n", b"EHLO me.example\r\n", b"250 mx.example\r\n", b"QUIT\r\n", b"221 bye\r\n")
STAGES = (Stage.CONNECT, Stage.BANNER, Stage.EHLO, Stage.QUIT)
FINDINGS = Findings(HostOutcome(), HostFacts(esmtp=True), None)
TIMINGS = HostTimings(1.0, STAGES, (0.1, 0.2, 0.3, 0.4))
RECORD = SessionRecord(
    1.0,
    replies=tuple((stage, Reply(code, (b"",))) for stage, code in zip(STAGES[1:], (220, 250, 221), strict=True)),
    quit_clean=True,
    spoke=True,
    plan=PLAN,
    transcript=tuple(TranscriptLine(0.1, bool(number % 2), word) for number, word in enumerate(WORDS)),
)


@pytest.fixture(autouse=True)
def _never_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expectation, "_CHECKED_SHARE", 0.0)


def of(record: SessionRecord = RECORD, findings: Findings | None = FINDINGS) -> Expectation | None:
    return expectation_of(record, "mx.example", findings, TIMINGS, is_alias=False)


def saying(*words: bytes, facts: HostFacts = FINDINGS.facts) -> Expectation:
    """The expectation after a session with these words."""
    lines = tuple(TranscriptLine(0.1, bool(number % 2), word) for number, word in enumerate(words))
    found = of(replace(RECORD, transcript=lines), FINDINGS._replace(facts=facts))
    assert found is not None
    return found


def greeting(name: bytes) -> Expectation:
    return saying(b"220 mx.example ESMTP " + name + b"\r\n", *WORDS[1:])


def expected(
    familiar: FamiliarWords, plan: Plan = PLAN, mx: str = "mx.example", *, is_alias: bool = False
) -> Expectation | None:
    return familiar.expected(plan, mx, is_alias=is_alias)


def test_the_words_of_a_healthy_session_are_expected_with_what_they_showed() -> None:
    assert of() == Expectation(PLAN, "mx.example", False, b"", WORDS, STAGES, FINDINGS)
    assert turns_of(5) == (False, True, False, True, False)


def test_pieces_of_a_reply_are_one_word() -> None:
    pieces = (RECORD.transcript[0]._replace(data=b"220 mx"), TranscriptLine(0.2, False, b".example ESMTP\r\n"))
    found = of(replace(RECORD, transcript=(*pieces, *RECORD.transcript[1:])))
    assert found is not None
    assert found.words == WORDS


def test_equal_words_facts_and_outcomes_of_hosts_are_one_object() -> None:
    one, other = (saying(*(bytes(bytearray(word)) for word in WORDS), facts=HostFacts(esmtp=True)) for _ in range(2))
    assert all(word is again for word, again in zip(one.words, other.words, strict=True))
    assert one.findings is not None
    assert other.findings is not None
    assert one.findings.facts is other.findings.facts
    assert one.findings.outcome is other.findings.outcome


@pytest.mark.parametrize(
    "change",
    [
        {"problem": Problem(Stage.EHLO)},
        {"refusals": ((Stage.STARTTLS, Reply(454, (b"no",))),)},
        {"quit_clean": False},
        {"unfinished": (Stage.QUIT, 1.0)},
        {"failed_tls": FailedTls("hung up")},
        {"cost": 0.1},
        {"transcript": ()},
        {"transcript": RECORD.transcript[1:]},
        {"transcript": (*RECORD.transcript[:2], *RECORD.transcript[3:])},
        {"transcript": (RECORD.transcript[0]._replace(data=b"220 " + b"x" * 4000 + b"\r\n"), *RECORD.transcript[1:])},
        {"plan": replace(PLAN, recipients=("a@b.example",), steps=(State.EHLO, State.MAIL, State.RCPT))},
        {"plan": replace(PLAN, credentials=Credentials("me", "secret"))},
        {"plan": replace(PLAN, canary="a message")},
        {"plan": replace(PLAN, proxy_protocol=True)},
        {"plan": replace(PLAN, tls=TlsPlan("mx.example", implicit=True))},
        {"plan": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_sessions_let_nothing_expect(change: dict[str, object]) -> None:
    assert of(replace(RECORD, **change)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "outcome",
    [
        HostOutcome(warnings=(HostWarning.BANNER_SLOW,)),
        HostOutcome(warnings=(HostWarning.COSTLY,)),
        HostOutcome(Failure(Stage.QUIT, FailureClass.CLOSED)),
    ],
)
def test_what_a_time_decides_is_not_expected_of_words(outcome: HostOutcome) -> None:
    assert of(findings=FINDINGS._replace(outcome=outcome)) is None


def test_where_ehlo_has_our_address_it_is_expected_with_that_address() -> None:
    lines = [line._replace(data=line.data.replace(b"me.example", b"[192.0.2.9]")) for line in RECORD.transcript]
    found = of(replace(RECORD, plan=Plan(b""), transcript=tuple(lines)))
    assert found is not None
    assert found.literal == b"[192.0.2.9]"


def test_another_plan_name_or_alias_is_read_in_full_and_learnt_anew() -> None:
    for other in (
        {"plan": Plan(b"other.example")},
        {"mx": "mx2.example"},
        {"is_alias": True},
    ):
        familiar = FamiliarWords()
        familiar.learn(of())
        assert expected(familiar) is not None
        assert expected(familiar, plan=Plan(b"me.example")) is not None, "an equal one"
        assert not familiar.wants_lesson
        assert expected(familiar, **other) is None
        assert familiar.wants_lesson


def test_a_failed_session_leaves_the_words_of_before() -> None:
    familiar = FamiliarWords()
    familiar.learn(of())
    familiar.surprised()
    familiar.learn(None)
    assert expected(familiar) == of()
    assert familiar.wants_lesson


def test_a_session_in_some_is_read_in_full_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    familiar = FamiliarWords()
    familiar.learn(of())
    first = expected(familiar)
    monkeypatch.setattr(expectation, "_CHECKED_SHARE", 1.0)
    assert expected(familiar) is None
    assert familiar.wants_lesson
    familiar.learn(saying(*WORDS))
    monkeypatch.setattr(expectation, "_CHECKED_SHARE", 0.0)
    assert expected(familiar) is first, "the same objects"


def test_words_that_showed_something_else_are_believed_no_more_for_a_while() -> None:
    familiar = FamiliarWords()
    familiar.learn(of())
    familiar.doubt()
    familiar.learn(saying(*WORDS, facts=HostFacts(esmtp=False)))
    waits = 0
    while waits < 1000 and (expected(familiar) is not None or not familiar.wants_lesson):
        waits += 1
    assert waits == expectation._MAX_REST - 1


def test_what_varies_is_learnt_from_two_sessions_that_showed_the_same() -> None:
    familiar = FamiliarWords()
    for ident in (b"id1", b"id22", b"x99"):
        familiar.surprised()
        familiar.learn(greeting(ident))
    found = expected(familiar)
    assert found is not None
    assert found.holds(greeting(b"anything.else7").words)
    assert not found.holds(greeting(b"two words").words)
    assert not found.holds(WORDS)
    assert found.words == greeting(b"id1").words, "the form of the first is that of all"


def test_other_facts_make_no_form() -> None:
    familiar = FamiliarWords()
    familiar.learn(greeting(b"id1"))
    familiar.surprised()
    other = saying(*greeting(b"id2").words, facts=HostFacts(esmtp=True, size_limit=1))
    familiar.learn(other)
    assert [expected(familiar) for _ in range(3)] == [None, None, other], "not at once: such a host may do it again"


def test_a_host_that_says_something_else_each_time_is_expected_to_ever_more_rarely() -> None:
    familiar = FamiliarWords()
    familiar.learn(of())
    lessons = 0
    for number in range(2000):
        if expected(familiar) is not None:
            familiar.surprised()
        if familiar.wants_lesson:
            lessons += 1
            familiar.learn(saying(b"220 node%d.example ESMTP\r\n" % number, *WORDS[1:]))
    assert lessons < 2000 / 25
    familiar.held()
    assert not familiar.wants_lesson
