"""The lexicon as a whole: its three tables share no concept, and a stem is no word of another one."""

from __future__ import annotations

import pytest

from exporter.diagnosis.replies.concepts.lexicon import LEXICON
from exporter.diagnosis.replies.concepts.lexicon.statements import STATEMENTS
from exporter.diagnosis.replies.concepts.lexicon.subjects import SUBJECTS
from exporter.diagnosis.replies.concepts.lexicon.topics import TOPICS
from tests.diagnosis.replies.concepts.lexicon.entries import concepts_in


def test_each_concept_stands_in_one_table() -> None:
    assert sorted(LEXICON) == sorted([*SUBJECTS, *STATEMENTS, *TOPICS])


@pytest.mark.parametrize("text", ["xyzzy", "unthrottleable", "hostage", "quotable", "ipswich"])
def test_a_word_that_only_begins_like_an_entry_says_nothing(text: str) -> None:
    assert concepts_in(f"plugh {text} plugh") == set()
