"""The order of the rules: a reply that names several things gets the class of the cause."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.rules import CODES_FROM, RULES, VAGUE_FROM
from exporter.model.failure import FailureClass as C
from tests.diagnosis.replies.told import Table, each_of, finding

# The numbers are those of the order in the docstring of exporter.diagnosis.replies.rules.
BOTH: Table = {
    C.PROTOCOL_ERROR: (
        "B 554 5.7.1 blocked by policy: protocol error, you spoke before the greeting",  # 1 before 8
    ),
    C.REJECTED: ("D 554 5.4.6 Too many hops, rejected by our policy",),  # 1 before 5
    C.GREYLISTED: (
        "R 450 4.7.1 Your IP is not on our whitelist: greylisted",  # 2 before 7
        "R 451 4.2.2 Greylisted: mailbox full of spam",  # 2 before 5
    ),
    C.TLS_REQUIRED: ("M 550 5.7.1 Blocked by policy: encryption required",),  # 3 before 8
    C.SENDER_AUTH_FAILED: (
        "D 421 4.7.0 This mail was rate limited because it fails DMARC",  # 4 before 5
        "M 550 5.7.1 Sender rejected: SPF",  # 4 before 9
    ),
    C.RDNS_REQUIRED: ("D 421 4.7.0 Your mail was rate limited: no PTR record",),  # 4 before 5
    C.RATE_LIMITED: ("M 451 4.7.1 Rate limit of your IP exceeded because of its bad reputation",),  # 5 before 7
    C.REPUTATION_BLOCKED: (
        "E 550 5.7.1 Helo domain is on the Spamhaus list",  # 6, block lists before HELO
        "R 554 5.7.1 Relaying denied: your address is on a block list",  # 7 before 9
        "R 550 5.7.1 Access denied for policy reasons: poor reputation",  # 7 before 8
    ),
    C.POLICY_REJECTED: ("R 550 5.1.1 Recipient rejected for policy reasons",),  # 8 before 9 and 11
    C.MAILBOX_UNKNOWN: ("D 554 5.5.1 User unknown. No valid recipients",),  # 9 before 10
}


@pytest.mark.parametrize(("expected", "reply"), each_of(BOTH))
def test_the_cause_decides(expected: C, reply: str) -> None:
    found = finding(reply)
    assert found is not None
    assert found.failure_class is expected


def test_words_stand_before_vague_words_and_those_before_bare_codes() -> None:
    assert 0 < VAGUE_FROM < CODES_FROM < len(RULES)
    assert all(rule.says for rule in RULES[VAGUE_FROM:CODES_FROM])
    assert not any(rule.says or rule.names for rule in RULES[CODES_FROM:])
    assert all(rule.says or rule.names or rule.status for rule in RULES[:VAGUE_FROM])
