"""The words that a host is expected to say because it said them last time, and what they showed.

They are learnt from the record of an ordinary session that was read in full, and showed what the one before had shown.
Only what depends on the words alone is learnt: no session that failed or had a refusal, that has a recipient, delivers
a message or trusts the host with a secret, and nothing that a time decides. Of a session with STARTTLS the words up to
the handshake are.

Two sessions that differ in words and show the same may show what varies (exporter.probe.varying_words). A session
in some tens is read in full although its words are expected, and what it shows is compared.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Final, NamedTuple

from exporter.concurrency.bounded_dict import BoundedDict
from exporter.model.evidence import Evidence
from exporter.model.failure import Stage
from exporter.model.result import HostFacts, HostOutcome, HostTimings
from exporter.model.warning import HostWarning
from exporter.probe.session_record import SessionRecord
from exporter.probe.varying_words import VaryingReply, varying
from exporter.smtp.plan import Plan, State

# Words of one session that are kept; those of an ordinary one are 500 bytes.
_MAX_BYTES: Final = 1536
# Sessions of which one is read in full to compare.
_CHECKED_SHARE: Final = 1 / 128
# Surprises in a row that may show all that varies; after others fewer and fewer sessions are expected to go as the last
# one did, and so many sessions at most lie between two such attempts.
_FREE_SURPRISES: Final = 3
_MAX_REST: Final = 64
# Words, facts and outcomes that hosts have in common are one object.
_MAX_COMMON: Final = 4096
_STARTTLS_LINE: Final = b"STARTTLS\r\n"
_EHLO, _HELO = b"EHLO ", b"HELO "
_CONNECT, _STARTTLS = Stage.CONNECT, Stage.STARTTLS
# The fields of an expectation that the words depend on.
_OF_WORDS: Final = 4
# Of a time, or of its CPU, and not of the words.
_OF_TIMES: Final = frozenset({HostWarning.BANNER_SLOW, HostWarning.COSTLY})


class Findings(NamedTuple):
    """All that a session showed of a host but for its numbers, before it is judged by what is known of others."""

    outcome: HostOutcome
    facts: HostFacts
    evidence: Evidence | None
    strangers: tuple[str, ...] = ()  # names in the greeting that are looked up at each session
    if_elsewhere: HostOutcome | None = None  # where they are those of another host


class Expectation(NamedTuple):
    """The words of a session."""

    plan: Plan
    mx: str  # the name of the host that they were said to
    is_alias: bool  # the name is a CNAME
    literal: bytes  # our address, where the plan has no name for EHLO
    words: tuple[bytes, ...]  # the replies, with what was sent in between
    stages: tuple[Stage, ...] = ()
    findings: Findings | None = None  # None: the words end before the handshake
    varying: tuple[
        VaryingReply | None, ...
    ] = ()  # of each reply, if any varies; then the words are those of one session

    @property
    def forms(self) -> tuple[VaryingReply | None, ...]:
        """Of each reply, the parts that vary; None where none does."""
        return self.varying or (None,) * len(self.words[::2])

    def holds(self, words: tuple[bytes, ...]) -> bool:
        """A session with these words is one of those that are expected."""
        return words == self.words or (
            len(words) == len(self.words)
            and words[1::2] == self.words[1::2]
            and all(map(_holds, self.words[::2], self.forms, words[::2]))
        )


class FamiliarWords:
    """The expectation of one conversation, and how often it held lately."""

    __slots__ = ("_expectation", "_is_stale", "_rest", "_surprises", "record")

    def __init__(self) -> None:
        self._expectation: Expectation | None = None
        self.record: SessionRecord | None = None  # with these words, where the conversation keeps one for other hosts
        self._is_stale = True  # the next session that is read in full is to be learnt
        self._rest = 0  # sessions of which nothing is expected
        self._surprises = 0  # since the last session that went as expected

    def expected(self, plan: Plan, mx: str, *, is_alias: bool) -> Expectation | None:
        """The words of a session with this plan and this name of the host; None: it is to be read in full."""
        expected = self._expectation
        if self._rest:
            self._rest -= 1
            return None
        if expected is None:
            return None
        is_same = expected.mx == mx and expected.is_alias is is_alias
        if is_same and (expected.plan is plan or expected.plan == plan) and random.random() >= _CHECKED_SHARE:  # noqa: S311
            return expected
        self._is_stale = True
        return None

    def doubt(self) -> None:
        """The next session is to be read in full, and learnt."""
        self._is_stale, self.record = True, None

    def forget(self) -> None:
        """The host showed something else than before: nothing is expected until it shows the same twice."""
        self._expectation, self._is_stale, self.record = None, True, None

    def held(self) -> None:
        """A session went as expected."""
        self._surprises, self._is_stale = 0, False

    def surprised(self) -> None:
        """A session did not go as expected."""
        self._is_stale = True
        self._surprises += 1

    @property
    def wants_lesson(self) -> bool:
        """A session that has been read in full is to be learnt."""
        return self._is_stale and not self._rest

    def learn(self, new: Expectation | None) -> None:
        """Take in what a session that was read in full lets expect; None: nothing, as of one that failed."""
        if new is None:
            return
        old = self._expectation
        self._expectation = found = new if old is None else _followed(old, new)
        self._is_stale = found is None
        # Words of which it is known what varies are a better guess than others.
        guesses = self._surprises
        if old is None or found is not new:
            guesses -= _FREE_SURPRISES
        if found is None:
            self._rest = _MAX_REST
        elif guesses > 0:
            self._rest = min(_MAX_REST, 1 << guesses)


def expectation_of(
    record: SessionRecord, mx: str, findings: Findings | None, timings: HostTimings, *, is_alias: bool
) -> Expectation | None:
    """The words of a session that was read in full, as far as they may be expected again.

    `findings` and `timings` of the only host that it was about; None: there are others.
    """
    plan = record.plan
    if plan is None or not _is_sound(record) or not _depends_on_words(plan):
        return None
    words = _words(record)
    literal = b""
    if not plan.helo:
        if len(words) < 2 or words[1][:5] not in (_EHLO, _HELO):
            return None
        literal = words[1][5:].rstrip()
    if record.tls is not None:
        asked = [stage for stage, _ in record.replies].index(_STARTTLS) if words else 0
        return Expectation(plan, mx, is_alias, literal, words) if words and len(words) == 2 * asked + 1 else None
    if findings is None or not words or len(words) != 2 * len(record.replies) - 1:
        return None
    outcome = findings.outcome
    if outcome.failure is not None or not _OF_TIMES.isdisjoint(outcome.warnings) or findings.facts.dane is not None:
        return None
    stages = timings.stages
    if timings.waits or len(stages) != len(record.replies) + 1 or stages[0] is not _CONNECT:
        return None
    findings = findings._replace(outcome=_common_outcome(outcome), facts=_common_facts(findings.facts))
    return Expectation(plan, mx, is_alias, literal, words, stages, findings)


def _followed(old: Expectation, new: Expectation) -> Expectation | None:
    """The expectation after both; None where words that were expected showed something else."""
    if old[:_OF_WORDS] != new[:_OF_WORDS] or len(old.words) != len(new.words) or old.words[1::2] != new.words[1::2]:
        return new
    if old.stages != new.stages or old.findings != new.findings:
        return None if old.holds(new.words) else new
    if old.holds(new.words):
        return old
    found: list[VaryingReply | None] = []
    for place, (before, now, form) in enumerate(zip(old.words[::2], new.words[::2], old.forms, strict=True)):
        if not _holds(before, form, now):
            form = varying(old.words[2 * place - 1] if place else b"", (before, now))
            if form is None:
                return new
        found.append(form)
    return old._replace(varying=tuple(found))


def _holds(word: bytes, form: VaryingReply | None, now: bytes) -> bool:
    return now == word or (form is not None and form.fits(now))


@lru_cache(maxsize=64)
def turns_of(lines: int) -> tuple[bool, ...]:
    """The lines of a dialogue that we say: every second one."""
    return tuple([bool(number % 2) for number in range(lines)])


def _is_sound(record: SessionRecord) -> bool:
    """Nothing went wrong, and every reply was whole."""
    return (
        record.connect is None
        and record.problem is None
        and record.failed_tls is None
        and record.unfinished is None
        and not record.refusals
        and (record.tls is not None or (record.quit_clean and not record.cost))
    )


def _depends_on_words(plan: Plan) -> bool:
    """The commands are the same in each session: no message, no secret, no port of ours."""
    return (
        plan.credentials is None
        and plan.canary is None
        and not plan.recipients
        and not plan.proxy_protocol
        and not (plan.tls is not None and plan.tls.implicit)
        and State.DATA not in plan.steps
    )


def _words(record: SessionRecord) -> tuple[bytes, ...]:
    """The replies and what was sent in between, up to a handshake; empty where they do not take turns."""
    words: list[bytes] = []
    size = 0
    for _, sent, data in record.transcript:
        if sent is bool(len(words) % 2):
            if sent and record.tls is not None and words[-2:-1] == [_STARTTLS_LINE]:
                break
            words.append(data)
        elif sent:
            return ()
        else:
            words[-1] += data
        size += len(data)
    if size > _MAX_BYTES or not len(words) % 2:
        return ()
    return tuple([_common_word(word) for word in words])


_WORDS: Final[BoundedDict[bytes, bytes]] = BoundedDict(_MAX_COMMON)


def _common_word(word: bytes) -> bytes:
    """One object for equal words, of which the answers to QUIT are nearly all."""
    known = _WORDS.get(word)
    if known is None:
        known = _WORDS[word] = word
    return known


@lru_cache(maxsize=_MAX_COMMON)
def _common_facts(facts: HostFacts) -> HostFacts:
    """One object for equal facts."""
    return facts


@lru_cache(maxsize=_MAX_COMMON)
def _common_outcome(outcome: HostOutcome) -> HostOutcome:
    """One object for equal outcomes."""
    return outcome
