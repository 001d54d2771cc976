"""Requests that one record answers are equal in their key, and a budget ends at one moment for all."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext

import pytest

from exporter.model.target import Canary
from exporter.probe.session_request import SessionRequest, TimeBudget
from exporter.smtp.plan import Credentials, Plan, TlsPlan

PLAN = Plan(b"me.example")
REQUEST = SessionRequest("192.0.2.1", 25, "mx.example:25", "", PLAN, None, 30.0, 60.0, False)
TLS = TlsPlan("mx.example", required=True)


@pytest.mark.parametrize(
    ("other", "shares"),
    [
        (REQUEST._replace(name="mx.example.net:25"), True),
        (REQUEST._replace(interval=300.0, transcript=True), True),
        (REQUEST._replace(address="192.0.2.2"), False),
        (REQUEST._replace(port=26), False),
        (REQUEST._replace(source="198.51.100.1"), False),
        (REQUEST._replace(plan=Plan(b"other.example")), False),
        (REQUEST._replace(timeout=5.0), False),
    ],
)
def test_what_two_requests_may_differ_in_and_share_a_record(other: SessionRequest, shares: bool) -> None:
    assert (other.sharing_key == REQUEST.sharing_key) is shares


@pytest.mark.parametrize(
    "plan", [Plan(b"me.example", tls=TLS, credentials=Credentials("a", "b")), Plan(b"me.example", canary=Canary())]
)
def test_what_is_for_one_host_alone_is_shared_with_no_other(plan: Plan) -> None:
    own = REQUEST._replace(plan=plan)
    assert own.sharing_key != own._replace(name="mx.example.net:25").sharing_key


def test_the_dialogue_is_the_same_however_long_it_may_take() -> None:
    assert REQUEST._replace(timeout=5.0).dialogue_key == REQUEST.dialogue_key


def test_a_budget_has_no_less_than_nothing_left() -> None:
    assert TimeBudget(None, nullcontext).left is None
    assert TimeBudget(time.perf_counter() - 1.0, nullcontext).left == 0.0
    left = TimeBudget(time.perf_counter() + 60.0, nullcontext).left
    assert left is not None
    assert 0.0 < left <= 60.0


async def test_a_budget_that_is_over_times_out_at_once() -> None:
    never = TimeBudget(time.perf_counter() - 1.0, nullcontext)
    with pytest.raises(TimeoutError):
        async with never.timeout():
            await asyncio.Event().wait()
