"""The table of the dialogue is whole."""

from __future__ import annotations

from exporter.smtp.plan import State
from exporter.smtp.transitions import END, NEXT, TRANSITIONS, Answer


def test_there_is_a_row_for_every_state_and_answer() -> None:
    assert set(TRANSITIONS) == {(state, answer) for state in State if state is not State.FINISHED for answer in Answer}


def test_every_row_leads_to_a_state_or_on() -> None:
    assert all(following in (NEXT, END, *State) for following in TRANSITIONS.values())


def test_a_server_that_closes_ends_every_state() -> None:
    assert {TRANSITIONS[state, Answer.CLOSING] for state, _ in TRANSITIONS} == {State.FINISHED}
