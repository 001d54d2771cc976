"""What went wrong in a conversation -> failure: breaks by a table, refusals by the words of the reply."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies import Finding, classify
from exporter.diagnosis.reply_lists import named_list
from exporter.result import Confidence, Failure, FailureClass, Stage
from exporter.smtp.dialogue import Break, Problem
from exporter.smtp.printable import printable
from exporter.smtp.reply import Reply

_C = FailureClass

# A break means one thing before the greeting and another after it.
_AT_BANNER: Final = MappingProxyType(
    {
        Break.CLOSED: _C.BANNER_CLOSED,
        Break.TIMEOUT: _C.BANNER_TIMEOUT,
        Break.VIOLATION: _C.PROTOCOL_ERROR,
        Break.NOT_SMTP: _C.NOT_SMTP,
        Break.UNEXPECTED: _C.UNEXPECTED_REPLY,
        Break.NOT_OFFERED: _C.STARTTLS_NOT_OFFERED,
        Break.TOO_LARGE: _C.MESSAGE_TOO_LARGE,
        Break.INTERNATIONAL: _C.REJECTED,
        Break.INJECTION: _C.TLS_INJECTION,
        Break.HANDSHAKE: _C.TLS_HANDSHAKE,
        Break.CERTIFICATE: _C.TLS_UNTRUSTED,  # unless the certificate itself is known, which says more
    }
)
_LATER: Final = MappingProxyType({**_AT_BANNER, Break.CLOSED: _C.CLOSED, Break.TIMEOUT: _C.TIMEOUT})
# In a handshake nothing is said that could be late: silence and the end are a handshake that failed.
_IN_HANDSHAKE: Final = MappingProxyType(
    {**_LATER, Break.CLOSED: _C.TLS_HANDSHAKE, Break.TIMEOUT: _C.TLS_HANDSHAKE, Break.VIOLATION: _C.TLS_HANDSHAKE}
)
_AT_AUTH: Final = MappingProxyType({**_LATER, Break.NOT_OFFERED: _C.AUTH_NOT_OFFERED})
_BREAKS: Final = MappingProxyType({Stage.BANNER: _AT_BANNER, Stage.TLS: _IN_HANDSHAKE, Stage.AUTH: _AT_AUTH})

# Refusals of us, which may name the list that we are on.
_ABOUT_US: Final = frozenset({_C.REPUTATION_BLOCKED, _C.POLICY_REJECTED})

# What a refusal of EHLO is called where its words say nothing finer.
_BARE_EHLO: Final = frozenset({_C.EHLO_REJECTED, _C.EHLO_TEMPFAIL})


def judge_problem(problem: Problem, ehlo_refusal: Reply | None = None) -> Failure:
    """The failure of a conversation. `ehlo_refusal` is what EHLO was answered where HELO was refused after it."""
    if problem.broken is not None:
        table = _BREAKS.get(problem.stage, _LATER)
        said = problem.detail
        detail = said if problem.broken is Break.CERTIFICATE else f"the server {said}"
        if problem.reply is not None:
            detail += f": {quote(problem.reply)}"
        return Failure(problem.stage, table[problem.broken], detail)
    reply = problem.reply
    if reply is None:
        raise ValueError(f"a problem without a reason: {problem}")
    found = classify_reply(problem.stage, reply)
    if problem.stage is Stage.EHLO and ehlo_refusal is not None and found.failure_class in _BARE_EHLO:
        # EHLO's own words may name the reason that HELO's do not repeat.
        finer = classify_reply(problem.stage, ehlo_refusal)
        if finer.failure_class not in _BARE_EHLO:
            found, reply = finer, ehlo_refusal
    about = named_list(reply.text) if found.failure_class in _ABOUT_US else ""
    return Failure(
        problem.stage, found.failure_class, f"the server said: {quote(reply)}", found.confidence, about=about
    )


def classify_reply(stage: Stage, reply: Reply) -> Finding:
    """What a refusing reply is."""
    # RFC 4954 6: elsewhere 535 asks for credentials; here the server has seen ours.
    if stage is Stage.AUTH and reply.code >= 500:
        return Finding(_C.AUTH_FAILED, Confidence.CERTAIN)
    found = classify(stage, reply.code, reply.text, reply.enhanced)
    return found if found is not None else Finding(_C.UNEXPECTED_REPLY, Confidence.CERTAIN)


def quote(reply: Reply) -> str:
    """A reply on one line, harmless to show."""
    return printable(f"{reply.code} {reply.text}".rstrip(), limit=512)
