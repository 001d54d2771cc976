"""What a sentence's concepts amount to: the first row that holds decides.

STRONG rows need two statements that fit each other; they come after the rules that know a kind's own words and before
vague phrases. WEAK rows go by one statement and the stage, and come last.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.reply_sense.statements import BITS
from exporter.diagnosis.reply_table import CONVERSATION, EHLO, PERMANENT, REFUSED, TEMPORARY, TRANSACTION
from exporter.result import Confidence, FailureClass, Stage

C = FailureClass
_BANNER: Final = frozenset({Stage.BANNER})
_GREETING: Final = EHLO | _BANNER
_MAIL: Final = frozenset({Stage.MAIL})
_RCPT: Final = frozenset({Stage.RCPT})
_DATA: Final = frozenset({Stage.DATA})
_TO_THEM: Final = _RCPT | _DATA
# Refusals that are no complaint about the command's form (RFC 5321 4.2.1: x0z).
_FORMAL: Final = frozenset({500, 501, 502, 503, 504, 555})
_REFUSAL: Final = frozenset(PERMANENT) - _FORMAL | {501}
# Who we are.
_US: Final = "YOU|HOST|IP|COUNTRY|PROVIDER|RESIDENTIAL"


@dataclass(frozen=True, slots=True)
class Row:
    """`needs`: of each of these sets one concept; `without`: none of these. `failure_class` None: the stage's own."""

    failure_class: FailureClass | None
    needs: tuple[int, ...]
    without: int
    stages: frozenset[Stage]
    codes: Container[int]
    confidence: Confidence

    def holds(self, concepts: int) -> bool:
        """The sentence says so."""
        return not concepts & self.without and all(concepts & needed for needed in self.needs)


def _bits(names: str) -> int:
    return sum(BITS[name] for name in set(names.split("|")))


def _row(
    failure_class: FailureClass | None,
    needs: str,
    stages: frozenset[Stage] = CONVERSATION,
    codes: Container[int] = REFUSED,
    *,
    without: str = "",
    confidence: Confidence = Confidence.LIKELY,
) -> Row:
    needed = tuple(_bits(names) for names in needs.split(" & ")) if needs else ()
    return Row(failure_class, needed, _bits(without) if without else 0, stages, codes, confidence)


_FOR_ANYBODY: Final = f"{_US}|FROM|SPAM|LISTED|NAME|POLICY|TEMP|AUTH|TLS|RDNS"

