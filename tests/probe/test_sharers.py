"""The sharers of a host, few and many: the same answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model.target import HostSeries, Settings, Target, TargetKind
from exporter.probe.sharers import FewSharers, ManySharers
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
    few, many = FewSharers(), ManySharers(())
    for holder in held:
        assert few.plus(holder) is few
        many.plus(holder)
    for holder in data.draw(st.permutations(held))[: len(held) // 2]:
        few.remove(holder)
        many.remove(holder)
    assert set(few.all()) == set(many.all())
    assert len(few.all()) == len(many.all())
    assert few.together() == many.together()


def test_more_than_a_few_become_many_in_their_order() -> None:
    sharers: FewSharers | ManySharers = FewSharers()
    for holder in HOLDERS:
        sharers = sharers.plus(holder)
    assert isinstance(sharers, ManySharers)
    assert [*sharers.all()] == HOLDERS


def test_who_does_not_hold_cannot_let_go() -> None:
    with pytest.raises(KeyError):
        ManySharers(()).remove(HOLDERS[0])
