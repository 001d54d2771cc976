"""The sharers of a host, few and many: the same answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.target import HostSeries, Settings, Target, TargetKind
from exporter.probe.sharers import NO_HOLDS, ManySharers, sharers_of, sharing_of, with_hold, without_hold
from tests.probe.hosting import Holder

SERIES: tuple[HostSeries, ...] = ("all", "failing", "none")
HOLDERS = [
    Holder(Target(kind, f"{number}.example", f"{number}.example", Settings(host_series=series)), is_lease)
    for number, (kind, series, is_lease) in enumerate(
        (kind, series, is_lease) for kind in TargetKind for series in SERIES for is_lease in (False, True)
    )
]


@given(st.lists(st.sampled_from(HOLDERS), max_size=8), st.data())
def test_few_and_many_say_the_same(held: list[Holder], data: st.DataObject) -> None:
    few, many = NO_HOLDS, ManySharers(())
    for holder in held:
        few = with_hold(few, holder)
        many.add(holder)
    for holder in data.draw(st.permutations(held))[: len(held) // 2]:
        few = without_hold(few, holder)
        many.remove(holder)
    assert set(sharers_of(few)) == set(many.all())
    assert len(sharers_of(few)) == len(many.all())
    assert sharing_of(few) == sharing_of(many) == many.together()


def test_more_than_a_few_become_many_in_their_order() -> None:
    holds = NO_HOLDS
    for number, holder in enumerate(HOLDERS):
        assert [*sharers_of(holds)] == HOLDERS[:number]
        holds = with_hold(holds, holder)
    assert isinstance(holds, ManySharers)
    assert [*sharers_of(holds)] == HOLDERS
    for holder in HOLDERS:
        assert without_hold(holds, holder) is holds
    assert not sharers_of(holds)


def test_one_hold_is_the_sharer_itself() -> None:
    first, second = HOLDERS[:2]
    assert with_hold(NO_HOLDS, first) is first
    assert without_hold(with_hold(first, second), first) is second
    assert without_hold(first, first) == NO_HOLDS
    with pytest.raises(ValueError, match="not in list"):
        without_hold(first, second)


def test_who_does_not_hold_cannot_let_go() -> None:
    with pytest.raises(KeyError):
        ManySharers(()).remove(HOLDERS[0])
