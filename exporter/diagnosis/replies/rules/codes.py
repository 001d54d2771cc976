"""Rules for the codes alone, without words."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import ABOUT_RECIPIENT, DIALOGUE, EHLO, PERMANENT, TRANSACTION, Rule
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage


def _status(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(".", r"\.").replace("x", r"\d"))


# RFC 3463 and the IANA registry, where a code has one meaning: more than "access denied" says.
ENHANCED: Final = (
    Rule(C.SENDER_AUTH_FAILED, status=_status("5.7.(?:2[0-4]|26|29)")),  # RFC 7372, 7489
    Rule(C.RDNS_REQUIRED, status=_status("[45].7.25")),  # RFC 7372
    Rule(C.SENDER_REJECTED, status=_status("[45].1.[78]|5.7.27")),  # RFC 7505: the sender's domain has a null MX
    Rule(C.RATE_LIMITED, status=_status("[45].7.28|[45].5.3")),
    Rule(C.TLS_REQUIRED, status=_status("5.7.(?:10|11|30)")),
    Rule(C.AUTH_REQUIRED, status=_status("5.7.(?:8|57)")),
    Rule(C.MAILBOX_DISABLED, status=_status("5.7.13|5.2.1"), stages=ABOUT_RECIPIENT),
    Rule(C.MAILBOX_FULL, status=_status("[45].2.2"), stages=ABOUT_RECIPIENT),
    Rule(C.MESSAGE_TOO_LARGE, status=_status("5.(?:3.4|2.3)")),
    Rule(C.RELAY_DENIED, status=_status("5.1.2|5.7.(?:54|64)"), stages=TRANSACTION),
    # RFC 7504, where the words are not about us: see :mod:`exporter.diagnosis.replies.concepts`.
    Rule(
        C.MAILBOX_UNKNOWN,
        status=_status("5.1.(?:[1346]|10)"),
        stages=ABOUT_RECIPIENT,
        codes=frozenset(PERMANENT) - {521, 556},
    ),
    Rule(C.SENDER_REJECTED, status=_status("5.1.1"), stages=frozenset({Stage.MAIL})),
)

# 5.1.0 is used for senders, recipients and reputations alike, 5.7.1 for everything: after all words.
ENHANCED_VAGUE: Final = (
    Rule(C.MAILBOX_UNKNOWN, status=_status("5.1.0"), stages=ABOUT_RECIPIENT),
    Rule(C.SENDER_REJECTED, status=_status("5.1.0"), stages=frozenset({Stage.MAIL})),
    Rule(C.POLICY_REJECTED, status=_status("5.7.x{1,3}"), stages=DIALOGUE),
)

# RFC 5321 and its extensions, where a code has one meaning in the wild.
BARE: Final = (
    Rule(C.AUTH_REQUIRED, codes={530, 534, 535}, stages=DIALOGUE),  # RFC 4954 6
    Rule(C.TLS_REQUIRED, codes={523, 538}, stages=DIALOGUE),  # RFC 4954 6, RFC 5248: encryption needed
    Rule(C.PROTOCOL_ERROR, codes={503}, stages=TRANSACTION | EHLO),  # RFC 5321 4.2.2: bad sequence
    Rule(C.HELO_REJECTED, codes={501, 504, 555}, stages=EHLO),  # its argument, for the command is known
    # RFC 5321 4.3.2: 550 to EHLO, "command rejected for policy reasons"; an unknown command is 500 or 502.
    Rule(C.POLICY_REJECTED, codes={550, 553, 554, 571}, stages=EHLO),
    # RFC 7504: this host never takes mail, that domain takes none. A fact, hence `rejected` wherever the peer says it
    # after the greeting; in the greeting it is like a 554.
    Rule(C.REJECTED, codes={521, 556}, stages=EHLO),
    Rule(C.MAILBOX_FULL, codes={552}, stages=frozenset({Stage.RCPT})),  # RFC 5321 4.2.2: exceeded storage allocation
    Rule(C.MESSAGE_TOO_LARGE, codes={552}, stages=frozenset({Stage.MAIL, Stage.DATA})),  # RFC 1870 6.1
    Rule(C.MAILBOX_UNKNOWN, codes={551}, stages=frozenset({Stage.RCPT})),  # RFC 5321 3.4: not local
    Rule(C.POLICY_REJECTED, codes={571}, stages=DIALOGUE),  # Exchange, Cisco: 5.7.1 squeezed into a reply code
)
