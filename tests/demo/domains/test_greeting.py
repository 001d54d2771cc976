"""The mail hosts that fail in their greeting: what they say, and whether they close."""

from __future__ import annotations

import re

import pytest

from exporter.demo.domain import DemoDomain
from exporter.demo.domains.greeting import GREETING
from exporter.demo.world import DemoWorld
from exporter.model.failure import FailureClass
from tests.demo.domains.client import SILENCE, heard, only_host

# The greeting as a whole, by what the exporter must call it.
GREETINGS = {
    FailureClass.REPUTATION_BLOCKED: rb"554 .*blocked using .*\r\n",
    FailureClass.RDNS_REQUIRED: rb"554 .*reverse hostname.*\r\n",
    FailureClass.BANNER_REJECTED: rb"554 .*\r\n",
    FailureClass.BANNER_TEMPFAIL: rb"421 .*\r\n",
    FailureClass.RATE_LIMITED: rb"421 .*Too many concurrent connections.*\r\n",
    FailureClass.BANNER_TIMEOUT: rb"",
    FailureClass.BANNER_CLOSED: rb"",
    FailureClass.NOT_SMTP: rb"SSH-2\.0-.*\r\n",
    FailureClass.PROTOCOL_ERROR: rb"220-.*\r\n(?!\d\d\d).*\r\n",
}


@pytest.mark.parametrize("domain", GREETING, ids=lambda domain: domain.name)
def test_it_greets_as_its_class_has_it(world: DemoWorld, domain: DemoDomain) -> None:
    assert domain.expected is not None
    assert re.fullmatch(GREETINGS[domain.expected], heard(world, only_host(domain), seconds=SILENCE))


def test_every_way_to_fail_is_shown() -> None:
    assert {domain.expected for domain in GREETING} == set(GREETINGS)


@pytest.mark.parametrize("name", ["hangup.example", "busy.example", "crowded.example"])
def test_some_close_by_themselves(world: DemoWorld, name: str) -> None:
    """Read to the end: a host that stayed would exceed the test's time."""
    heard(world, f"mx.{name}", seconds=60.0)
