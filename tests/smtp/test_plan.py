"""The plan of a dialogue: its stages, what it needs, and what must not be seen of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.model.failure import Stage
from exporter.smtp.plan import STAGES, Credentials, Plan, State

PLAN = Plan(b"me.example", (State.EHLO, State.MAIL, State.RCPT), recipients=("a@b.example",))


def test_every_state_in_which_a_reply_is_awaited_belongs_to_a_stage() -> None:
    assert set(STAGES) == set(State) - {State.FINISHED}
    assert STAGES[State.HELO] is STAGES[State.EHLO] is Stage.EHLO
    assert STAGES[State.EHLO_TLS] is Stage.EHLO_TLS
    assert {STAGES[state] for state in State if state.startswith("auth")} == {Stage.AUTH}
    assert STAGES[State.MESSAGE] is Stage.DATA


def test_a_state_is_found_by_its_name() -> None:
    assert {State.EHLO: 1}["ehlo"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("plan", "needs"),
    [
        (PLAN, False),
        (replace(PLAN, reverse_path="probe@example.net"), False),
        (replace(PLAN, reverse_path="prüfung@example.net"), True),
        (replace(PLAN, recipients=("a@b.example", "ä@b.example")), True),
        (replace(PLAN, recipients=("a@straße.example",)), True),
    ],
)
def test_one_address_beyond_ascii_makes_it_international(plan: Plan, needs: bool) -> None:
    assert plan.needs_smtputf8 is needs


def test_equal_plans_are_one_and_another_message_makes_another() -> None:
    assert len({PLAN, replace(PLAN), replace(PLAN, canary="a"), replace(PLAN, canary="b")}) == 3
    assert len({PLAN, replace(PLAN, credentials=Credentials("a", "x")), replace(PLAN, size=1)}) == 3


def test_a_password_is_in_no_representation() -> None:
    plan = replace(PLAN, credentials=Credentials("alice", "hunter2"))
    assert "alice" in repr(plan)
    assert "hunter2" not in repr(plan)
