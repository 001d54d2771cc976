"""Our resolver is judged from unrelated names, and only from what it was really asked."""

from __future__ import annotations

import pytest

from exporter.diagnosis.resolver_state import Asked, ResolverJudge, judge_lookup, questions
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.resolver import ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import MxHost, MxLookup

C, S = FailureClass, ResolverState
NAMES = ("a.example", "b.test", "c.invalid", "d.localhost", "e.example.org")


class Story:
    """Questions in order, a second each."""

    def __init__(self) -> None:
        self.book = ResolverJudge(60.0)
        self.now = 1000.0

    def ask(self, name: str, failure_class: FailureClass | None, *, reference: bool = False) -> ResolverView:
        self.now += 1.0
        self.book.record(Asked(name, self.now, failure_class, reference), self.now, self.now)
        self.book.judge(self.now, self.now)
        return self.book.view

    def ask_all(self, failure_class: FailureClass | None, *, references: tuple[str, ...] = ()) -> ResolverView:
        for name in NAMES:
            self.ask(name, failure_class, reference=name in references)
        return self.book.view


def test_one_names_servfail_is_its_own() -> None:
    story = Story()
    story.ask_all(None)
    assert story.ask("broken.example", C.DNS_SERVFAIL).state is S.WORKING


@pytest.mark.parametrize("failure_class", [C.DNS_SERVFAIL, C.DNS_TIMEOUT, C.DNS_BOGUS, C.DNS_REFUSED])
def test_the_same_for_all_names_at_once_is_the_resolver(failure_class: FailureClass) -> None:
    story = Story()
    story.ask_all(None)
    view = story.ask_all(failure_class, references=NAMES[:1])
    assert (view.state, view.confidence, view.symptom) == (S.FAILING, Confidence.CERTAIN, ResolverSymptom.NO_ANSWER)
    view = story.ask(NAMES[0], None)
    assert (view.state, view.opened) == (S.WORKING, story.now)


def test_without_references_it_is_likely_at_most() -> None:
    view = Story().ask_all(C.DNS_SERVFAIL)
    assert (view.state, view.confidence) == (S.FAILING, Confidence.LIKELY)


def test_names_of_one_organisation_are_one() -> None:
    story = Story()
    for number in range(9):
        view = story.ask(f"mx{number}.shop.example", C.DNS_SERVFAIL)
    assert view.state is S.UNKNOWN


def test_no_such_name_for_all_the_world_is_the_resolver_where_one_of_them_was_there_before() -> None:
    mistyped = Story()
    assert mistyped.ask_all(C.DNS_NXDOMAIN).state is S.UNKNOWN
    captive = Story()
    captive.ask_all(None)
    assert captive.ask_all(C.DNS_NXDOMAIN).state is S.FAILING
    with_reference = Story()
    assert with_reference.ask_all(C.DNS_NXDOMAIN, references=NAMES[:1]).symptom is ResolverSymptom.ABSENT


def test_a_handful_of_broken_names_is_not_the_resolver_while_all_others_are_remembered() -> None:
    story = Story()
    story.ask_all(None)
    for minute in range(5):
        story.now += 60.0
        for name in ("p.example.net", "q.example.org", "r.example.edu", "s.example.com"):
            view = story.ask(name, C.DNS_SERVFAIL)
        assert view.state is not S.FAILING, minute
    assert story.ask(NAMES[0], None).state is S.WORKING


def test_what_works_and_is_remembered_is_not_unknown() -> None:
    story = Story()
    story.ask_all(None)
    story.now += 1000.0
    story.book.judge(story.now, story.now)
    assert story.book.view.state is S.WORKING


def test_a_name_that_does_not_exist_shows_a_resolver_that_answers() -> None:
    story = Story()
    story.ask_all(C.DNS_SERVFAIL)
    assert story.ask("gone.example.net", C.DNS_NXDOMAIN).state is S.UNKNOWN


def test_one_filtered_answer_is_a_filtering_resolver() -> None:
    story = Story()
    story.ask_all(None)
    assert story.ask("blocked.example.net", C.RESOLVER_FAILING).state is S.FILTERING
    assert story.ask("blocked.example.net", None).state is S.WORKING


def test_our_own_shortage_says_nothing() -> None:
    assert Story().ask_all(C.LOCAL_RESOURCE).state is S.UNKNOWN


def test_failures_of_too_long_ago_do_not_count() -> None:
    story = Story()
    story.ask_all(C.DNS_SERVFAIL)
    story.now += 1000.0
    story.book.judge(story.now, story.now)
    assert story.book.view.state is S.UNKNOWN


