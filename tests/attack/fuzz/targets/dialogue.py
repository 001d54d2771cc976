"""The SMTP server's side: replies, whole conversations, EHLO answers, other protocols."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final

from exporter.diagnosis.fingerprints import mark_of_failure, marks
from exporter.diagnosis.problems import judge_farewell, judge_problem
from exporter.model.failure import Failure, Stage
from exporter.smtp.commands import encoded
from exporter.smtp.dialogue import Dialogue
from exporter.smtp.ehlo import EXTENSIONS, MECHANISMS, parse_ehlo
from exporter.smtp.events import Answered, Event, Finished, Listen, ProblemKind, Send, StartTls
from exporter.smtp.other_protocols import by_ehlo_answer, by_greeting, guess, recognise
from exporter.smtp.plan import Credentials, Plan, State, TlsPlan
from exporter.smtp.reply import MAX_REPLY_BYTES, Reply
from tests.attack.fuzz.frame import Target, agree
from tests.attack.fuzz.targets.promises import harmless, options, pieces
from tests.smtp.feeding import replies

_S: Final = State
_ME: Final = b"me.example"
PASSWORD: Final = "correct horse"
_CREDENTIALS: Final = Credentials("probe", PASSWORD)
_TLS: Final = TlsPlan("mx.example")
_REQUIRED: Final = TlsPlan("mx.example", required=True, verify=True)
_ENVELOPE: Final = (_S.MAIL, _S.RCPT, _S.RCPT)
_RECIPIENTS: Final = ("a@b.example", "c@d.example")
# One of each kind that a module can ask for.
PLANS: Final = (
    Plan(_ME),
    Plan(_ME, (_S.HELO,)),
    Plan(_ME, (_S.EHLO, _S.STARTTLS), tls=_TLS),
    Plan(_ME, (_S.EHLO, _S.STARTTLS, *_ENVELOPE), tls=_REQUIRED, recipients=_RECIPIENTS, size=5000),
    Plan(_ME, (_S.EHLO, _S.STARTTLS, _S.AUTH, *_ENVELOPE), tls=_TLS, credentials=_CREDENTIALS, recipients=_RECIPIENTS),
    Plan(_ME, (_S.EHLO, _S.AUTH), tls=TlsPlan("mx.example", implicit=True), credentials=_CREDENTIALS),
    Plan(_ME, (_S.EHLO, *_ENVELOPE, _S.DATA), recipients=_RECIPIENTS, reverse_path="p@q.example"),
    Plan(_ME, (_S.EHLO, _S.VRFY, _S.EXPN, _S.MAIL, _S.RSET), vrfy="root", expn="staff"),
    Plan(_ME, (_S.EHLO, *_ENVELOPE), recipients=("ü@b.example", "c@d.example"), expn="jörg"),
    Plan(_ME, (_S.EHLO, *_ENVELOPE), recipients=_RECIPIENTS, expect=((Stage.RCPT, frozenset({550, 251})),)),
    Plan(_ME, expect=((Stage.BANNER, frozenset({554})), (Stage.EHLO, frozenset({250, 502})))),
)  # fmt: skip
_MESSAGE: Final = b"Subject: x\r\n\r\n.\r\nbody\r\n"
_COMMAND: Final = re.compile(rb"[^\x00\r\n]+\r\n")
_ENHANCED: Final = re.compile(r"[245](?:\.(?:0|[1-9][0-9]{0,2})){2}")
# What the client would never have said.
_SECRETS: Final = (PASSWORD.encode(), encoded(PASSWORD).strip())


@dataclass
class _Outcome:
    """All that a conversation shows."""

    events: list[Event] = field(default_factory=list)
    turns: list[bytes] = field(default_factory=list)
    dialogue: Dialogue | None = None

    def facts(self) -> tuple[object, ...]:
        """What may not depend on the pieces it came in."""
        talk = self.dialogue
        said = [event for event in self.events if not isinstance(event, Listen)]
        if talk is None:
            return (said,)
        known = (talk.result.ehlo, talk.result.ehlo_tls, talk.result.helo_only, talk.result.quit_clean, talk.secure)
        problem = talk.result.problem
        if problem is not None and problem.kind is ProblemKind.VIOLATION:
            problem = replace(problem, detail="")  # of two faults in one line the first to be seen is told
        return (said, problem, talk.result.refusals, *known)


class _Conversation:
    """One conversation, its handshakes settled as `handshake` has it."""

    def __init__(self, plan: Plan, handshake: int) -> None:
        self.dialogue = Dialogue(plan, _MESSAGE)
        self.outcome = _Outcome(dialogue=self.dialogue)
        self._handshake = handshake % 4
        self._turn = b""
        self._in_clear = False
        self._drain()

    @property
    def finished(self) -> bool:
        return self.dialogue.state is State.FINISHED

    def take(self, turns: Iterable[bytes]) -> None:
        for piece in turns:
            if self.finished:
                return
            self._turn += piece
            if self._in_clear:
                self._in_clear = False
                self.dialogue.answered_in_clear(piece)
            else:
                self.dialogue.receive_data(piece)
            if self._drain():
                self.outcome.turns.append(self._turn)
                self._turn = b""

    def end(self, eof: int) -> None:
        """By the server's close, or by our patience."""
        self.outcome.turns.append(self._turn)
        if eof % 2:
            self.dialogue.receive_eof()
            self._drain()
        for _ in range(3):
            if self.finished:
                return
            if self._in_clear:
                self.dialogue.handshake_failed("closed the connection in the handshake")
            else:
                self.dialogue.expire()
            self._drain()
        agree(self.finished, "a conversation without end")

    def _drain(self) -> bool:
        """Take the events; whether it is the server's turn anew."""
        spoken = False
        while (event := self.dialogue.next_event()) is not None:
            self.outcome.events.append(event)
            spoken |= isinstance(event, Send | StartTls | Finished)
            if isinstance(event, StartTls):
                self._shake()
        return spoken

    def _shake(self) -> None:
        match self._handshake:
            case 0:
                self.dialogue.secured()
            case 1:
                self.dialogue.distrust("the certificate is self-signed")
            case 2:
                self.dialogue.handshake_failed("closed the connection in the handshake")
            case _:
                self._in_clear = True