STRONG: Final = (
    # The host takes no mail, from anybody. "Not accepting" is what some say to everybody and some to us alone.
    _row(
        C.BANNER_REJECTED,
        "NOTALLOW & ACCEPTING",
        _BANNER,
        _REFUSAL,
        without="YOU|IP|COUNTRY|PROVIDER|FROM|SPAM|LISTED",
        confidence=Confidence.UNCERTAIN,
    ),
    _row(None, "NOTALLOW & ACCEPTING", codes=TEMPORARY, without="YOU|IP|COUNTRY|PROVIDER|FROM|RCPT|DOMAIN"),
    _row(
        C.BANNER_REJECTED,
        "MAIL & NOTALLOW & YOU",
        _BANNER,
        {521},
        without="HOST|IP|FROM",
        confidence=Confidence.UNCERTAIN,
    ),
    _row(C.BANNER_REJECTED, "SENDONLY", _BANNER, PERMANENT, without=_FOR_ANYBODY),
    _row(C.BANNER_REJECTED, "MAIL & NOTALLOW", _BANNER, PERMANENT, without=_FOR_ANYBODY),
    _row(C.BANNER_REJECTED, "SMTP|RCPT & NOT", _BANNER, PERMANENT, without=f"{_FOR_ANYBODY}|OUTAGE|AVAILABLE"),
    _row(C.BANNER_REJECTED, "MAIL & INBOUND & DISABLED|REFUSED|NOT|OUTAGE", _BANNER, PERMANENT, without=_FOR_ANYBODY),
    # RFC 7504: the host or the domain takes no mail; unless they speak of us.
    _row(C.REJECTED, "", TRANSACTION | EHLO, {521, 556}, without=f"{_US}|SPAM|LISTED", confidence=Confidence.CERTAIN),
    # What is wrong with our own server.
    _row(C.RELAY_DENIED, "OPENRELAY & NOT", TRANSACTION),
    _row(C.REPUTATION_BLOCKED, "OPENRELAY", without="NOT"),
    _row(C.REPUTATION_BLOCKED, "RELAY & YOU & LAX", without="NOT|REFUSED"),
    _row(C.REJECTED, "LOOP", TRANSACTION, _REFUSAL, without="SPAM"),
    _row(None, "LOOP", TRANSACTION, TEMPORARY, without="SPAM"),
    # They are in trouble.
    _row(None, "BACKEND & OUTAGE|DISABLED|GONE", codes=TEMPORARY, without="TOOMANY|LIMIT|NEW|TLS"),
    # What we did not bring along.
    _row(C.TLS_REQUIRED, "TLS & DEMAND|ONLY|REFUSED|NOT|WITHOUT|UNKNOWN|ALLOW", without="TOOMANY|PACE|SUPPORT"),
    _row(C.TLS_REQUIRED, "TLS", TRANSACTION, without="TOOMANY|PACE|BACKEND|SUPPORT"),
    _row(C.TLS_REQUIRED, "TLS", EHLO, {403, 454}),
    _row(C.SENDER_REJECTED, "NULLSENDER & REFUSED|NOT|UNKNOWN|WITHOUT|DEMAND", TRANSACTION),
    _row(C.SENDER_AUTH_FAILED, "SPF & NOT|OUTAGE|UNKNOWN|REFUSED|WITHOUT|DEMAND", TRANSACTION, without="SPAM"),
    _row(C.SENDER_AUTH_FAILED, "LIE & WE|FROM|DOMAIN|SENDER", TRANSACTION, without="HELO"),
    _row(C.HELO_REJECTED, "HELO|LIE", EHLO),
    _row(C.HELO_REJECTED, "NAME & NOT|UNKNOWN|DEMAND|OUTAGE|WITHOUT", EHLO, without="HOST|IP|RDNS"),
    _row(C.RDNS_REQUIRED, "RDNS", without="SENDER|HELO"),
    _row(C.RDNS_REQUIRED, "NAME & MATCH", without="SENDER|HELO|SPF|FROM"),
    _row(C.RDNS_REQUIRED, "NAME & WITHOUT & HOST|IP", without="SENDER|DOMAIN|RCPT|HELO"),
    _row(C.RDNS_REQUIRED, "NAME & NOT|UNKNOWN & HOST|IP", without="SENDER|DOMAIN|RCPT|HELO|NOTALLOW"),
    _row(
        C.RDNS_REQUIRED, "NAME & NOT|UNKNOWN|WITHOUT & YOU & ADDRESS|SERVER", without="SENDER|DOMAIN|RCPT|HELO|NOTALLOW"
    ),
    # Our standing, and what came from us before.
    _row(C.SENDER_REJECTED, "LISTED & SENDER", TRANSACTION, _REFUSAL, without="YOU|HOST|IP"),
    _row(C.REPUTATION_BLOCKED, "LISTED", without="RCPT|CONTENT"),
    _row(C.REPUTATION_BLOCKED, "SPAM & HOST|PROVIDER", without="CONTENT|RCPT"),
    _row(C.REPUTATION_BLOCKED, "SPAM & YOU & SERVER", without="CONTENT|RCPT|WE"),
    _row(C.REPUTATION_BLOCKED, "SPAM & IP", _GREETING | _MAIL | _RCPT, without="CONTENT"),
    _row(C.REPUTATION_BLOCKED, "SPAM", _GREETING),
    _row(C.REPUTATION_BLOCKED, "RESIDENTIAL & HOST|ADDRESS|IP|YOU|REFUSED|PROVIDER"),
    # Too much at a time.
    _row(C.RATE_LIMITED, "TOOMANY & COUNTED|HOST|PACE|LIMIT", without="LOOP|SPAM|SIZE"),
    _row(
        C.RATE_LIMITED, "PACE & LIMIT|TOOMANY|COUNTED|HOST|YOU|MAIL|SENDER|RCPT|TEMP", without="SIZE|LOOP|SPAM|BACKEND"
    ),
    _row(C.RATE_LIMITED, "LIMIT & COUNTED|HOST", without="SIZE|LOOP|SPAM|FULL|BACKEND"),
    # The first time they see us.
    _row(C.GREYLISTED, "NEW & TEMP", TRANSACTION, TEMPORARY, without="OUTAGE|BACKEND|TOOMANY|PACE"),
    _row(
        C.GREYLISTED, "SENDER|YOU|HOST|IP & UNKNOWN & TEMP", _TO_THEM, TEMPORARY, without="OUTAGE|BACKEND|NAME|DOMAIN"
    ),
    _row(C.GREYLISTED, "DURATION & TEMP", _TO_THEM, {450, 451}, without="OUTAGE|UNKNOWN|FULL|TOOMANY"),
    _row(None, "BACKEND", codes=TEMPORARY, without="TOOMANY|LIMIT|SPAM|LISTED"),
    # A mailbox that is full is the user's, a disk is theirs.
    _row(C.MAILBOX_FULL, "FULL & RCPT", _TO_THEM),
    _row(C.MAILBOX_FULL, "FULL", _RCPT, {422, 452, 552}, without="BACKEND|SERVER|SIZE"),
    _row(None, "SERVER|WE & OUTAGE|TEMP", codes=TEMPORARY, without="RCPT|REFUSED|SENDER"),
    _row(None, "OUTAGE & TEMP", codes=TEMPORARY, without="REFUSED|SENDER"),
    # What we send.
    _row(C.MESSAGE_TOO_LARGE, "SIZE", _MAIL | _DATA, _REFUSAL, without="SPAM|COUNTED|PACE"),
    _row(C.MESSAGE_TOO_LARGE, "SIZE & MAIL|CONTENT|LIMIT", _MAIL | _TO_THEM, _REFUSAL, without="SPAM|TOOMANY"),
    _row(C.POLICY_REJECTED, "SPAM", TRANSACTION, without="SENDER"),
    # Who else may not write to whom.
    _row(C.POLICY_REJECTED, "EXTERNAL & ONLY|REFUSED|DISABLED|DEMAND|NOT", TRANSACTION, _REFUSAL),
    _row(C.AUTH_REQUIRED, "AUTH & DEMAND|NOT|REFUSED|ONLY|WITHOUT|UNKNOWN|OUTAGE", without="SPF|BACKEND|LIE"),
    # Whom we write to.
    _row(C.MAILBOX_DISABLED, "RCPT|ADDRESS & DISABLED", _TO_THEM, without="YOU|HOST|IP|SENDER|SERVER|FROM"),
    _row(C.RELAY_DENIED, "RELAY & NOT|REFUSED|ONLY|UNKNOWN|DEMAND", TRANSACTION),
    _row(
        C.RELAY_DENIED,
        "DOMAIN & NOT|UNKNOWN|ONLY|REFUSED & CARRY|WE",
        _TO_THEM,
        _REFUSAL,
        without="RCPT|PERSON|SENDER|FROM|YOU",
    ),
    _row(C.RELAY_DENIED, "RCPT & DOMAIN & NOTALLOW", _RCPT, _REFUSAL, without="YOU|HOST|IP|SENDER"),
    _row(C.RELAY_DENIED, "DOMAIN & UNKNOWN", _RCPT, _REFUSAL, without="RCPT|PERSON|SENDER|FROM|ADDRESS|YOU|HOST"),
    _row(C.RELAY_DENIED, "ADDRESS & NOT & CARRY", _RCPT, _REFUSAL, without="SENDER|FROM|YOU|HOST"),
    _row(C.MAILBOX_UNKNOWN, "RCPT & UNKNOWN|GONE", _TO_THEM, _REFUSAL, without="SENDER|FROM|BACKEND|POLICY"),
    _row(C.MAILBOX_UNKNOWN, "RCPT & UNKNOWN|GONE", _TO_THEM, {450}, without="SENDER|FROM|BACKEND|POLICY|TEMP|OUTAGE"),
    _row(
        C.MAILBOX_UNKNOWN,
        "ADDRESS|PERSON & UNKNOWN|GONE",
        _TO_THEM,
        _REFUSAL,
        without="SENDER|FROM|BACKEND|HOST|YOU|IP|POLICY|CONTENT",
    ),
    # Who writes.
    _row(C.POLICY_REJECTED, "HOST|YOU & WITHOUT & ALLOW", codes=PERMANENT),
    _row(C.SENDER_REJECTED, "SENDER & UNKNOWN|REFUSED|DISABLED|GONE|OUTAGE|WITHOUT", TRANSACTION, _REFUSAL),
    _row(C.SENDER_REJECTED, "SENDER & UNKNOWN", TRANSACTION, TEMPORARY),
    _row(C.SENDER_REJECTED, "DOMAIN & NOT|UNKNOWN|REFUSED|WITHOUT|NAME", _MAIL, without="HOST|IP|YOU"),
    _row(C.SENDER_REJECTED, "FROM & NOBODY|UNKNOWN", _MAIL, _REFUSAL, without="HOST|IP"),
    _row(C.SENDER_REJECTED, "RCPT|ADDRESS|PERSON & UNKNOWN|DISABLED|GONE", _MAIL, without="HOST|IP|SYNTAX"),
    # The rest that is about what we send, or about us.
    _row(C.POLICY_REJECTED, "CONTENT & REFUSED|NOT|UNKNOWN|WITHOUT", TRANSACTION, _REFUSAL, without="RCPT"),
    _row(C.POLICY_REJECTED, f"{_US} & REFUSED"),
    _row(C.POLICY_REJECTED, f"{_US} & DISABLED", _GREETING | _MAIL, _REFUSAL),
    _row(C.POLICY_REJECTED, "HOST|YOU & DEMAND & ALLOW", codes=_REFUSAL),
    _row(C.POLICY_REJECTED, "MAIL & REFUSED", _DATA, _REFUSAL),
    _row(C.POLICY_REJECTED, "POLICY", codes=_REFUSAL, without="BACKEND"),
)

WEAK: Final = (
    _row(C.POLICY_REJECTED, "REFUSED", _GREETING, PERMANENT, without="ACCEPTING"),
    _row(C.POLICY_REJECTED, "YOU & NOT", _GREETING, PERMANENT),
    _row(C.MAILBOX_FULL, "FULL", _RCPT, _REFUSAL),
    _row(C.MAILBOX_DISABLED, "DISABLED", _RCPT, _REFUSAL, without="YOU|HOST|IP|SERVER"),
    _row(C.MAILBOX_UNKNOWN, "NOBODY|UNKNOWN|GONE", _RCPT, _REFUSAL, without="YOU|HOST|IP|SENDER|FROM|SYNTAX"),
    _row(C.SENDER_REJECTED, "UNKNOWN|GONE", _MAIL, _REFUSAL, without="HOST|IP|SYNTAX"),
    _row(C.POLICY_REJECTED, "REFUSED", _DATA, _REFUSAL),
    _row(C.POLICY_REJECTED, "HOST|IP & UNKNOWN|OUTAGE", _GREETING | _MAIL, _REFUSAL),
)
