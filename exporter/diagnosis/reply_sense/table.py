"""What a sentence's concepts amount to: the first row that holds decides.

STRONG rows need two statements that fit each other; they come after the rules that know a kind's own words and before
vague phrases. WEAK rows go by one statement and the stage, and come last.

    _row(C.RELAY_DENIED, "DOMAIN & NOT|ONLY & CARRY", "RCPT|SENDER", RCPT, REFUSAL)

A domain, "not" or "only", and one's own or to be carried, while neither recipient nor sender is spoken of, at RCPT and
with a code of refusal: the relay is denied. The class None is the stage's own for a temporary refusal.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from exporter.diagnosis.reply_sense.statements import BITS
from exporter.diagnosis.reply_table import CONVERSATION, PERMANENT, REFUSED, TEMPORARY, TRANSACTION
from exporter.diagnosis.reply_table import EHLO as _EHLO
from exporter.result import Confidence, FailureClass, Stage

C = FailureClass
_BANNER: Final = frozenset({Stage.BANNER})
_GREETING: Final = _EHLO | _BANNER
_MAIL: Final = frozenset({Stage.MAIL})
_RCPT: Final = frozenset({Stage.RCPT})
_DATA: Final = frozenset({Stage.DATA})
_TO_THEM: Final = _RCPT | _DATA
# Refusals that are no complaint about the command's form (RFC 5321 4.2.1: x0z); 501 is often about the address in it.
_REFUSAL: Final = frozenset(PERMANENT) - {500, 502, 503, 504, 555}
# Who we are.
_US: Final = "YOU|HOST|IP|COUNTRY|PROVIDER|RESIDENTIAL"
# What the words of a host that takes no mail at all do not speak of.
_FINER: Final = f"{_US}|FROM|SPAM|LISTED|NAME|POLICY|TEMP|AUTH|TLS|RDNS"


@dataclass(frozen=True, slots=True)
class Row:
    """`needs`: of each of these sets one concept; `without`: none of these."""

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
    return sum(BITS[name] for name in set(names.split("|"))) if names else 0


def _row(
    failure_class: FailureClass | None,
    needs: str,
    without: str = "",
    stages: frozenset[Stage] = CONVERSATION,
    codes: Container[int] = REFUSED,
    confidence: Confidence = Confidence.LIKELY,
) -> Row:
    needed = tuple(_bits(names) for names in needs.split(" & ")) if needs else ()
    return Row(failure_class, needed, _bits(without), stages, codes, confidence)


# The host takes no mail, from anybody.
_TAKES_NONE: Final = (
    # "Not accepting": what some say to everybody, some to us alone, and some for now.
    _row(
        C.BANNER_REJECTED, "NOTALLOW & ACCEPTING", "YOU|IP|FROM|SPAM|LISTED", _BANNER, PERMANENT, Confidence.UNCERTAIN
    ),
    _row(None, "NOTALLOW & ACCEPTING", "YOU|IP|FROM|RCPT|DOMAIN", CONVERSATION, TEMPORARY),
    _row(C.BANNER_REJECTED, "MAIL & NOTALLOW & YOU", "HOST|IP|FROM", _BANNER, {521}, Confidence.UNCERTAIN),
    _row(C.BANNER_REJECTED, "NOSMTP", "IP|FROM|SPAM|LISTED", _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "MAIL & NOTALLOW & TAKE", "YOU|IP|COUNTRY|PROVIDER|FROM|SPAM|LISTED", _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "NOMAIL", _FINER, _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "OUTGOING & ONLY", _FINER, _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "SENDONLY", _FINER, _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "MAIL & NOTALLOW", _FINER, _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "SMTP|RCPT & NOT", f"{_FINER}|OUTAGE|AVAILABLE", _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "MAIL & INBOUND & DISABLED|REFUSED|NOT|OUTAGE", _FINER, _BANNER, PERMANENT),
    _row(C.BANNER_REJECTED, "SMTP|SERVER & DISABLED|GONE", f"{_FINER}|ONLY|EXTERNAL", _BANNER, PERMANENT),
    # RFC 7504: this host or that domain takes no mail; unless they speak of us.
    _row(C.REJECTED, "", f"{_US}|SPAM|LISTED", TRANSACTION | _EHLO, {521, 556}, Confidence.CERTAIN),
)

# What is wrong with the way of the mail, whoever sends it.
_ON_THE_WAY: Final = (
    _row(C.RELAY_DENIED, "OPENRELAY & NOT", "", TRANSACTION),
    _row(C.REPUTATION_BLOCKED, "OPENRELAY", "NOT"),
    _row(C.REPUTATION_BLOCKED, "RELAY & YOU & LAX", "NOT|REFUSED"),
    _row(C.REJECTED, "LOOP", "SPAM", TRANSACTION, _REFUSAL),
    _row(None, "LOOP", "SPAM", TRANSACTION, TEMPORARY),
    _row(None, "BACKEND & OUTAGE|DISABLED|GONE", "TOOMANY|NEW|TLS", CONVERSATION, TEMPORARY),
)

# What we did not bring along.
_NOT_BROUGHT: Final = (
    _row(C.TLS_REQUIRED, "TLS & DEMAND|ONLY|REFUSED|NOT|WITHOUT|UNKNOWN|ALLOW", "TOOMANY|PACE|SUPPORT|CONTENT"),
    _row(C.TLS_REQUIRED, "TLS", "TOOMANY|PACE|BACKEND|SUPPORT|CONTENT", TRANSACTION),
    _row(C.TLS_REQUIRED, "TLS", "", _EHLO, {403, 454}),
    _row(C.SENDER_REJECTED, "NULLSENDER & REFUSED|NOT|UNKNOWN|WITHOUT|DEMAND", "", TRANSACTION),
    _row(C.SENDER_AUTH_FAILED, "SPF & NOT|OUTAGE|UNKNOWN|REFUSED|WITHOUT|DEMAND", "SPAM", TRANSACTION),
    _row(C.SENDER_AUTH_FAILED, "LIE & WE|FROM|DOMAIN|SENDER", "HELO", TRANSACTION),
    _row(C.HELO_REJECTED, "HELO|LIE", "", _EHLO),
    _row(C.HELO_REJECTED, "NAME & WE", "HOST|IP|NOTALLOW", _EHLO),
    _row(C.HELO_REJECTED, "WE & YOU & NOT", "HOST|IP|NOTALLOW|MAIL|REFUSED", _EHLO),
    _row(C.HELO_REJECTED, "NAME & NOT|UNKNOWN|DEMAND|OUTAGE|WITHOUT", "HOST|IP|RDNS", _EHLO),
    _row(C.HELO_REJECTED, "NAME & NOT|UNKNOWN", "IP|YOU|ADDRESS|RDNS|MATCH|NOTALLOW", _EHLO),
    _row(C.HELO_REJECTED, "NAME|ADDRESS|DOMAIN & NOT|UNKNOWN|DEMAND|OUTAGE", "", _EHLO, {501, 504}),
    _row(C.RDNS_REQUIRED, "RDNS", "SENDER|HELO"),
    _row(C.RDNS_REQUIRED, "NAME & MATCH", "SENDER|HELO|SPF|FROM"),
    _row(C.RDNS_REQUIRED, "NAME & WITHOUT|NOT|UNKNOWN & HOST|IP|ADDRESS", "HELO|NOTALLOW", _BANNER),
    _row(C.RDNS_REQUIRED, "NAME & WITHOUT & HOST|IP", "SENDER|DOMAIN|RCPT|HELO"),
    _row(C.RDNS_REQUIRED, "NAME & NOT|UNKNOWN & HOST|IP", "SENDER|DOMAIN|RCPT|HELO|NOTALLOW"),
    _row(C.RDNS_REQUIRED, "NAME & NOT|UNKNOWN|WITHOUT & YOU & ADDRESS|SERVER", "SENDER|DOMAIN|RCPT|HELO|NOTALLOW"),
    _row(C.AUTH_REQUIRED, "AUTH", "TLS", CONVERSATION, {530, 534, 535, 538}),
)

# Our standing, and what came from us before.
_STANDING: Final = (
    _row(C.SENDER_REJECTED, "LISTED & SENDER", "YOU|HOST|IP", TRANSACTION, _REFUSAL),
    _row(C.REPUTATION_BLOCKED, "LISTED", "RCPT|CONTENT"),
    _row(C.REPUTATION_BLOCKED, "SPAM & HOST|PROVIDER", "CONTENT|RCPT"),
    _row(C.REPUTATION_BLOCKED, "SPAM & YOU & SERVER", "CONTENT|RCPT|WE"),
    _row(C.REPUTATION_BLOCKED, "SPAM & IP", "CONTENT", _GREETING | _MAIL | _RCPT),
    _row(C.REPUTATION_BLOCKED, "SPAM", "", _GREETING),
    _row(C.REPUTATION_BLOCKED, "RESIDENTIAL & HOST|ADDRESS|IP|YOU|REFUSED|PROVIDER|DISABLED"),
)

_WAITING: Final = (
    _row(C.MAILBOX_FULL, "LIMIT|FULL", "PACE|TOOMANY|HOST|IP|SIZE", _RCPT, {422, 552}),
    # Too much at a time.
    _row(C.RATE_LIMITED, "TOOMANY & COUNTED|HOST|PACE|LIMIT", "LOOP|SPAM|SIZE"),
    _row(C.RATE_LIMITED, "PACE & LIMIT|TOOMANY|COUNTED|HOST|YOU|MAIL|SENDER|RCPT|TEMP", "SIZE|LOOP|SPAM|BACKEND"),
    _row(C.RATE_LIMITED, "PACE & LIMIT|COUNTED|HOST|YOU|MAIL|SENDER", "SIZE|LOOP|BACKEND", CONVERSATION, TEMPORARY),
    _row(C.RATE_LIMITED, "LIMIT & COUNTED|HOST", "SIZE|LOOP|SPAM|FULL|BACKEND"),
    # The first time they see us.
    _row(C.GREYLISTED, "NEW & TEMP", "OUTAGE|BACKEND|TOOMANY|PACE", TRANSACTION, TEMPORARY),
    _row(C.GREYLISTED, "NEW", "OUTAGE|BACKEND|SERVER|TOOMANY|PACE|RCPT", _TO_THEM, {450, 451}),
    _row(C.GREYLISTED, "SENDER|YOU|HOST|IP & UNKNOWN & TEMP", "OUTAGE|BACKEND|NAME|DOMAIN", _TO_THEM, TEMPORARY),
    _row(C.GREYLISTED, "DURATION & TEMP", "OUTAGE|UNKNOWN|FULL|TOOMANY", _TO_THEM, {450, 451}),
    # A mailbox that is full is the user's, a disk is theirs.
    _row(None, "BACKEND", "TOOMANY|LIMIT|SPAM|LISTED", CONVERSATION, TEMPORARY),
    _row(C.MAILBOX_FULL, "FULL & RCPT", "", _TO_THEM),
    _row(C.MAILBOX_FULL, "FULL", "BACKEND|SERVER|SIZE", _RCPT, {422, 452, 552}),
    _row(None, "SERVER|WE & OUTAGE|TEMP", "RCPT|REFUSED|SENDER", CONVERSATION, TEMPORARY),
    _row(None, "OUTAGE & TEMP", "REFUSED|SENDER", CONVERSATION, TEMPORARY),
)

# What we send, and whom to.
_ENVELOPE: Final = (
    _row(C.MESSAGE_TOO_LARGE, "SIZE", "SPAM|PACE", _MAIL | _DATA, _REFUSAL),
    _row(C.MESSAGE_TOO_LARGE, "SIZE & MAIL|CONTENT|LIMIT", "SPAM|TOOMANY", TRANSACTION, _REFUSAL),
    _row(C.POLICY_REJECTED, "SPAM", "SENDER", TRANSACTION),
    _row(C.POLICY_REJECTED, "EXTERNAL & ONLY|REFUSED|DISABLED|DEMAND|NOT|LIMIT", "", TRANSACTION, _REFUSAL),
    _row(C.RELAY_DENIED, "RELAY & NOT|REFUSED|ONLY|UNKNOWN|DEMAND|DISABLED", "", TRANSACTION),
    _row(C.MAILBOX_DISABLED, "RCPT|ADDRESS & DISABLED", "YOU|HOST|IP|SENDER|SERVER|FROM", _TO_THEM),
    _row(C.AUTH_REQUIRED, "AUTH & DEMAND|NOT|REFUSED|ONLY|WITHOUT|UNKNOWN|OUTAGE", "SPF|BACKEND|LIE"),
    _row(
        *(C.RELAY_DENIED, "DOMAIN & NOT|UNKNOWN|ONLY|REFUSED & CARRY|WE", "RCPT|PERSON|SENDER|FROM|YOU"),
        *(_TO_THEM, _REFUSAL),
    ),
    _row(C.RELAY_DENIED, "DOMAIN & NOTALLOW", "YOU|HOST|IP|SENDER|FROM", _RCPT, _REFUSAL),
    _row(C.RELAY_DENIED, "DOMAIN & UNKNOWN", "RCPT|PERSON|SENDER|FROM|ADDRESS|YOU|HOST", _RCPT, _REFUSAL),
    _row(C.RELAY_DENIED, "NOT & CARRY", "SENDER|FROM|YOU|HOST|RCPT|PERSON|POLICY|NAME", _RCPT, _REFUSAL),
    _row(C.MAILBOX_DISABLED, "RCPT|ADDRESS & NOTALLOW & TAKE", "YOU|HOST|IP|FROM|SENDER|RIGHT", _TO_THEM, _REFUSAL),
    _row(C.POLICY_REJECTED, "NOTALLOW & RIGHT", "RELAY|DOMAIN|SENDER|CONTENT", _RCPT, _REFUSAL),
    _row(C.POLICY_REJECTED, "RCPT & ONLY & ALLOW", "RELAY|DOMAIN", _RCPT, _REFUSAL),
    _row(C.MAILBOX_UNKNOWN, "RCPT & UNKNOWN|GONE", "SENDER|FROM|BACKEND|POLICY", _TO_THEM, _REFUSAL),
    _row(C.MAILBOX_UNKNOWN, "RCPT & UNKNOWN|GONE", "SENDER|FROM|BACKEND|POLICY|TEMP|OUTAGE", _TO_THEM, {450}),
    _row(
        *(C.MAILBOX_UNKNOWN, "ADDRESS|PERSON & UNKNOWN|GONE", "SENDER|FROM|BACKEND|HOST|YOU|IP|POLICY|CONTENT"),
        *(_TO_THEM, _REFUSAL),
    ),
    _row(C.POLICY_REJECTED, "HOST|YOU & WITHOUT & ALLOW", "", CONVERSATION, PERMANENT),
    _row(C.SENDER_REJECTED, "SENDER & UNKNOWN|REFUSED|DISABLED|GONE|OUTAGE|WITHOUT", "POLICY", TRANSACTION, _REFUSAL),
    _row(C.SENDER_REJECTED, "SENDER & UNKNOWN", "", TRANSACTION, TEMPORARY),
    _row(C.SENDER_REJECTED, "SENDER & NOT", "HOST|IP", _MAIL, _REFUSAL),
    _row(C.SENDER_REJECTED, "DOMAIN & NOT|UNKNOWN|REFUSED|WITHOUT|NAME", "HOST|IP|YOU", _MAIL),
    _row(C.SENDER_REJECTED, "FROM & NOBODY|UNKNOWN", "HOST|IP", _MAIL, _REFUSAL),
    _row(C.SENDER_REJECTED, "RCPT|ADDRESS|PERSON & UNKNOWN|DISABLED|GONE", "HOST|IP|SYNTAX", _MAIL),
)

# The rest that is about what we send, or about us.
_REST: Final = (
    _row(C.POLICY_REJECTED, "CONTENT & REFUSED|NOT|UNKNOWN|WITHOUT", "RCPT", TRANSACTION, _REFUSAL),
    _row(C.POLICY_REJECTED, f"{_US} & REFUSED"),
    _row(C.POLICY_REJECTED, f"{_US} & DISABLED", "", _GREETING | _MAIL, PERMANENT),
    _row(C.POLICY_REJECTED, "HOST|YOU & DEMAND & ALLOW", "", CONVERSATION, PERMANENT),
    _row(C.POLICY_REJECTED, "MAIL & REFUSED", "", _DATA, _REFUSAL),
    _row(C.POLICY_REJECTED, "POLICY", "BACKEND", CONVERSATION, PERMANENT),
)

STRONG: Final = (*_TAKES_NONE, *_ON_THE_WAY, *_NOT_BROUGHT, *_STANDING, *_WAITING, *_ENVELOPE, *_REST)

WEAK: Final = (
    _row(C.POLICY_REJECTED, "ONLY & EXTERNAL|SERVER|RCPT|HOST|REFUSED|ALLOW", "OUTGOING", _GREETING, PERMANENT),
    _row(C.POLICY_REJECTED, "REFUSED", "ACCEPTING", _GREETING, PERMANENT),
    _row(C.POLICY_REJECTED, _US, "OUTAGE|ACCEPTING", _BANNER, PERMANENT),
    _row(C.POLICY_REJECTED, "YOU & NOT", "", _EHLO, PERMANENT),
    _row(C.MAILBOX_FULL, "FULL", "", _RCPT, _REFUSAL),
    _row(C.MAILBOX_DISABLED, "DISABLED", "YOU|HOST|IP|SERVER", _RCPT, _REFUSAL),
    _row(C.MAILBOX_UNKNOWN, "RCPT & NOT", "YOU|HOST|IP|SENDER|FROM|NOTALLOW|REFUSED|OUTAGE", _RCPT, _REFUSAL),
    _row(C.MAILBOX_UNKNOWN, "RCPT & WITHOUT", "YOU|HOST|IP|SENDER|FROM|MAIL|CONTENT", _RCPT, _REFUSAL),
    _row(C.MAILBOX_UNKNOWN, "NOBODY|UNKNOWN|GONE", "YOU|HOST|IP|SENDER|FROM|SYNTAX|OUTAGE", _RCPT, _REFUSAL),
    _row(
        C.MAILBOX_UNKNOWN, "NOT", f"{_US}|SENDER|FROM|NOTALLOW|REFUSED|OUTAGE|MAIL|POLICY|TEMP", _RCPT, {550, 551, 553}
    ),
    _row(C.MAILBOX_UNKNOWN, "RCPT & OUTAGE", f"{_US}|SENDER|FROM|SERVER|BACKEND|TEMP", _RCPT, {550, 551, 553}),
    _row(C.RELAY_DENIED, "RELAY", "", _RCPT, _REFUSAL),
    _row(C.SENDER_REJECTED, "UNKNOWN|GONE", "HOST|IP|SYNTAX", _MAIL, _REFUSAL),
    _row(C.MAILBOX_DISABLED, "RCPT & ONLY", "YOU|HOST|IP|SENDER|FROM", _RCPT, _REFUSAL),
    _row(C.POLICY_REJECTED, "REFUSED", "", _DATA | _MAIL, _REFUSAL),
    _row(C.POLICY_REJECTED, "HOST|IP & NOT", "", _MAIL, _REFUSAL),
    _row(C.SENDER_REJECTED, "DOMAIN|SENDER|FROM", "HOST|IP|SYNTAX", _MAIL, _REFUSAL),
    _row(C.SENDER_REJECTED, "ADDRESS", "HOST|IP|YOU|SYNTAX", _MAIL, _REFUSAL),
    _row(C.POLICY_REJECTED, "MAIL|CONTENT|NOT", "OUTAGE|RCPT|SYNTAX|SERVER", _DATA, _REFUSAL),
    _row(C.POLICY_REJECTED, "HOST|IP & UNKNOWN|OUTAGE", "", _GREETING | _MAIL, _REFUSAL),
)
