"""The meaning of a reply in the state in which it was given."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.smtp.plan import STAGES, Plan, State
from exporter.smtp.reply import Reply
from exporter.smtp.transitions import Answer

CLOSING_CODE: Final = 421  # RFC 5321 3.8: and the connection is closed
# The one positive code that has a meaning, where not every 2xx has: RFC 5321 4.3.2, RFC 3207 4, RFC 4954 4.
_CODES: Final = MappingProxyType(
    {
        State.BANNER: 220,
        State.STARTTLS: 220,
        State.AUTH_LOGIN: 334,
        State.AUTH_USERNAME: 334,
        State.DATA: 354,
    }
)
# Replies before the one that codes are expected of.
_INTERMEDIATE: Final = frozenset({State.AUTH_LOGIN, State.AUTH_USERNAME, State.DATA})
QUESTIONS: Final = frozenset({State.VRFY, State.EXPN})
# For code that runs at every reply: to look up a member in its Enum takes Python 3.11 20 times as long as a name here.
_STARTTLS, _QUIT = State.STARTTLS, State.QUIT
_ACCEPTED, _TOLERATED, _REFUSED, _UNEXPECTED = Answer.ACCEPTED, Answer.TOLERATED, Answer.REFUSED, Answer.UNEXPECTED


def meaning(plan: Plan, state: State, reply: Reply) -> Answer | None:
    """The meaning of `reply` in `state`; None where no client could make sense of it."""
    code = reply.code
    expected = dict(plan.expect).get(STAGES[state]) if plan.expect else None
    if state in _INTERMEDIATE and code < 400:
        expected = None
    if expected is not None and code in expected:
        return _ACCEPTED if code < 400 else _TOLERATED
    if code == CLOSING_CODE:
        return Answer.CLOSING
    if code >= 400:
        return _TOLERATED if tolerates_refusal(plan, state) else _REFUSED
    if expected is not None:
        return _UNEXPECTED
    if state is _QUIT:
        return _ACCEPTED
    wanted = _CODES.get(state)
    # 221 answers QUIT and nothing else.
    return _ACCEPTED if code == wanted or (wanted is None and reply.positive and code != 221) else None


def tolerates_refusal(plan: Plan, state: State) -> bool:
    """A refusal fails nothing: a server need not answer questions, nor offer optional extensions."""
    if state is _STARTTLS:
        return plan.tls is None or not plan.tls.required
    return state in QUESTIONS
