"""The shared words of the rules: each can stand in a phrase and is found, and none is there twice."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.rule import says
from exporter.diagnosis.replies.rules import vocabulary
from exporter.diagnosis.replies.words import words_of

PLACES = {name: place for name, place in vars(vocabulary).items() if name.isupper()}


@pytest.mark.parametrize("name", PLACES)
def test_each_word_is_found_in_a_refusal(name: str) -> None:
    (phrase,) = says(PLACES[name])
    for word in PLACES[name].split("|"):
        said = word.removesuffix("*").replace("_", " ")
        words = words_of(f"550 Sorry, {said} xyzzy")
        assert phrase.keys & words.keys, word
        assert phrase.pattern.search(words.said), word


@pytest.mark.parametrize("name", PLACES)
def test_no_word_is_there_twice(name: str) -> None:
    words = PLACES[name].split("|")
    assert sorted(set(words)) == sorted(words)
