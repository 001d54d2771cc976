"""Each word for the statements of a refusal is found in its own words."""

from __future__ import annotations

from exporter.diagnosis.replies.concepts.lexicon.statements import STATEMENTS
from tests.diagnosis.replies.concepts.lexicon.entries import each_concept, not_found_in_their_own_words


@each_concept(STATEMENTS)
def test_an_entry_is_found_in_its_own_words(concept: str, entries: str) -> None:
    assert not_found_in_their_own_words(concept, entries) == []
