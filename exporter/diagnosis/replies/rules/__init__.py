"""The rules for refusing replies, in order: the first that matches decides.

Words stand before codes, fine classes before coarse ones. A reply often names several things; the rule of the cause
stands higher:

1. `dialogue`, unmistakable words: we sent before the greeting, mail loops.
2. `waiting`, greylists: they are announced through the mechanics of a block list.
3. `identity`, TLS; `catalogues`, the numbered reasons of large providers.
4. `identity`, SPF and its kind, reverse DNS: the causes of a rate limit "because of" them.
5. `waiting`, sizes, quotas and rates: they depend on a reputation and name it.
6. `identity`, passwords; `reputation`, operators of block lists; `identity`, HELO.
7. `reputation`, in general: it often calls itself a relay, mailbox or policy matter.
8. `policy`, its plain statements: content, "for policy reasons". They may stand behind "recipient rejected".
9. `senders`, `recipients`: envelope sender, relay, mailbox.
10. `dialogue`, the sequence of commands: a transcript that begins with an unknown user often ends with it.
11. `codes` of RFC 3463 that have one meaning.
12. strong rows of :mod:`exporter.diagnosis.replies.concepts`: two concepts of a sentence fit each other.
13. `policy`, `recipients` and `waiting` in vague words: access denied, address rejected, try again.
14. weak rows of the same, with one concept; `codes` with many meanings (5.7.1: RFC 3463 3.8, the IANA registry), then
    the bare RFC 5321 code.
"""

from __future__ import annotations

from typing import Final

from exporter.diagnosis.replies.rule import Rule
from exporter.diagnosis.replies.rules import (
    catalogues,
    codes,
    dialogue,
    identity,
    policy,
    recipients,
    reputation,
    senders,
    waiting,
)

# Words that name a reason, and codes with one meaning.
_PLAIN: Final[tuple[Rule, ...]] = (
    *dialogue.PROTOCOL,
    *dialogue.LOOPS,
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
    *dialogue.GREETINGS,
    *identity.NAMES,
    *identity.REVERSE_DNS_TOLD,
    *identity.EHLO_ARGUMENT,
    *senders.LISTS,
    *reputation.STANDING,
    *policy.PLAIN,
    *senders.SENDERS,
    *recipients.DOMAINS,
    *recipients.MAILBOXES,
    *dialogue.SEQUENCE,
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
# The places of the first vague rule, before which the concepts of the sentences are tried, and of the first bare code.
VAGUE_FROM: Final = len(_PLAIN)
CODES_FROM: Final = len(_PLAIN) + len(_VAGUE)
