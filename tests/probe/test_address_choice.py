"""The addresses of a target that are probed, and those that are only counted."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.result import MxHost
from exporter.model.target import Settings
from exporter.probe.address_choice import choose_addresses

C = FailureClass
ALLOWED = Settings(allow_addresses=(ip_network("127.0.0.0/8"),))


def test_a_forbidden_address_is_settled_and_never_probed() -> None:
    (chosen,) = choose_addresses((MxHost("b.example", 10, ("127.0.0.2",)),), Settings())
    assert chosen.settled is not None
    assert chosen.settled.failure_class is C.MX_ADDRESS_FORBIDDEN
    assert "loopback" in chosen.settled.detail
    (allowed,) = choose_addresses((MxHost("b.example", 10, ("127.0.0.2",)),), ALLOWED)
    assert allowed.settled is None


def test_the_first_addresses_in_order_of_preference_are_probed() -> None:
    hosts = tuple(MxHost(f"mx{number}.example", number, ("8.8.8.8", "2001:4860::8")) for number in range(3))
    chosen = choose_addresses(hosts, replace(Settings(), max_addresses=3))
    assert [(each.host.name, each.address) for each in chosen] == [
        ("mx0.example", "8.8.8.8"),
        ("mx0.example", "2001:4860::8"),
        ("mx1.example", "8.8.8.8"),
    ]


def test_addresses_that_are_never_connected_to_are_as_few() -> None:
    private = tuple(f"10.0.{number // 256}.{number % 256}" for number in range(500))
    hosts = (MxHost("a.example", 5, private, more=1000), MxHost("b.example", 10, ("127.0.0.2", *private)))
    chosen = choose_addresses(hosts, replace(ALLOWED, max_addresses=3))
    assert [(each.address, each.settled is None) for each in chosen] == [
        *[(address, False) for address in private[:3]],
        ("127.0.0.2", True),
    ]


def test_mx_hosts_without_an_address_are_as_few() -> None:
    failure = Failure(Stage.DNS, C.MX_UNRESOLVABLE, "no such host")
    hosts = [MxHost(f"mx{number:02}.example", number, failure=failure) for number in range(64)]
    chosen = choose_addresses(hosts, replace(Settings(), max_addresses=4))
    assert [each.host.name for each in chosen] == [f"mx{number:02}.example" for number in range(4)]
    assert {each.settled for each in chosen} == {failure}


def test_an_address_that_the_resolver_made_up_is_not_probed() -> None:
    for confidence, probed in ((Confidence.LIKELY, False), (Confidence.UNCERTAIN, True)):
        filtered = Failure(Stage.DNS, C.RESOLVER_FAILING, "a wall", confidence)
        (chosen,) = choose_addresses((MxHost("b.example", 10, ("8.8.8.8",), filtered=filtered),), Settings())
        assert (chosen.settled is None) is probed
