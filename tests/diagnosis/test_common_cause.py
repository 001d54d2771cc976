"""A failure that is the same everywhere is ours; failures for reasons of their own are not, however many there are."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis import common_cause
from exporter.diagnosis.common_cause import CommonFailure, SourceOutcomes
from exporter.diagnosis.failing_sources import OWNERS_NEEDED, SourceOutcome, SourceOwner

SILENT, RESET = "silent", "reset"


class Story:
    """Outcomes in order, ten seconds each; a source is of an organisation and a network of its own unless it says."""

    def __init__(self) -> None:
        self.outcomes = SourceOutcomes()
        self.now = 1000.0

    def hear(
        self,
        name: str,
        way: str | None,
        *,
        organisation: str = "",
        network: object = None,
        reference: bool = False,
        began: float | None = None,
    ) -> None:
        self.now += 10.0
        owner = SourceOwner(organisation or name, network if network is not None else name)
        self.outcomes.record(name, SourceOutcome(owner, self.now if began is None else began, self.now, way, reference))

    def all(self, names: str, way: str | None, *, references: str = "") -> None:
        for name in names:
            self.hear(name, way, reference=name in references)


def test_too_few_have_no_common_failure() -> None:
    story = Story()
    story.all("abc", SILENT)
    assert story.outcomes.common_failure() is None


def test_four_that_fail_alike_are() -> None:
    story = Story()
    story.all("abcd", SILENT)
    assert story.outcomes.common_failure() == CommonFailure(SILENT, owners=4, newly_failing=4, references=0)


def test_references_make_it_certain() -> None:
    story = Story()
    story.all("abcd", SILENT, references="d")
    common = story.outcomes.common_failure()
    assert common is not None
    assert common.is_certain
    assert common.references == 1


def test_two_kinds_of_failure_have_no_common_cause() -> None:
    story = Story()
    story.all("abcd", SILENT)
    story.hear("e", RESET)
    assert story.outcomes.common_failure() is None


@pytest.mark.parametrize(("organisation", "network"), [("provider", None), ("", 7)])
def test_one_organisation_or_network_is_one_voice(organisation: str, network: object) -> None:
    story = Story()
    for name in "abcdefgh":
        story.hear(name, SILENT, organisation=organisation, network=network)
    assert story.outcomes.common_failure() is None
    story.all("xyz", SILENT)
    assert story.outcomes.common_failure() is not None


def test_one_that_works_is_an_alibi_for_the_way_until_it_is_heard_failing() -> None:
    story = Story()
    story.all("vw", None)
    story.all("abcdefv", SILENT)
    assert story.outcomes.common_failure() is None
    story.hear("w", SILENT)
    assert story.outcomes.common_failure() is not None


def test_any_source_of_its_voice_may_be_heard() -> None:
    story = Story()
    story.hear("mx1", None, organisation="well")
    story.hear("v", None)
    story.all("abcv", SILENT)
    assert story.outcomes.common_failure() is None
    story.hear("mx2", SILENT, organisation="well")
    assert story.outcomes.common_failure() is not None


def test_a_handful_that_was_dead_before_is_no_witness_against_us() -> None:
    """Four dead hosts and a fifth that dies are five dead hosts."""
    story = Story()
    for _ in range(3):
        story.all("abcd", SILENT, references="a")
        story.hear("well", None)
    story.all("abcd", SILENT, references="a")
    story.hear("well", SILENT)
    assert story.outcomes.common_failure() is None


def test_with_others_that_turn_the_dead_count_too_but_prove_less() -> None:
    story = Story()
    story.all("ab", SILENT)
    story.all("wxyz", None)
    story.all("abwx", SILENT, references="w")
    assert story.outcomes.common_failure() is None
    story.all("yz", SILENT)
    common = story.outcomes.common_failure()
    assert common == CommonFailure(SILENT, owners=6, newly_failing=4, references=1)
    assert common.is_certain
    few = Story()
    few.all("abc", SILENT)
    few.all("yz", None)
    few.all("abcyz", SILENT, references="yz")
    common = few.outcomes.common_failure()
    assert common == CommonFailure(SILENT, owners=5, newly_failing=2, references=2)
    assert not common.is_certain


def test_what_never_worked_is_no_witness_though_what_works_is_heard_seldom() -> None:
    """Names whose answers are remembered for an hour are not asked for; the broken ones are, each minute."""
    story = Story()
    story.all("wxyz", None)
    story.all("abcd", SILENT)
    story.outcomes.forget_before(story.now - 35.0)
    assert not story.outcomes.any_succeeds
    assert story.outcomes.common_failure() is None
    story.all("wx", SILENT)
    assert story.outcomes.common_failure() is not None


def test_a_session_begun_before_the_proof_says_nothing_of_now() -> None:
    """A silence is known long after it began; what was greeted meanwhile began later."""
    story = Story()
    story.hear("well", None)
    for name in "abcd":
        story.hear(name, SILENT, began=900.0)
    assert story.outcomes.failed_since_success == 0


def test_an_older_outcome_of_a_source_changes_nothing() -> None:
    story = Story()
    story.hear("a", None)
    story.hear("a", SILENT, began=500.0)
    assert story.outcomes.any_succeeds


def test_what_is_not_heard_any_more_is_forgotten() -> None:
    story = Story()
    story.all("abcd", SILENT)
    story.outcomes.forget_before(story.now + 1.0)
    assert len(story.outcomes) == 0
    assert story.outcomes.common_failure() is None
    assert story.outcomes.only_kind is None


def test_the_proof_of_others_is_of_somebody_unrelated() -> None:
    story = Story()
    story.hear("a", None)
    assert story.outcomes.success_by_others(SourceOwner("a", "x"), story.now) == -math.inf
    assert story.outcomes.success_by_others(SourceOwner("x", "a"), story.now) == -math.inf
    assert story.outcomes.success_by_others(SourceOwner("x", "x"), story.now) == story.now
    for number in range(100):
        story.hear(f"n{number}", None)
    assert story.outcomes.success_by_others(SourceOwner("n99", "n99"), story.now) == story.now - 10.0


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([None, SILENT, RESET]), st.booleans()),
        max_size=80,
    )
)
def test_the_sums_are_those_of_the_newest_outcomes(heard: list[tuple[str, str | None, bool]]) -> None:
    """However it came about: what is said of all is what a plain look at the newest outcomes says."""
    story = Story()
    newest: dict[str, tuple[float, str | None]] = {}
    since: dict[str, float] = {}
    proven = -math.inf
    for name, way, reference in heard:
        story.hear(name, way, reference=reference)
        if way is None:
            proven = story.now
        if way is None or newest.get(name, (0.0, None))[1] != way:
            since[name] = story.now
        newest[name] = (story.now, way)
    after = {name: way for name, (began, way) in newest.items() if way is not None and began > proven}
    turned = [name for name in after if since[name] > proven]
    unheard = [name for name, (_, way) in newest.items() if way is None]
    common = story.outcomes.common_failure()
    fallen = [name for name in turned if any(worked == name and way is None for worked, way, _ in heard)]
    expected = len(set(after.values())) == 1 and len(after) >= OWNERS_NEEDED and len(turned) >= 2 and not unheard
    expected = expected and (proven == -math.inf or len(fallen) >= 2)
    assert (common is not None) is expected
    if common is not None:
        assert (common.owners, common.newly_failing) == (len(after), max(len(turned), common.newly_failing))
    assert story.outcomes.failed_since_success == len(after)


def test_who_failed_in_between_does_not_show_that_things_worked_then() -> None:
    """While a way opens again, each that answers was shut off a moment ago, as was who has not been asked since."""
    story = Story()
    story.all("ab", None)
    story.all("abc", SILENT)
    failed = story.now
    story.hear("a", None)
    assert -math.inf < story.outcomes.success_by_others(SourceOwner("c", "c"), failed) < failed
    assert story.outcomes.success_by_others(SourceOwner("c", "c"), story.now) == story.now
    story.hear("d", None)
    assert story.outcomes.success_by_others(SourceOwner("c", "c"), failed) == story.now


def _calls(function: Callable[[], object]) -> int:
    """The number of calls of Python functions."""
    count = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("way", [None, SILENT], ids=["opens", "stays shut"])
def test_the_many_addresses_of_one_provider_cost_no_more_than_a_few(way: str | None) -> None:
    def cost(addresses: int) -> int:
        story = Story()
        for outcome in (None, SILENT):
            for number in range(addresses):
                story.hear(str(number), outcome, organisation="big", network="big")
                story.outcomes.common_failure()
        spent = []
        for number in range(6):
            spent.append(_calls(partial(story.hear, str(number), way, organisation="big", network="big")))
            spent.append(_calls(story.outcomes.common_failure))
        return max(spent)

    assert cost(2000) <= cost(20)


def test_a_proof_is_taken_in_as_fast_while_many_of_one_provider_fail() -> None:
    def cost(addresses: int) -> int:
        story = Story()
        for number in range(addresses):
            story.hear(str(number), None, organisation="big", network="big")
        for number in range(2):
            story.hear(str(number), SILENT, organisation="big", network="big")
        return _calls(story.outcomes.common_failure)

    assert cost(2000) <= cost(20)


def test_of_sources_without_end_the_longest_unheard_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common_cause, "MAX_SOURCES", 100)
    monkeypatch.setattr(common_cause, "_AT_ONCE", 10)
    story = Story()
    story.all("wxyz", None)
    for number in range(1000):
        story.hear(f"invented-{number}", None if number % 2 else SILENT)
        assert len(story.outcomes) <= 111
    assert "w" not in story.outcomes
    assert "invented-999" in story.outcomes


def test_what_is_too_old_goes_in_one_walk() -> None:
    story = Story()
    for number in range(5000):
        story.hear(str(number), None)
    story.outcomes.forget_before(story.now)
    assert len(story.outcomes) == 1
