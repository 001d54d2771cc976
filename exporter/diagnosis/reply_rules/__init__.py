"""The rules for refusing replies, in order: the first that matches decides.

The order is the knowledge; words before codes, fine before coarse. A reply often names several things, and the one that
names the cause stands higher:

1. `waiting`: greylists and rates. They are announced through the mechanics of a block list, and rest on a reputation.
2. `identity`: what we did not bring along (TLS, SPF, a password), who we are (HELO, reverse DNS).
3. `reputation`: block lists and our standing. It often calls itself a relay, mailbox or policy matter.
4. `policy`, its plain statements: content, and "for policy reasons". They may stand behind "recipient rejected".
5. `addresses`: sender, relay, mailbox.
6. `conversation`: what is wrong with the dialogue itself. Behind the addresses, for a transcript that begins with an
   unknown user often ends with "no valid recipients".
7. `policy`, its vague words: access denied, blocked, not allowed.
8. `codes`: the RFC 3463 code, then the RFC 5321 code. They decide alone only after all words failed, for 5.7.1 and
   4.7.1 mean everything (RFC 3463 3.8; the IANA registry of enhanced status codes).
"""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.reply_rules import (
    catalogues,
    codes,
    conversation,
    identity,
    policy,
    recipients,
    reputation,
    senders,
    waiting,
)
from exporter.diagnosis.reply_table import Rule

RULES: Final[tuple[Rule, ...]] = (
    *conversation.MANNERS,
    *conversation.LOOPS,
    *policy.GREETINGS,
    *waiting.GREYLISTS,
    *identity.ENCRYPTION,
    *catalogues.TAGS,
    *reputation.PRIME,
    *identity.SENDER_AUTHENTICATION,
    *identity.REVERSE_DNS,
    *waiting.SIZES_AND_RATES,
    *identity.CREDENTIALS,
    *reputation.LIST_OPERATORS,
    *conversation.GREETINGS,
    *identity.NAMES,
    *identity.REVERSE_DNS_TOLD,
    *identity.EHLO_ARGUMENT,
    *senders.LISTS,
    *reputation.STANDING,
    *policy.PLAIN,
    *senders.SENDERS,
    *recipients.DOMAINS,
    *recipients.MAILBOXES,
    *conversation.SEQUENCE,
    *codes.ENHANCED,
    *reputation.HINTS,
    *policy.VAGUE,
    *recipients.BARE,
    *waiting.VAGUE,
    *codes.ENHANCED_VAGUE,
    *codes.BARE,
)
