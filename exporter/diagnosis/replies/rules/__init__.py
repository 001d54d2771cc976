"""The rules for refusing replies, in order: the first that matches decides.

The order is the knowledge; words before codes, fine before coarse. A reply often names several things, and the one that
names the cause stands higher:

1. `conversation`, its unmistakable words: we spoke before our turn, mail goes round in circles.
2. `waiting`, greylists: they are announced through the mechanics of a block list.
3. `identity`, TLS; `catalogues`, the numbered reasons of large providers.
4. `identity`, SPF and its kind, reverse DNS: what a rate limit "because of" them is about.
5. `waiting`, sizes, quotas and rates: they rest on a reputation and say so.
6. `identity`, passwords; `reputation`, who is known to keep block lists; `identity`, HELO.
7. `reputation`, in general: it often calls itself a relay, mailbox or policy matter.
8. `policy`, its plain statements: content, "for policy reasons". They may stand behind "recipient rejected".
9. `senders`, `recipients`: envelope sender, relay, mailbox.
10. `conversation`, the sequence of commands: a transcript that begins with an unknown user often ends with it.
11. `codes` of RFC 3463 that have one meaning.
12. `reply_sense`, where two statements of a sentence fit each other.
13. `policy`, `recipients` and `waiting` in vague words: access denied, address rejected, try again.
14. `reply_sense` by one statement; `codes` that mean everything (5.7.1: RFC 3463 3.8, the IANA registry), then the
    bare RFC 5321 code.
"""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.replies.rule import Rule
from exporter.diagnosis.replies.rules import (
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

# The words that are a reason by themselves, and codes with one meaning.
_PLAIN: Final[tuple[Rule, ...]] = (
    *conversation.MANNERS,
    *conversation.LOOPS,
    *policy.FIRST,
    *recipients.DIRECTORIES,
    *waiting.GREYLISTS,
    *identity.ENCRYPTION,
    *catalogues.TAGS,
    *recipients.RECIPIENTS,
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
)
_VAGUE: Final[tuple[Rule, ...]] = (
    *policy.VAGUE,
    *recipients.BARE,
    *waiting.VAGUE,
)
_CODES: Final[tuple[Rule, ...]] = (
    *codes.ENHANCED_VAGUE,
    *codes.BARE,
)
RULES: Final = (*_PLAIN, *_VAGUE, *_CODES)
# Where vague words begin, before which a sentence's sense is asked, and where bare codes do.
VAGUE_FROM: Final = len(_PLAIN)
CODES_FROM: Final = len(_PLAIN) + len(_VAGUE)
