from __future__ import annotations

import pytest

from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverView


@pytest.mark.parametrize("state", ResolverState)
def test_a_resolver_that_fails_or_filters_hides_the_state_of_names(state: ResolverState) -> None:
    assert ResolverView(state).fails is (state in (ResolverState.FAILING, ResolverState.FILTERING))


def test_views_differ_by_their_evidence_and_not_by_their_times() -> None:
    assert ResolverView(since=1.0, opened=2.0, before=ResolverView(names=3)) == RESOLVER_UNKNOWN
    assert ResolverView(names=3) != RESOLVER_UNKNOWN
