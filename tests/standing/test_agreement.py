"""The address that unrelated organisations agree on."""

from __future__ import annotations

import pytest

from exporter.model.address import Family
from exporter.standing import agreement
from exporter.standing.agreement import Told, agree

OURS = "192.0.2.1"
HOSTS = (
    ("mx.one.example", "8.1.0.1"),
    ("mx.two.example", "9.1.0.1"),
    ("mx.three.example", "11.1.0.1"),
    ("mx.four.example", "12.1.0.1"),
    ("mx.five.example", "13.1.0.1"),
)


def told(address: str, *hosts: tuple[str, str]) -> list[Told]:
    return [Told(mx, host, address) for mx, host in hosts]


def test_three_unrelated_organisations_are_believed() -> None:
    found = agree(told(OURS, *HOSTS[:3]), Family.IPV4)
    assert (found.address, found.organisations, found.others) == (OURS, 3, ())


def test_two_are_not() -> None:
    found = agree(told(OURS, *HOSTS[:2]), Family.IPV4)
    assert found.address == ""
    (other,) = found.others
    assert (other.address, other.organisations, other.hosts, other.example) == (OURS, 2, 2, "mx.one.example")
    assert "3 unrelated organisations must tell the same" in other.doubt


@pytest.mark.parametrize(
    "hosts",
    [
        [(f"mx{number}.one.example", f"{number}.1.0.1") for number in range(8, 15)],  # one organisation
        [(f"mx.{number}.example", f"8.1.{number}.1") for number in range(8, 15)],  # one network
    ],
)
def test_the_hosts_of_one_owner_are_one_voice(hosts: list[tuple[str, str]]) -> None:
    assert agree(told(OURS, *hosts), Family.IPV4).address == ""


def test_hosts_that_give_themselves_names_of_one_organisation_are_one_voice() -> None:
    """Customers have MX names of their own for the hosts of a provider, in whichever of its networks."""
    hosts = [Told(mx, host, OURS, f"mx{number}.provider.example") for number, (mx, host) in enumerate(HOSTS)]
    found = agree(hosts, Family.IPV4)
    assert (found.address, found.others[0].organisations, found.others[0].hosts) == ("", 1, 5)
    named = [Told("mx.provider.example", "14.1.0.1", OURS, "in.else.example"), *hosts[:1], *told(OURS, *HOSTS[1:3])]
    assert agree(named, Family.IPV4).organisations == 3


def test_hosts_of_a_laboratory_are_told_apart_by_their_names() -> None:
    hosts = [(f"mx.{number}.example", f"127.0.0.{number}") for number in range(2, 5)]
    assert agree(told(OURS, *hosts), Family.IPV4).address == OURS


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "0.0.0.0"])
def test_a_special_address_is_told_and_not_believed(address: str) -> None:
    found = agree(told(address, *HOSTS), Family.IPV4)
    assert found.address == ""
    (other,) = found.others
    assert (other.address, other.organisations) == (address, 5)
    assert other.doubt.startswith("it is ")


def test_who_disagrees_is_told_beside_the_address() -> None:
    found = agree([*told(OURS, *HOSTS[:3]), *told("198.51.100.7", HOSTS[3]), *told("10.0.0.5", HOSTS[4])], Family.IPV4)
    assert found.address == OURS
    assert [(each.address, each.doubt) for each in found.others] == [
        ("10.0.0.5", "it is private (RFC 1918)"),
        ("198.51.100.7", f"more organisations tell {OURS}"),
    ]


def test_without_a_majority_nothing_is_believed() -> None:
    more = [(f"mx.{number}.example", f"{number}.1.0.1") for number in range(20, 23)]
    found = agree([*told(OURS, *HOSTS[:3]), *told("198.51.100.7", *more)], Family.IPV4)
    assert found.address == ""
    assert {each.address for each in found.others} == {OURS, "198.51.100.7"}
    assert "do not agree" in found.others[0].doubt


def test_a_configured_address_holds_and_what_differs_is_told() -> None:
    found = agree(told("198.51.100.7", *HOSTS), Family.IPV4, OURS)
    assert (found.address, found.organisations) == (OURS, 0)
    assert found.others[0].doubt == f"{OURS} is configured"
    assert agree(told(OURS, *HOSTS), Family.IPV4, OURS).organisations == 5


@pytest.mark.parametrize(("other", "is_contested"), [("198.51.100.7", True), ("10.0.0.5", False), (OURS, False)])
@pytest.mark.parametrize("configured", ["", OURS])
def test_another_public_address_contests_it(other: str, configured: str, *, is_contested: bool) -> None:
    found = agree([*told(OURS, *HOSTS[:3]), *told(other, HOSTS[3])], Family.IPV4, configured)
    assert (found.address, found.is_contested) == (OURS, is_contested)


def test_the_address_of_a_translator_is_told_and_not_believed() -> None:
    hosts = [(mx, f"2600:{place}::1") for place, (mx, _) in enumerate(HOSTS)]
    found = agree(told("64:ff9b::808:808", *hosts), Family.IPV6)
    assert found.address == ""
    assert found.others[0].doubt == "it is an IPv4 address in that of a translator (RFC 6052)"


def test_families_are_apart() -> None:
    both = [
        *told(OURS, *HOSTS[:3]),
        *told("2001:db8::1", *[(mx, f"2600:{place}::1") for place, (mx, _) in enumerate(HOSTS)]),
    ]
    assert agree(both, Family.IPV4).address == OURS
    assert agree(both, Family.IPV6).address == "2001:db8::1"


def test_what_is_told_is_bounded() -> None:
    many = [Told("mx.one.example", "8.1.0.1", f"198.51.100.{number}") for number in range(200)]
    assert len(agree(many, Family.IPV4).others) == 8


def test_of_very_many_hosts_only_so_many_owners_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def organisation(name: str) -> str:
        names.append(name)
        return name

    monkeypatch.setattr(agreement, "organisation", organisation)
    hosts = [(f"mx.{number}.example", f"{11 + number % 80}.{number // 80}.0.1") for number in range(5000)]
    assert agree(told(OURS, *hosts), Family.IPV4).organisations == 64
    assert len(names) == 64
