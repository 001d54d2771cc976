"""The nearest known name, where there is one."""

from __future__ import annotations

import pytest

from exporter.config.suggestions import nearest, nearest_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("intervall", "; did you mean interval?"), ("xyzzy", ""), ("interval" * 1000, ""), ("", "")],
)
def test_a_name_near_enough_is_suggested(name: str, expected: str) -> None:
    assert nearest(name, ["interval", "timeout", "interval" * 1000]) == expected
    assert nearest_name(name, ["interval", "timeout"]) == ("interval" if expected else "")
