"""The second look at refusals: concepts of sentences, "not" and "this host" resolved, and what they amount to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.concepts import statements_of
from exporter.diagnosis.replies.concepts.statements import BITS, MAX_SENTENCES
from exporter.diagnosis.replies.words import words_of


def _concepts(text: str) -> set[str]:
    *_, together = statements_of(words_of(text))
    return {name for name, bit in BITS.items() if together & bit}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No connections from your host allowed", {"YOU", "HOST", "REFUSED", "NOTALLOW"}),
        ("your host is not welcome", {"YOU", "HOST", "REFUSED"}),
        ("Only authorized hosts may connect", {"HOST", "REFUSED"}),
        ("host unwilling to accept mail from you", {"YOU", "REFUSED"}),
        ("no such person", {"UNKNOWN"}),
        ("the person is not known here", {"UNKNOWN"}),
        ("Ihr Rechner darf hier nicht einliefern", {"YOU", "HOST", "REFUSED"}),
        ("Mails werden von hier nicht angenommen", {"MAIL", "REFUSED"}),
        ("l'abonné n'existe pas", {"RCPT", "UNKNOWN"}),
        ("ваш сервер нам не нравится", {"YOU", "SERVER", "REFUSED"}),
        ("用户不存在", {"RCPT", "UNKNOWN"}),
        ("ユーザが存在しません", {"RCPT", "UNKNOWN"}),
        ("retry in 300s", {"TEMP", "DURATION"}),
        ("[192.0.2.1] again", {"IP"}),
        ("192.0.2.1/24 again", {"IP"}),
        ("[2001:db8::1] again", {"IP"}),
    ],
)
def test_a_sentence_says(text: str, expected: set[str]) -> None:
    assert expected <= _concepts(text)


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("No connections from your host allowed", {"ALLOW"}),
        ("this host does not accept mail", {"HOST"}),  # theirs
        ("could not verify the recipient", {"UNKNOWN"}),  # "not" denies the verb
        ("at 12:34:56", {"IP"}),
        ("Requested action not taken: again", {"REFUSED"}),  # the standard's own words
        ("<user@your-host.example>", {"YOU", "HOST", "RCPT"}),
    ],
)
def test_a_sentence_does_not_say(text: str, absent: set[str]) -> None:
    assert not absent & _concepts(text)


def test_mail_from_this_network_is_ours() -> None:
    assert "HOST" in _concepts("no mail from this network")
    assert "HOST" not in _concepts("no mail in this network")


@pytest.mark.parametrize("spelling", ["gelöscht", "geloescht", "geloscht"])
def test_umlauts_are_known_in_their_spellings(spelling: str) -> None:
    assert "GONE" in _concepts(f"Postfach {spelling}")


@given(st.text(max_size=3000))
def test_there_are_only_so_many_sentences(text: str) -> None:
    assert 1 <= len(statements_of(words_of(text))) <= MAX_SENTENCES + 1