def converse(data: bytes) -> None:
    """A conversation in pieces, and again with each turn whole: one outcome, and no word out of turn."""
    (kind, handshake, eof, choice), said = options(data, 4)
    plan = PLANS[kind % len(PLANS)]
    cut = _Conversation(plan, handshake)
    # What stands in for a handshake is told by its first piece, so there it comes whole.
    cut.take([said] if handshake % 4 == 3 else pieces(said, choice))
    cut.end(eof)
    whole = _Conversation(plan, handshake)
    whole.take(cut.outcome.turns)
    whole.end(eof)
    first, second = cut.outcome.facts(), whole.outcome.facts()
    agree(first == second, f"in pieces {first}\nwhole {second}")
    _well_behaved(cut, plan)


def _well_behaved(conversation: _Conversation, plan: Plan) -> None:
    events, dialogue = conversation.outcome.events, conversation.dialogue
    for before, after in pairwise(events):
        agree(not (isinstance(before, Send) and isinstance(after, Send)), f"two commands in a row: {before}, {after}")
    for event in events:
        if isinstance(event, Send):
            agree(_COMMAND.fullmatch(event.data) or b"\r\nbody\r\n.\r\n" in event.data, f"no command: {event.data!r}")
            agree(b"AUTH" not in event.data or dialogue.secure, "AUTH without TLS")
        elif isinstance(event, Answered) and plan.credentials is not None:
            agree(not any(secret in line for line in event.reply.lines for secret in _SECRETS), "the password")
    agree(sum(isinstance(event, Finished) for event in events) == 1, "not finished once")
    if dialogue.result.problem is not None:
        failure = judge_problem(dialogue.result.problem, dialogue.result.refusals)
        _harmless_failure(failure, plan)
        reply = dialogue.result.problem.reply
        harmless(mark_of_failure(failure, "" if reply is None else reply.text) or "", "a mark", limit=1024)
    for event in events:
        if isinstance(event, Answered):
            judge_farewell(event.stage, event.reply)
    greeting = next((event.reply for event in events if isinstance(event, Answered)), None)
    if greeting is not None and dialogue.result.ehlo is not None:
        for mark in marks(greeting.lines[0], dialogue.result.ehlo.lines, parse_ehlo(dialogue.result.ehlo)):
            harmless(mark, "a mark", limit=1024)


