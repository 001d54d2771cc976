"""The meaning of a reply depends on the state and on the plan."""

from __future__ import annotations

import pytest

from exporter.model.failure import Stage
from exporter.smtp.meaning import meaning
from exporter.smtp.plan import Plan, State, TlsPlan
from exporter.smtp.reply import Reply
from exporter.smtp.transitions import Answer

S, A = State, Answer
PLAN = Plan(b"me.example")
REQUIRED = Plan(b"me.example", tls=TlsPlan("mx.example", required=True))
_EXPECTED = {Stage.BANNER: 554, Stage.MAIL: 250, Stage.DATA: 550}
EXPECTING = Plan(b"me.example", expect=tuple((stage, frozenset({code})) for stage, code in _EXPECTED.items()))


@pytest.mark.parametrize(
    ("plan", "state", "code", "expected"),
    [
        (PLAN, S.BANNER, 220, A.ACCEPTED),
        (PLAN, S.BANNER, 250, None),  # which has no meaning there
        (PLAN, S.BANNER, 554, A.REFUSED),
        (PLAN, S.BANNER, 421, A.CLOSING),
        (PLAN, S.MAIL, 251, A.ACCEPTED),
        (PLAN, S.MAIL, 221, None),
        (PLAN, S.MAIL, 354, None),
        (PLAN, S.DATA, 354, A.ACCEPTED),
        (PLAN, S.DATA, 250, None),
        (PLAN, S.VRFY, 502, A.TOLERATED),
        (PLAN, S.QUIT, 250, A.ACCEPTED),
        (PLAN, S.STARTTLS, 454, A.TOLERATED),
        (REQUIRED, S.STARTTLS, 454, A.REFUSED),
        (EXPECTING, S.BANNER, 554, A.TOLERATED),
        (EXPECTING, S.BANNER, 220, A.UNEXPECTED),
        (EXPECTING, S.MAIL, 250, A.ACCEPTED),
        (EXPECTING, S.MAIL, 251, A.UNEXPECTED),
        (EXPECTING, S.DATA, 354, A.ACCEPTED),  # before the reply that codes are expected of
    ],
)
def test_the_meaning_of_a_code(plan: Plan, state: State, code: int, expected: Answer | None) -> None:
    assert meaning(plan, state, Reply(code, (b"words",))) is expected
