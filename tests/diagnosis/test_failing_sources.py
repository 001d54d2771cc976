"""Failing sources and the number of their unrelated owners, kept up to date."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.failing_sources import OWNERS_NEEDED, FailingSources, SourceOutcome, SourceOwner


def _outcome(organisation: str, network: object = None, *, reference: bool = False) -> SourceOutcome:
    return SourceOutcome(SourceOwner(organisation, network), 0.0, 0.0, "timed out", reference)


def test_owners_with_one_organisation_or_one_network_are_related() -> None:
    a = SourceOwner("a.example", 1)
    assert not a.is_unrelated_to(SourceOwner("a.example", 2))
    assert not a.is_unrelated_to(SourceOwner("b.example", 1))
    assert a.is_unrelated_to(SourceOwner("b.example", 2))
    assert SourceOwner("a.example").is_unrelated_to(SourceOwner("b.example"))


def test_a_source_that_is_removed_takes_its_owner_and_its_reference_along() -> None:
    sources = FailingSources()
    for name in "abcd":
        sources.add(name, _outcome(name, name, reference=name == "a"))
    assert (len(sources), sources.unrelated_owners, sources.references) == (4, 4, 1)
    sources.remove("a")
    sources.remove("never there")
    assert (len(sources), sources.unrelated_owners, sources.references) == (3, 3, 0)
    assert not sources.has_related(SourceOwner("a", "a"))
    assert sources.has_related(SourceOwner("x", "b"))


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abcdef"), st.integers(0, 5)), max_size=60))
def test_all_owners_are_related_to_a_counted_one_while_fewer_than_needed_are_counted(
    changes: list[tuple[int, str, int]],
) -> None:
    """A source that comes again is removed, so that owners come and go."""
    sources: FailingSources = FailingSources()
    there: dict[int, SourceOwner] = {}
    for key, organisation, network in changes:
        if key in there:
            del there[key]
            sources.remove(key)
        else:
            there[key] = SourceOwner(organisation, network)
            sources.add(key, _outcome(organisation, network))
    bound = min(len({owner.organisation for owner in there.values()}), len({owner.network for owner in there.values()}))
    assert sources.unrelated_owners <= bound
    assert (sources.unrelated_owners > 0) is bool(there)
    counted = sources.unrelated_owners
    assert counted >= OWNERS_NEEDED or _is_cover_of(counted, list(there.values()))


def _is_cover_of(size: int, owners: list[SourceOwner]) -> bool:
    """True where `size` of the owners, unrelated to each other, are related to all others."""
    return any(
        all(one.is_unrelated_to(other) for one, other in combinations(chosen, 2))
        and not any(all(map(owner.is_unrelated_to, chosen)) for owner in owners)
        for chosen in combinations(owners, size)
    )
