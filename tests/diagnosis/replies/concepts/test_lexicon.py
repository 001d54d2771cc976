"""Each entry of the lexicon is found in its own words."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.concepts import statements_of
from exporter.diagnosis.replies.concepts.lexicon import LEXICON
from exporter.diagnosis.replies.concepts.statements import BITS
from exporter.diagnosis.replies.words import DEMONSTRATIVES, FILLERS, words_of

ENTRIES = [(concept, entry) for concept, entries in LEXICON.items() for entry in entries.split()]


def _concepts(text: str) -> set[str]:
    *_, together = statements_of(words_of(text))
    return {name for name, bit in BITS.items() if together & bit}


@pytest.mark.parametrize(("concept", "entry"), ENTRIES, ids=[f"{concept}-{entry}" for concept, entry in ENTRIES])
def test_each_entry_of_the_lexicon_is_found_in_its_own_words(concept: str, entry: str) -> None:
    text = entry.removesuffix("*").replace("_", " ")
    assert text not in FILLERS - DEMONSTRATIVES, "never said: the plain form drops it"
    # A "not" in an entry of several words turns what else its words say, and "this" whose host it is.
    turned = {"ALLOW": "REFUSED", "EXIST": "UNKNOWN", "AVAILABLE": "OUTAGE", "HOST": "SERVER"}
    assert _concepts(f"xyzzy {text} xyzzy") & {concept, turned.get(concept)}