def _harmless_failure(failure: Failure, plan: Plan) -> None:
    for text in (failure.detail, failure.about, *failure.evidence):
        harmless(text, "a failure", limit=2048)
        agree(plan.credentials is None or PASSWORD not in text, f"the password: {text}")


def read_replies(data: bytes) -> None:
    """The same replies from the whole and from pieces, each within its bounds."""
    (choice,), said = options(data, 1)

    def cut(whole: bytes) -> Iterator[bytes]:
        return pieces(whole, choice)

    whole, parts = replies(said), replies(said, cut)
    # Of two faults in one line the first to be seen is told.
    facts = [["wrong" if isinstance(each, str) else each for each in found] for found in (whole, parts)]
    agree(facts[0] == facts[1], f"whole {whole}\nin pieces {parts}")
    for reply in whole:
        if isinstance(reply, str):
            harmless(reply, "a violation", limit=512)
            continue
        agree(200 <= reply.code < 600 and reply.lines, f"no reply: {reply}")
        agree(sum(map(len, reply.lines)) <= MAX_REPLY_BYTES, "a reply without bound")
        agree(not any(b"\n" in line or b"\0" in line for line in reply.lines), f"two lines in one: {reply}")
        agree(reply.enhanced is None or _ENHANCED.fullmatch(reply.enhanced), f"no status: {reply.enhanced}")


def read_ehlo(data: bytes) -> None:
    """Whatever is offered, closed lists come out."""
    found = parse_ehlo(Reply(250, tuple(data.split(b"\n"))))
    agree(set(found.extensions) <= set(EXTENSIONS) and set(found.mechanisms) <= set(MECHANISMS), f"{found}")
    agree(len(set(found.extensions)) == len(found.extensions), f"twice: {found}")
    agree(found.size_limit is None or 0 <= found.size_limit < 10**20, f"{found.size_limit}")
    agree((found.size_limit is None) is ("SIZE" not in found.extensions), f"{found}")


def recognise_protocol(data: bytes) -> None:
    """A name of our own for what does not speak SMTP, and none for what does."""
    found = [recognise(data), guess(data)]
    agree(found[0] is None or found[0] == found[1], f"recognised {found[0]}, guessed {found[1]}")
    reply = Reply(220 + data[0] % 2 * 301 if data else 220, tuple(data.split(b"\n")))
    name, suspect = by_greeting(reply)
    found += [name, suspect, by_ehlo_answer(suspect, reply, helo=False), by_ehlo_answer("FTP", reply, helo=True)]
    for one in found:
        harmless(one or "", "a protocol", limit=40)


_WORDS: Final = (
    b"220 ", b"220-", b"250-", b"250 ", b"550 5.1.1 ", b"421 4.3.2 ", b"554-", b"354 ", b"334 VXNlcm5hbWU6",
    b"235 2.7.0 ", b"221 ", b"503 ", b"502 ", b"\r\n", b"\n", b"\r", b"\0", b"STARTTLS", b"AUTH PLAIN LOGIN",
    b"SIZE ", b"SMTPUTF8", b"8BITMIME", b" ESMTP", b"FTP", b"SSH-2.0-", b"* OK ", b"+OK ", b"HTTP/1.1 400 ",
    b"login: ", PASSWORD.encode(), encoded(PASSWORD).strip(), b"zen.spamhaus.org", b"\x16\x03\x01",
)  # fmt: skip
TARGETS: Final = (
    Target("smtp-dialogue", converse, tokens=_WORDS, max_bytes=16384),
    Target("smtp-reply", read_replies, tokens=_WORDS),
    Target("ehlo", read_ehlo, tokens=(*(name.encode() for name in EXTENSIONS), b"=", b"\n", b" ", b"AUTH=LOGIN PLAIN")),
    Target("foreign", recognise_protocol, tokens=_WORDS),
)
