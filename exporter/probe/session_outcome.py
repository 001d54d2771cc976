"""The outcome of a session by itself: that of its connect, and the failure that it shows. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.diagnosis.connect_errors import judge_connect, outcome_of
from exporter.diagnosis.problems import judge_farewell, judge_problem
from exporter.model.evidence import ConnectOutcome
from exporter.model.failure import Failure, Stage
from exporter.probe.session_record import SessionRecord
from exporter.smtp.events import ProblemKind

# Looked up in its Enum, a member takes Python 3.11 twenty times as long as a name here.
_BANNER, _QUIT, _ANSWERED = Stage.BANNER, Stage.QUIT, ConnectOutcome.ANSWERED
# An address may accept and still give no word.
_WORDLESS: Final = MappingProxyType(
    {ProblemKind.TIMEOUT: ConnectOutcome.NO_GREETING, ProblemKind.CLOSED: ConnectOutcome.HUNG_UP}
)


def connect_outcome(record: SessionRecord) -> ConnectOutcome:
    """The outcome of a connect that failed or was answered."""
    return outcome_of(record.connect) if record.connect is not None else answered_outcome(record)


def answered_outcome(record: SessionRecord) -> ConnectOutcome:
    """The outcome of a session whose connect was answered: bytes came after it, or none."""
    problem = record.problem
    if record.spoke or problem is None or problem.stage is not _BANNER or problem.kind is ProblemKind.REFUSED:
        return _ANSWERED
    return _WORDLESS.get(problem.kind, _ANSWERED)


def failure_of_session(record: SessionRecord) -> Failure | None:
    """The failure that the session shows; None: every stage passed."""
    if record.connect is not None:
        return judge_connect(record.connect)
    if record.problem is not None:
        if record.problem.kind is ProblemKind.CERTIFICATE and record.tls is not None:
            return record.tls.trust.faults[0]
        return judge_problem(record.problem, record.refusals)
    if record.replies and record.replies[-1][0] is _QUIT and record.replies[-1][1].code >= 400:
        return judge_farewell(record.replies[-2][0], record.replies[-1][1])
    return None
