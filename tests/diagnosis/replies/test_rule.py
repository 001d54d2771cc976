"""The notation of the rules: what a phrase finds, and that each phrase of the table can be found at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.diagnosis.replies.rule import GAP_CHARS, Phrase, says
from exporter.diagnosis.replies.rules import RULES
from exporter.diagnosis.replies.words import words_of

PHRASES = [phrase for rule in RULES for phrase in rule.says]


def _finds(written: str, text: str) -> bool:
    (phrase,) = says(written)
    return _found_in(phrase, text)


def _found_in(phrase: Phrase, text: str) -> bool:
    words = words_of(text)
    return bool(phrase.keys & words.keys) and phrase.pattern.search(words.said) is not None


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("mailbox|inbox full", "The INBOX is full!"),
        ("no_such user", "No such user: <a@b.example>"),
        ("quota ... exceed*", "Quota of the mailbox has been exceeded"),
        ("black-list*", "it is black-listed"),
        ("black-list*", "Blacklisted"),
        ("no valid? mx", "no MX"),
        ("no valid? mx", "has no valid MX"),
        ("not found", "it couldn't be found"),
        ("not found", "cannot find it, not found"),
        ("not exist*", "doesnt exist"),
        ("boite pleine", "Boîte pleine"),
        ("邮箱 ... 停用", "该邮箱已停用"),
        ("user unknown", "550 5.1.1 <a@b.example>... User [192.0.2.1] unknown"),
        ("not found", "RESOLVER.ADR.RecipNotFound; not found"),
        ("try again", "greylisted.Try again"),
    ],
)
def test_a_phrase_finds(written: str, text: str) -> None:
    assert _finds(written, text)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("mailbox full", "Mailbox. Full stop"),
        ("quota ... exceed*", "Quota. Exceeded"),
        ("quota ... exceed*", f"Quota {'x' * (GAP_CHARS + 1)} exceeded"),
        ("spam", "<spam@b.example>"),
        ("spam", "see https://b.example/spam/policy?x=spam"),
        ("spam", "mx.spam.b.example"),
        ("full", "fully"),
        ("full", "wonderful"),
    ],
)
def test_a_phrase_does_not_find(written: str, text: str) -> None:
    assert not _finds(written, text)


@pytest.mark.parametrize("written", ["the mailbox", "is_full", "max*", "user|用户"])
def test_a_phrase_that_cannot_be_found_is_an_error(written: str) -> None:
    with pytest.raises(ValueError):
        says(written)


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.written[:60])
def test_each_alternative_of_each_phrase_is_found_in_its_own_words(phrase: Phrase) -> None:
    places = [
        [re.sub(r"[*]$", "", word).replace("_", " ").replace("-", "") for word in part.removesuffix("?").split("|")]
        for part in phrase.written.split(" ")
        if part != "..."
    ]
    for place, alternatives in enumerate(places):
        for alternative in alternatives:
            text = " ".join(alternative if other == place else places[other][0] for other in range(len(places)))
            assert _found_in(phrase, text), text


@settings(max_examples=50)  # a text is made from a pattern slowly
@given(st.sampled_from(PHRASES), st.data())
def test_no_text_that_a_phrase_matches_is_missed_by_its_keys(phrase: Phrase, data: st.DataObject) -> None:
    words = words_of(data.draw(st.from_regex(phrase.pattern)))
    assert phrase.pattern.search(words.said) is None or phrase.keys & words.keys
