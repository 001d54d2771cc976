"""The settings that follow from the targets, and the addresses that count as outside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.egress.settings import counts_as_outside, source_of, typical_interval, typical_timeout
from exporter.model.target import Settings, Target, TargetKind
from tests.results import domain


@pytest.mark.parametrize(
    ("address", "outside"), [("9.9.9.9", True), ("127.0.0.1", False), ("10.1.1.1", False), ("2620:fe::fe", True)]
)
def test_private_addresses_are_reached_without_getting_out(address: str, outside: bool) -> None:
    assert counts_as_outside(address) is outside


def test_the_typical_interval_is_that_of_most() -> None:
    targets = [
        replace(domain(), settings=replace(Settings(), interval=seconds)) for seconds in (1.0, 60.0, 60.0, 3600.0)
    ]
    assert typical_interval(targets, 5.0) == 60.0
    assert typical_interval([], 5.0) == 5.0


def test_the_typical_timeout_is_that_of_most() -> None:
    targets = [Target(TargetKind.HOST, str(each), str(each), Settings(timeout=each)) for each in (5.0, 30.0, 30.0)]
    assert typical_timeout(targets, 10.0) == 30.0
    assert typical_timeout([], 10.0) == 10.0


def test_the_address_to_connect_from_is_that_of_the_family() -> None:
    settings = Settings(source_ipv4="192.0.2.1", source_ipv6="2001:db8::1")
    assert source_of(settings, "198.51.100.1") == "192.0.2.1"
    assert source_of(settings, "2001:db8::25") == "2001:db8::1"
    assert source_of(Settings(), "198.51.100.1") == ""
