"""The lookups that say nothing of the hosts that were there before."""

from __future__ import annotations

import pytest

from exporter.model.failure import Confidence, Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.resolver import RESOLVER_UNKNOWN, ResolverState, ResolverSymptom, ResolverView
from exporter.model.result import MxHost, MxLookup
from exporter.probe.lookup_doubt import is_doubtful, is_doubtful_host

DENYING = ResolverView(ResolverState.FAILING, Confidence.LIKELY, ResolverSymptom.ABSENT, 9)


@pytest.mark.parametrize(
    ("found", "doubtful"),
    [
        (C.DNS_TIMEOUT, True),
        (C.DNS_SERVFAIL, True),
        (C.DNS_BOGUS, True),
        (C.DNS_REFUSED, True),
        (C.DNS_MALFORMED, True),
        (C.LOCAL_RESOURCE, True),
        (C.RESOLVER_FAILING, True),
        (C.DNS_NXDOMAIN, False),
        (C.DNS_NO_ADDRESS, False),
        (C.DNS_NULL_MX, False),
    ],
)
def test_only_an_answer_denies(found: C, doubtful: bool) -> None:
    failure = Failure(Stage.DNS, found)
    assert is_doubtful(MxLookup("a.example", failure=failure), 1.0, RESOLVER_UNKNOWN) is doubtful
    assert is_doubtful_host(MxHost("mx.a.example", 10, failure=failure), 1.0, RESOLVER_UNKNOWN) is doubtful


def test_a_resolver_that_denies_all_names_denies_none() -> None:
    absent = MxLookup("a.example", failure=Failure(Stage.DNS, C.DNS_NXDOMAIN), cause=C.DNS_NXDOMAIN)
    assert is_doubtful(absent, 1.0, DENYING)


def test_a_lookup_that_found_hosts_is_no_doubt() -> None:
    failure = Failure(Stage.DNS, C.MX_UNRESOLVABLE)
    hosts = (MxHost("mx.a.example", 10, failure=failure, cause=C.DNS_SERVFAIL, incomplete=True),)
    assert not is_doubtful(MxLookup("a.example", hosts, failure), 1.0, RESOLVER_UNKNOWN)
    assert is_doubtful_host(hosts[0], 1.0, RESOLVER_UNKNOWN)


def test_a_host_of_which_one_family_failed_may_have_other_addresses() -> None:
    assert is_doubtful_host(MxHost("mx.a.example", 10, ("8.8.8.8",), incomplete=True), 1.0, RESOLVER_UNKNOWN)
    assert not is_doubtful_host(MxHost("mx.a.example", 10, ("8.8.8.8",)), 1.0, RESOLVER_UNKNOWN)
