"""The second look at refusals: concepts of sentences, "not" and "this host" resolved, and what they amount to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.concepts import statements_of, strong_row, weak_row
from exporter.diagnosis.replies.concepts.lexicon import LEXICON
from exporter.diagnosis.replies.concepts.statements import BITS, MAX_SENTENCES
from exporter.diagnosis.replies.concepts.table import STRONG, WEAK, ConceptRow
from exporter.diagnosis.replies.words import DEMONSTRATIVES, FILLERS, words_of
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

ENTRIES = [(concept, entry) for concept, entries in LEXICON.items() for entry in entries.split()]


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


@pytest.mark.parametrize(("concept", "entry"), ENTRIES, ids=[f"{concept}-{entry}" for concept, entry in ENTRIES])
def test_each_entry_of_the_lexicon_is_found_in_its_own_words(concept: str, entry: str) -> None:
    text = entry.removesuffix("*").replace("_", " ")
    assert text not in FILLERS - DEMONSTRATIVES, "never said: the plain form drops it"
    # A "not" in an entry of several words turns what else its words say, and "this" whose host it is.
    turned = {"ALLOW": "REFUSED", "EXIST": "UNKNOWN", "AVAILABLE": "OUTAGE", "HOST": "SERVER"}
    assert _concepts(f"xyzzy {text} xyzzy") & {concept, turned.get(concept)}


@pytest.mark.parametrize("row", [*STRONG, *WEAK])
def test_no_row_contradicts_itself(row: ConceptRow) -> None:
    assert row.stages
    for needed in row.needs:
        assert needed & ~row.without, "what it needs is what it must be without"


def test_strong_statements_of_one_sentence_count_before_those_of_several() -> None:
    statements = statements_of(words_of("The mailbox is unknown. Your host is welcome."))
    row = strong_row(Stage.RCPT, 550, statements)
    assert row is not None
    assert row.failure_class is C.MAILBOX_UNKNOWN


def test_statements_that_fit_may_stand_in_two_sentences() -> None:
    statements = statements_of(words_of("Your machine? Refused!"))
    row = strong_row(Stage.MAIL, 550, statements)
    assert row is not None
    assert row.failure_class is C.POLICY_REJECTED


def test_a_single_statement_is_read_by_its_stage() -> None:
    statements = statements_of(words_of("refused"))
    assert strong_row(Stage.BANNER, 554, statements) is None
    row = weak_row(Stage.BANNER, 554, statements)
    assert row is not None
    assert row.failure_class is C.POLICY_REJECTED
    assert weak_row(Stage.RCPT, 550, statements) is None


@given(st.text(max_size=3000))
def test_there_are_only_so_many_sentences(text: str) -> None:
    assert 1 <= len(statements_of(words_of(text))) <= MAX_SENTENCES + 1
