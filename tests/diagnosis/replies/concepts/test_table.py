"""The class of a sentence by its concepts."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.concepts import statements_of, strong_row, weak_row
from exporter.diagnosis.replies.concepts.table import STRONG, WEAK, ConceptRow
from exporter.diagnosis.replies.words import words_of
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage


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
