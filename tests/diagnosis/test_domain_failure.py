"""The hosts of a domain are judged together: the reason that says most speaks, death only where all are dead."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from exporter.diagnosis.domain_failure import decisive_host, domain_failure
from exporter.model.failure import Confidence, Failure, FailureClass, Stage, Verdict
from exporter.model.result import HostResult
from tests.results import host_of, up_host

C, V = FailureClass, Verdict
# A failure of each rank, from the one that speaks before all others to the one that speaks last.
RANKED = (
    C.REPUTATION_BLOCKED,
    C.RATE_LIMITED,
    C.PROTOCOL_ERROR,
    C.REJECTED,
    C.PORT_FILTERED,
    C.BANNER_TIMEOUT,  # undetermined
    C.CONNECT_REFUSED,
    C.LOCAL_RESOURCE,
)


def failing(*classes: FailureClass, families: Sequence[str] = ()) -> tuple[HostResult, ...]:
    return tuple(
        host_of(
            f"mx{number}.example",
            families[number] if families else f"192.0.2.{number}",
            failure=Failure(Stage.BANNER, failure_class, f"reason {number}"),
        )
        for number, failure_class in enumerate(classes)
    )


@pytest.mark.parametrize("place", range(len(RANKED) - 1))
def test_a_reason_that_says_more_speaks_whatever_the_preferences(place: int) -> None:
    more, less = RANKED[place], RANKED[place + 1]
    for hosts in (failing(more, less), failing(less, more), failing(less, less, more)):
        failure = domain_failure(hosts, None)
        assert failure is not None
        assert failure.failure_class is more
        decisive = decisive_host(hosts, failure)
        assert decisive is not None
        assert decisive.failure is not None
        assert decisive.failure.failure_class is more


def test_one_that_is_up_makes_the_domain_up() -> None:
    assert domain_failure((*failing(C.CONNECT_REFUSED), up_host()), None) is None


def test_with_an_address_that_was_not_asked_nobody_is_known_to_be_dead() -> None:
    """An address without a free session, or paused for its cost, may be well."""
    for classes in ((C.NO_TURN, C.CONNECT_REFUSED), (C.CONNECT_REFUSED, C.CONNECT_REFUSED, C.NO_TURN)):
        failure = domain_failure(failing(*classes), None)
        assert failure is not None
        assert (failure.failure_class, failure.verdict) == (C.NO_TURN, V.LOCAL)
        assert any("connect_refused" in sentence for sentence in failure.evidence)
    more = domain_failure(failing(C.NO_TURN, C.CONNECT_REFUSED, C.REJECTED), None)
    assert more is not None
    assert more.failure_class is C.REJECTED


def test_of_equals_the_more_preferred_speaks_and_the_others_are_counted() -> None:
    failure = domain_failure(failing(C.CONNECT_REFUSED, C.CONNECT_UNREACHABLE, C.CONNECT_REFUSED), None)
    assert failure is not None
    assert failure.detail == "reason 0"
    assert failure.evidence == ("the 2 other addresses: 1 connect_refused, 1 connect_unreachable",)


def test_dead_only_if_every_host_is() -> None:
    dead = domain_failure(failing(C.CONNECT_REFUSED, C.CONNECT_REFUSED), None)
    open_ = domain_failure(failing(C.CONNECT_REFUSED, C.BANNER_CLOSED), None)
    assert dead is not None
    assert open_ is not None
    assert (dead.verdict, open_.verdict) == (V.DEAD, V.UNDETERMINED)


def test_a_first_host_that_refuses_connects_on_purpose_hides_nothing() -> None:
    failure = domain_failure(failing(C.CONNECT_REFUSED, C.REPUTATION_BLOCKED), None)
    assert failure is not None
    assert failure.verdict is V.BLOCKED


def test_a_family_without_a_route_is_left_out_while_another_has_one() -> None:
    both = failing(C.NO_ROUTE, C.CONNECT_REFUSED, families=("2001:db8::1", "192.0.2.1"))
    failure = domain_failure(both, None)
    assert failure is not None
    assert failure.failure_class is C.CONNECT_REFUSED
    assert failure.evidence == ()
    alone = domain_failure(failing(C.NO_ROUTE, families=("2001:db8::1",)), None)
    assert alone is not None
    assert alone.failure_class is C.NO_ROUTE


def test_the_lookup_speaks_where_no_host_has_an_address() -> None:
    nothing = Failure(Stage.DNS, C.DNS_NXDOMAIN, "no such name")
    assert domain_failure((), nothing) == nothing
    unresolvable = (host_of("mx.example", "", failure=Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no address")),)
    assert domain_failure(unresolvable, nothing) == nothing
    assert domain_failure((), None) is not None


def test_the_confidence_is_that_of_the_reason() -> None:
    failure = domain_failure(failing(C.CONNECT_REFUSED), None)
    assert failure is not None
    assert failure.confidence is Confidence.LIKELY
