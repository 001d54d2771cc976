"""The entries of a table of the lexicon, and the concepts that a text is found to say."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from exporter.diagnosis.replies.concepts import statements_of
from exporter.diagnosis.replies.concepts.statements import BITS
from exporter.diagnosis.replies.words import DEMONSTRATIVES, FILLERS, words_of


def concepts_in(text: str) -> set[str]:
    """The names of all concepts of a text."""
    *_, together = statements_of(words_of(text))
    return {name for name, bit in BITS.items() if together & bit}


def each_entry(table: Mapping[str, str]) -> pytest.MarkDecorator:
    """A test for each concept and each of its entries."""
    entries = [(concept, entry) for concept, words in table.items() for entry in words.split()]
    ids = [f"{concept}-{entry}" for concept, entry in entries]
    return pytest.mark.parametrize(("concept", "entry"), entries, ids=ids)


def assert_found_in_its_own_words(concept: str, entry: str) -> None:
    """The entry, said among other words, is found to say its concept."""
    text = entry.removesuffix("*").replace("_", " ")
    assert text not in FILLERS - DEMONSTRATIVES, "never said: the plain form drops it"
    # A "not" in an entry of several words turns what else its words say, and "this" whose host it is.
    turned = {"ALLOW": "REFUSED", "EXIST": "UNKNOWN", "AVAILABLE": "OUTAGE", "HOST": "SERVER"}
    assert concepts_in(f"xyzzy {text} xyzzy") & {concept, turned.get(concept)}
