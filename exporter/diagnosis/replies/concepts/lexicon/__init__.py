"""The lexicon of refusals: concepts, and the words for each in the languages of servers. Pure.

The words are in the normal form of :mod:`exporter.diagnosis.replies.words`, except that umlauts stay, which servers
spell in two ways. `stem*`: any ending; `two_words`: one after the other. In scripts without spaces a word is found at
any place of a row of characters. A word may stand for several concepts. German, French, Spanish, Portuguese, Italian,
Polish, Dutch, Russian, Chinese, Japanese and Korean follow the English, in this order, where the concept is known to
occur in them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from exporter.diagnosis.replies.concepts.lexicon.statements import STATEMENTS
from exporter.diagnosis.replies.concepts.lexicon.subjects import SUBJECTS
from exporter.diagnosis.replies.concepts.lexicon.topics import TOPICS

LEXICON: Final = MappingProxyType({**SUBJECTS, **STATEMENTS, **TOPICS})
