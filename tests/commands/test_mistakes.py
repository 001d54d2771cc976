"""Mistakes in a command line name their flag."""

from __future__ import annotations

import pytest

from exporter.commands.mistakes import ManualError, parse_flag


def test_a_flag_is_refused_in_words() -> None:
    assert parse_flag(int, "3", "--count") == 3
    with pytest.raises(ManualError, match=r"^--count: "):
        parse_flag(int, "many", "--count")
