"""The table of concepts: each row can hold."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.concepts.table import STRONG, WEAK, ConceptRow


@pytest.mark.parametrize("row", [*STRONG, *WEAK])
def test_no_row_contradicts_itself(row: ConceptRow) -> None:
    assert row.stages
    for needed in row.needs:
        assert needed & ~row.without, "what it needs is what it must be without"
