"""Signatures by their times, and the counts of name servers."""

from __future__ import annotations

import pytest

from exporter.model.zone import MxZone, Nameserver, NameserverState, Signature, earliest

DAY = 86400.0
S = NameserverState


@pytest.mark.parametrize(
    ("lifetime", "left", "is_soon"),
    [
        (30 * DAY, 4 * DAY, False),
        (30 * DAY, 2.9 * DAY, True),
        (14 * DAY, 1.5 * DAY, False),
        (14 * DAY, 1.3 * DAY, True),
        (365 * DAY, 3.1 * DAY, False),  # at most three days
        (2 * DAY, DAY, False),  # signed anew with each answer
        (30 * DAY, -DAY, True),
    ],
)
def test_a_signature_ends_soon_by_the_share_of_its_time_that_is_left(
    lifetime: float, left: float, is_soon: bool
) -> None:
    signature = Signature(lifetime, 0.0, "MX of a.example", is_authenticated=True)
    assert signature.ends_soon(lifetime - left) is is_soon
    assert not signature._replace(is_authenticated=False).ends_soon(lifetime - left)


def test_the_earliest_is_the_one_that_counts() -> None:
    late, early = (Signature(ends, 0.0, "MX", is_authenticated=True) for ends in (9.0, 5.0))
    idle = Signature(1.0, 0.0, "MX", is_authenticated=False)
    assert earliest([None, late, early, idle]) is early
    assert earliest([idle, None]) is idle
    assert earliest([]) is None


def test_servers_are_counted_by_state() -> None:
    zone = MxZone("a.example", tuple(Nameserver("ns", "192.0.2.1", state) for state in (S.AGREES, S.LAME, S.AGREES)))
    assert (zone.count(S.AGREES), zone.count(S.LAME), zone.count(S.SILENT)) == (2, 1, 0)
