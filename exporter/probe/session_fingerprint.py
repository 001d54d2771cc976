"""The fingerprint of the server in a session: marks that distinguish servers. Pure."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.fingerprints import MASKED, mark_of_failure, mark_of_issuer, marks
from exporter.model.failure import Failure
from exporter.probe.greeting_name import NAME, greeting
from exporter.probe.session_outcome import failure_of_session
from exporter.probe.session_record import SessionRecord
from exporter.smtp.ehlo import Ehlo, parse_ehlo
from exporter.tls.private_issuer import private_issuer

# A PIX overwrites the commands that it does not know, too, and the server behind it refuses them so.
_MASKED_VERB: Final = re.compile(r"\bXXXX\b")


def fingerprint(record: SessionRecord) -> tuple[str, ...]:
    """The marks of the server that answered (exporter.diagnosis.fingerprints)."""
    ehlo = parse_ehlo(record.ehlo) if record.ehlo is not None else None
    return fingerprint_of(record, ehlo, failure_of_session(record))


def fingerprint_of(record: SessionRecord, ehlo: Ehlo | None, failure: Failure | None) -> tuple[str, ...]:
    """The same, with the answer to EHLO as it is read already and the failure of the session."""
    if record.connect is not None:
        return ()
    found = marks_of_words(record, ehlo)
    if record.tls is not None:
        own = record.tls.chain[:1]
        found = (*found, mark_of_issuer(private_issuer(own[0], record.tls.trust) if own else ""))
    if failure is not None and record.spoke and (mark := mark_of_failure(failure, _refusal(record))) is not None:
        found = (*found, mark)
    return found


def marks_of_words(record: SessionRecord, ehlo: Ehlo | None) -> tuple[str, ...]:
    """The marks of the greeting and of the answer to EHLO."""
    lines = greeting(record)
    if not lines:
        return ()
    capable = record.ehlo.lines if record.ehlo is not None else ()
    found = marks(lines[0], capable, ehlo)
    if len(lines) > 1 and MASKED not in found and not NAME.match(lines[0]):
        named = next((line for line in lines if NAME.match(line)), lines[0])
        found = marks(named, capable, ehlo)
    if MASKED not in found and any(_MASKED_VERB.search(reply.text) for _, reply in record.refusals):
        return (MASKED, *found)
    return found


def _refusal(record: SessionRecord) -> str:
    """The refusal as it was said; empty where there was none."""
    problem = record.problem
    if problem is None:
        return ""
    return f"{problem.reply.code} {problem.reply.text}" if problem.reply is not None else problem.detail
