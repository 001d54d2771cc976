"""The problem of a dialogue -> failure: refusals by the words of the reply, other kinds by a table. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies.block_lists import named_list
from exporter.diagnosis.replies.classify import ReplyClass, classify
from exporter.model.failure import Confidence, Failure, FailureClass, Stage
from exporter.model.printable import printable
from exporter.smtp.events import Problem, ProblemKind
from exporter.smtp.reply import Reply

_C = FailureClass

# A break means one thing before the greeting and another after it.
_AT_BANNER: Final = MappingProxyType(
    {
        ProblemKind.CLOSED: _C.BANNER_CLOSED,
        ProblemKind.TIMEOUT: _C.BANNER_TIMEOUT,
        ProblemKind.VIOLATION: _C.PROTOCOL_ERROR,
        ProblemKind.NOT_SMTP: _C.NOT_SMTP,
        ProblemKind.UNEXPECTED: _C.UNEXPECTED_REPLY,
        ProblemKind.NOT_OFFERED: _C.STARTTLS_NOT_OFFERED,
        ProblemKind.TOO_LARGE: _C.MESSAGE_TOO_LARGE,
        ProblemKind.INTERNATIONAL: _C.REJECTED,
        ProblemKind.INJECTION: _C.TLS_INJECTION,
        ProblemKind.HANDSHAKE: _C.TLS_HANDSHAKE,
        ProblemKind.CERTIFICATE: _C.TLS_UNTRUSTED,  # unless the certificate itself is known, which says more
    }
)
_LATER: Final = MappingProxyType({**_AT_BANNER, ProblemKind.CLOSED: _C.CLOSED, ProblemKind.TIMEOUT: _C.TIMEOUT})
# A handshake has no replies that could be late: a timeout and a close are a failed handshake.
_IN_HANDSHAKE: Final = MappingProxyType(
    {
        **_LATER,
        ProblemKind.CLOSED: _C.TLS_HANDSHAKE,
        ProblemKind.TIMEOUT: _C.TLS_HANDSHAKE,
        ProblemKind.VIOLATION: _C.TLS_HANDSHAKE,
    }
)
_AT_AUTH: Final = MappingProxyType({**_LATER, ProblemKind.NOT_OFFERED: _C.AUTH_NOT_OFFERED})
_FAILURE_CLASSES: Final = MappingProxyType({Stage.BANNER: _AT_BANNER, Stage.TLS: _IN_HANDSHAKE, Stage.AUTH: _AT_AUTH})

# How vague a class is about the reason: the finest wins. A policy is named where there is no finer reason, a bare
# refusal says that there is a reason, and the end of a connection not even that.
_POLICY, _BARE, _NO_REASON, _UNKNOWN_COMMAND = range(1, 5)
_VAGUENESS: Final = MappingProxyType(
    {
        _C.POLICY_REJECTED: _POLICY,
        **dict.fromkeys(
            (
                _C.BANNER_TEMPFAIL,
                _C.BANNER_REJECTED,
                _C.EHLO_TEMPFAIL,
                _C.EHLO_REJECTED,
                _C.STARTTLS_REJECTED,
                _C.TEMPFAIL,
                _C.REJECTED,
            ),
            _BARE,
        ),
        **dict.fromkeys(
            (
                _C.BANNER_CLOSED,
                _C.BANNER_TIMEOUT,
                _C.CLOSED,
                _C.TIMEOUT,
                _C.PROTOCOL_ERROR,
                _C.UNEXPECTED_REPLY,
                _C.TLS_HANDSHAKE,
            ),
            _NO_REASON,
        ),
    }
)
# RFC 5321 4.2.2: a server that does not know EHLO or STARTTLS has not refused us.
_COMMAND_UNKNOWN: Final = frozenset({500, 502})
_CLOSING: Final = 421
# Refusals that may still follow when every stage has passed, in words that do not answer QUIT.
_NOT_ABOUT_QUIT: Final = frozenset({_C.REPUTATION_BLOCKED, _C.POLICY_REJECTED, _C.RDNS_REQUIRED, _C.RATE_LIMITED})
# Refusals of the client, not of TLS, though they answer STARTTLS.
_TURNED_AWAY: Final = frozenset({_C.REPUTATION_BLOCKED, _C.RDNS_REQUIRED, _C.RATE_LIMITED})
# Refusals of the client, which may name the block list with its address.
_ABOUT_US: Final = frozenset({_C.REPUTATION_BLOCKED, _C.POLICY_REJECTED})


def judge_problem(problem: Problem, refusals: Sequence[tuple[Stage, Reply]] = ()) -> Failure:
    """The failure of a dialogue.

    `refusals` are those beside that of the problem: the first of them is the reason where the end of the dialogue is
    vaguer, such as a close or a "bad sequence of commands" after it.
    """
    own = _own_failure(problem)
    found, vagueness = own, _vagueness(own.failure_class)
    if problem.kind is ProblemKind.VIOLATION:
        vagueness = _BARE  # a fault of the server, and no consequence of a refusal, unless it answers HELO
    elif problem.reply is not None and problem.reply.code == _CLOSING and vagueness == _BARE:
        vagueness = _NO_REASON
    for stage, reply in reversed(refusals):
        earlier = _refused(stage, reply)
        its_vagueness = _vagueness(earlier.failure_class)
        if its_vagueness == _BARE and reply.code in _COMMAND_UNKNOWN:
            its_vagueness = _UNKNOWN_COMMAND
        if its_vagueness < vagueness or (its_vagueness == vagueness and stage is found.stage):
            found, vagueness = earlier, its_vagueness
    if own.detail == found.detail:
        return found
    return replace(found, evidence=(*found.evidence, f"then {own.detail}"))


def _vagueness(failure_class: FailureClass) -> int:
    return _VAGUENESS.get(failure_class, 0)


def _own_failure(problem: Problem) -> Failure:
    if problem.kind is not ProblemKind.REFUSED:
        table = _FAILURE_CLASSES.get(problem.stage, _LATER)
        detail = problem.detail if problem.kind is ProblemKind.CERTIFICATE else f"the server {problem.detail}"
        if problem.reply is not None:
            detail += f": {quote(problem.reply)}"
        return Failure(problem.stage, table[problem.kind], detail)
    if problem.reply is None:
        raise ValueError(f"a problem without a reason: {problem}")
    said = [_refused(problem.stage, reply) for reply in (problem.reply, *problem.further)]
    return min(said, key=lambda failure: _vagueness(failure.failure_class))


def _refused(stage: Stage, reply: Reply) -> Failure:
    found = classify_reply(stage, reply)
    evidence = ("the end of its reply never came",) if reply.cut else ()
    about = named_list(reply.text) if found.failure_class in _ABOUT_US else ""
    said = f"the server said: {quote(reply)}"
    return Failure(stage, found.failure_class, said, found.confidence, evidence, about)


def judge_farewell(stage: Stage, reply: Reply) -> Failure | None:
    """The failure by the reply to QUIT of a dialogue without a problem, if its words do not answer QUIT.

    The server sent them unasked behind the reply of `stage`, and they crossed our QUIT.
    """
    if reply.code < 400:
        return None
    failure = _refused(stage, reply)
    return failure if failure.failure_class in _NOT_ABOUT_QUIT else None


def classify_reply(stage: Stage, reply: Reply) -> ReplyClass:
    """The class of a refusing reply."""
    # RFC 4954 6: elsewhere 535 asks for credentials; here the server has seen ours.
    if stage is Stage.AUTH and reply.code >= 500:
        return ReplyClass(_C.AUTH_FAILED, Confidence.CERTAIN)
    if stage is Stage.STARTTLS and reply.code >= 400:
        # STARTTLS has its own rules; a server that refuses the client does so in the words of any other stage.
        turned_away = classify(Stage.EHLO, reply.code, reply.text, reply.enhanced)
        if turned_away is not None and turned_away.failure_class in _TURNED_AWAY:
            return turned_away
    found = classify(stage, reply.code, reply.text, reply.enhanced)
    return found if found is not None else ReplyClass(_C.UNEXPECTED_REPLY, Confidence.CERTAIN)


def quote(reply: Reply) -> str:
    """A reply on one line, escaped and cut."""
    return printable(f"{reply.code} {reply.text}".rstrip(), limit=512)
