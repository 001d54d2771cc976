"""What the name server answers about each domain of the world: the good ones well, the others by their kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from tests.attack.world import records
from tests.attack.world.hostile_answers import ANSWERS, Reply
from tests.attack.world.kinds import KINDS, Room
from tests.attack.world.plan import HELO, TOP, Plan, good_hosts
from tests.attack.world.records import NXDOMAIN, Question, address, message, mx, name, nothing, record

_TTL: Final = 60  # of what is not itself the attack


@dataclass(frozen=True, slots=True)
class _Found:
    """What a question is about: the labels before the domain, the domain's kind and its number."""

    before: str
    kind: str
    number: int


class Zone:
    """Everything below `.example`. `asked` counts the questions by kind of domain."""

    def __init__(self, plan: Plan) -> None:
        self.asked: Counter[str] = Counter()
        self.strangers: Counter[str] = Counter()  # good names cut short, as a list may be while it is written
        self._plan = plan
        self._good = good_hosts(plan)
        self._mail = {(kind.name, number): where for kind, number, where in plan.hosts()}

    def answer(self, question: Question) -> Reply:
        """What is said to it."""
        if question.name == HELO:
            own = question.kind == records.A
            return Reply(message(question, address(self._plan.bystander)) if own else nothing(question))
        found = self._find(question.name)
        if found is None:
            return Reply(nothing(question, NXDOMAIN))
        self.asked[found.kind] += 1
        if found.kind == "good":
            return Reply(self._good_answer(question, found))
        hostile = ANSWERS.get(found.kind)
        if hostile is not None:
            return hostile(question, found.before, found.number, self._plan)
        return Reply(self._mail_answer(question, found))

    def _find(self, asked: str) -> _Found | None:
        *before, domain, top = ["", "", *asked.split(".")]
        kind, dash, number = domain.rpartition("-")
        known = top == TOP and bool(dash) and number.isdigit() and (kind in KINDS or kind == "good")
        if known and (kind != "good" or int(number) < self._plan.pace.good):
            return _Found(".".join(filter(None, before)), kind, int(number))
        if asked.startswith("good-"):
            self.strangers[asked] += 1
        return None

    def _good_answer(self, question: Question, found: _Found) -> bytes:
        policy = self._plan.has_policy(found.number)
        match found.before, question.kind:
            case "", records.MX:
                return message(question, mx(name(f"mx.{question.name}"), ttl=_TTL))
            case "mx", records.A:
                return message(question, address(self._good[question.name], _TTL))
            case "_mta-sts", records.TXT if policy:
                return message(question, _text(b"v=STSv1; id=1;", _TTL))
            case "mta-sts", records.A if policy:
                return message(question, address(self._plan.honest_policy_host, _TTL))
        return nothing(question, ttl=_TTL)

    def _mail_answer(self, question: Question, found: _Found) -> bytes:
        """Of domains whose mail hosts or policy hosts are the attack."""
        kind = KINDS[found.kind]
        match found.before, question.kind:
            case "", records.MX:
                return message(question, mx(name(f"mx.{question.name}"), ttl=_TTL))
            case "mx", records.A:
                key = (kind.name, found.number % max(1, kind.domains))
                return message(question, address(self._mail.get(key, self._plan.bystander), _TTL))
            case "_mta-sts", records.TXT if kind.room is Room.POLICY:
                # A new policy each time: the one before, and what came of it, count no more.
                return message(question, _text(b"v=STSv1; id=%d;" % question.serial, 0))
            case "mta-sts", records.A if kind.room is Room.POLICY:
                return message(question, address(self._plan.policy_host(kind), _TTL))
        return nothing(question, ttl=_TTL)


def _text(data: bytes, ttl: int) -> bytes:
    return record(records.TXT, bytes([len(data)]) + data, ttl)
