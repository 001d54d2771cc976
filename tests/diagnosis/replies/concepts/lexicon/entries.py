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


def each_concept(table: Mapping[str, str]) -> pytest.MarkDecorator:
    """A test for each concept, with its entries."""
    return pytest.mark.parametrize(("concept", "entries"), table.items(), ids=table)


def not_found_in_their_own_words(concept: str, entries: str) -> list[str]:
    """The entries that are not found to say their concept where they are said among other words."""
    # A "not" in an entry of several words turns what else its words say, and "this" whose host it is.
    turned = {"ALLOW": "REFUSED", "EXIST": "UNKNOWN", "AVAILABLE": "OUTAGE", "HOST": "SERVER"}
    wanted = {concept, turned.get(concept)}
    texts = {entry: entry.removesuffix("*").replace("_", " ") for entry in entries.split()}
    dropped = FILLERS - DEMONSTRATIVES  # never said: the plain form has none of them
    return [
        entry for entry, text in texts.items() if text in dropped or not concepts_in(f"xyzzy {text} xyzzy") & wanted
    ]
