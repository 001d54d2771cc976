"""Refusals without a phrase of any rule: the concepts of their sentences, and the class of a set of concepts. Pure.

:mod:`lexicon` has the words of many languages, :mod:`statements` finds the concepts of each sentence, :mod:`table` has
the class of a set of concepts. The result is a guess, and its confidence says so.
"""

from __future__ import annotations

from exporter.diagnosis.replies.concepts.statements import statements_of
from exporter.diagnosis.replies.concepts.table import STRONG, WEAK, ConceptRow
from exporter.model.failure import Stage

__all__ = ["ConceptRow", "statements_of", "strong_row", "weak_row"]


def strong_row(stage: Stage, code: int, statements: tuple[int, ...]) -> ConceptRow | None:
    """The row for statements that fit each other, of one sentence or of all of them together."""
    return _first(STRONG, stage, code, statements)


def weak_row(stage: Stage, code: int, statements: tuple[int, ...]) -> ConceptRow | None:
    """The row for a single statement at this stage."""
    return _first(WEAK, stage, code, statements)


def _first(table: tuple[ConceptRow, ...], stage: Stage, code: int, statements: tuple[int, ...]) -> ConceptRow | None:
    rows = [row for row in table if stage in row.stages and code in row.codes]
    *sentences, together = statements
    for row in rows:
        if any(row.holds(concepts) for concepts in sentences):
            return row
    return next((row for row in rows if row.holds(together)), None)
