"""The normal form of a reply's text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.words import MAX_EXAMINED_CHARS, words_of


@given(st.text(max_size=3000))
def test_the_plain_form_is_bounded_and_keeps_no_case(text: str) -> None:
    said = words_of(text).said
    assert said == said.lower()
    # "<>" becomes a word; a letter in lower case or without accents may take two characters.
    assert len(said) <= 12 * MAX_EXAMINED_CHARS
