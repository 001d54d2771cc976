"""Rules for faults of the dialogue itself: the sequence of commands (RFC 5321 4.1.4), loops, early talkers."""

from __future__ import annotations

import re
from typing import Final

from exporter.diagnosis.replies.rule import EHLO, PERMANENT, QUESTIONS, TEMPORARY, TRANSACTION, Rule, says
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

# Words with one meaning.
PROTOCOL: Final = (
    # An answer, not a refusal: VRFY found several (RFC 5321 3.5.1).
    Rule(None, says("ambiguous"), codes={553}, stages=QUESTIONS),
    Rule(
        C.PROTOCOL_ERROR,
        says(
            "synchronization|synchronisation",  # Exim: the client sent before the greeting
            "protocol error|violation",  # postscreen, Microsoft
            "pipelining error|not|improper|violation|rejected",
            "improper ... pipelining",  # Postfix reject_unauth_pipelining
            "pre-greet*|pregreeting|early-talk*",  # Sendmail greet_pause, Haraka, qpsmtpd
            "talk|talks|talked|talking|spoke|speak|sent ... too_soon|too_early|before_greeting|before_banner",
            "non-smtp command*",  # postscreen
            "received before ... greeting",
            "bare lf|cr|newline|newlines|linefeed|line_feed",  # Postfix, CommuniGate
        ),
    ),
    Rule(C.PROTOCOL_ERROR, says("must precede"), codes={503}),  # Exim at DATA, whatever became of RCPT
    Rule(C.PROTOCOL_ERROR, names=re.compile(r"/smtplf\b")),  # qmail names a page about bare line feeds
)

LOOPS: Final = (
    # Mail that loops: no policy, and no rate limit although a number is named.
    Rule(
        C.REJECTED,
        says(
            "loop|loops detected|found",
            "mail|routing|forwarding loop",
            "too many hops|received|redirects",
            "number of received",
        ),
        codes=PERMANENT,
        stages=TRANSACTION,
    ),
    Rule(C.TEMPFAIL, says("too many hops|received|redirects"), codes=TEMPORARY, stages=TRANSACTION),
)

# "HELO" in them is a command that is missing, not a name that is wrong.
GREETINGS: Final = (
    # The command is unknown to them; 501 and 550 are about its argument.
    Rule(
        C.EHLO_REJECTED,
        says(
            "no ehlo|helo",
            "ehlo|helo not spoken|supported|implemented|understood|known|available|recognized|recognised|enabled",
            "not|neither speak|understand|know|support|implement|recognize|recognise ... ehlo|helo",
        ),
        codes={500, 502},
        stages=EHLO,
    ),
    Rule(
        C.PROTOCOL_ERROR,
        says(
            "send|say|issue|need|require|requires|expected helo|ehlo|lhlo",
            "helo|ehlo first|required|expected|missing",
            "polite people",  # Sendmail
            "duplicate|nested|second helo|ehlo",  # Sendmail, Exchange
        ),
        codes={500, 501, 502, 503, 550, 554},
    ),
)

# The server's view of where we are contradicts the order that a table keeps for us.
SEQUENCE: Final = (
    Rule(
        C.PROTOCOL_ERROR,
        says(
            "bad|wrong|invalid|incorrect|improper|unexpected|out_of command? sequence|order",
            "sequence error|of_commands",
            "need|want|expected|send|issue rcpt|mail|mail_from|recipient|data first|command|before",
            "need rcpt|mail",  # Sendmail, Postfix
            "rcpt|mail|mail_from|data ... first|precede",  # qmail, Exim, Gmail
            "nested mail",  # Postfix
            "sender already",  # Sendmail, Exim
            "no valid recipients",  # Postfix at DATA after every RCPT was refused
            "any|command|commands except|but quit",
            "any|command|commands other than quit",
        ),
        codes=PERMANENT,
        stages=frozenset(Stage) - {Stage.BANNER},
    ),
    # The line of EHLO itself is unknown to them: no matter of our name.
    Rule(
        C.EHLO_REJECTED,
        says("command not implemented|recognized|recognised|supported", "unrecognized|unknown command"),
        codes={500, 502},
        stages=EHLO,
    ),
)