def test_remembered_answers_are_no_questions() -> None:
    host = MxHost("mx.b.test", 10, ("192.0.2.1",))
    lookup = MxLookup("a.example", (host,), asked_at=5.0)
    assert list(questions(lookup)) == [Asked("a.example", 5.0, None)]


def test_a_hosts_failure_is_that_of_its_own_question() -> None:
    unresolvable = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no address")
    host = MxHost("mx.b.test", 10, (), unresolvable, asked_at=6.0, cause=C.DNS_SERVFAIL)
    lookup = MxLookup("a.example", (host,), unresolvable)
    named = MxHost("ref.example.org", 0, ("192.0.2.1",), asked_at=7.0)
    assert list(questions(lookup, (named,), reference=True)) == [
        Asked("mx.b.test", 6.0, C.DNS_SERVFAIL, True),
        Asked("ref.example.org", 7.0, None, True),
    ]


def test_what_was_asked_before_it_answered_again_keeps_its_class() -> None:
    failing = ResolverView(S.FAILING, Confidence.LIKELY, ResolverSymptom.NO_ANSWER, 5)
    working = ResolverView(S.WORKING, Confidence.CERTAIN, before=failing, opened=100.0)
    own = Failure(Stage.DNS, C.DNS_TIMEOUT, "no answer")
    assert judge_lookup(own, None, 99.0, working).failure_class is C.RESOLVER_FAILING
    assert judge_lookup(own, None, 101.0, working) is own


def test_a_query_that_overlaps_the_answer_of_the_recovery_shows_nothing_of_its_name() -> None:
    """Sent later, it may have failed earlier: an answer may wait for the recovery, where a failure is told at once."""
    story = Story()
    story.ask_all(None)
    story.ask_all(C.DNS_SERVFAIL)
    story.book.record(Asked(NAMES[0], story.now + 1.0, None), story.now + 1.0, story.now + 4.0)
    story.book.judge(story.now + 4.0, story.now + 4.0)
    own = Failure(Stage.DNS, C.DNS_SERVFAIL, "SERVFAIL")
    assert story.book.view.state is S.WORKING
    assert judge_lookup(own, None, story.now + 2.0, story.book.view).failure_class is C.RESOLVER_FAILING
    assert judge_lookup(own, None, story.now + 5.0, story.book.view) is own


def test_an_answer_counts_until_the_next_slow_failure_is_known() -> None:
    story = Story()
    story.book.interval, story.book.takes = 5.0, 30.0
    story.ask_all(None)
    story.now += 32.0
    story.book.judge(story.now, story.now)
    assert story.book.view.state is S.WORKING


@pytest.mark.parametrize("own", [C.DNS_NXDOMAIN, C.RESOLVER_FAILING])
def test_a_name_that_failed_otherwise_before_does_not_hide_it(own: FailureClass) -> None:
    """A mistyped name, or one of the resolver's own list: it is answered from memory when nothing else is."""
    story = Story()
    story.ask("typo.exmaple", own)
    story.ask_all(None)
    story.ask("typo.exmaple", own)
    story.ask_all(C.DNS_SERVFAIL)
    view = story.ask("typo.exmaple", own)
    assert (view.state, view.symptom, view.names) == (S.FAILING, ResolverSymptom.NO_ANSWER, len(NAMES))


def test_one_that_fails_otherwise_for_the_first_time_shows_that_it_is_asked() -> None:
    story = Story()
    story.ask_all(None)
    story.ask_all(C.DNS_SERVFAIL)
    assert story.ask(NAMES[0], C.DNS_NXDOMAIN).state is not S.FAILING


def test_of_filtered_names_without_end_so_many_are_remembered() -> None:
    story = Story()
    story.ask("well.example.net", None)
    for number in range(3000):
        name = f"mx.invented{number}.example"
        story.book.record(Asked(name, story.now, C.RESOLVER_FAILING), story.now, story.now)
    story.book.judge(story.now, story.now)
    assert (story.book.view.state, story.book.view.names) == (S.FILTERING, 1000)


def test_the_evidence_of_now_moves_on_while_the_view_of_the_turn_stays() -> None:
    story = Story()
    story.ask_all(None)
    answered = story.now
    turn = story.ask_all(C.DNS_SERVFAIL)
    for number in range(3):
        story.ask(f"host.more{number}.example", C.DNS_SERVFAIL)
    now = story.book.current
    assert story.book.view is turn
    assert now.names > turn.names
    assert (now.state, now.last_success, now.heard) == (S.FAILING, answered, 8)
