"""The orders of stages RFC 5321 allows, and the reasons for those it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.stage_order import STAGES, order_problems


@pytest.mark.parametrize(
    "stages",
    [
        "ehlo",
        "helo",
        "helo mail rcpt",
        "ehlo starttls mail rcpt",
        "ehlo starttls ehlo mail rcpt data",
        "ehlo vrfy starttls expn mail rcpt",
        "ehlo mail vrfy rcpt expn data",
        "ehlo mail rcpt rset",
        "ehlo rset mail rset",
    ],
)
def test_allowed(stages: str) -> None:
    assert list(order_problems(stages.split())) == []


@pytest.mark.parametrize(
    ("stages", "problems"),
    [
        ("mail ehlo", [(0, "ehlo or helo must come first"), (1, "ehlo or helo comes first, and once")]),
        ("starttls", [(0, "ehlo or helo must come first")]),
        ("vrfy", [(0, "ehlo or helo must come first")]),
        ("ehlo ehlo", [(1, "ehlo is listed twice")]),
        ("ehlo helo", [(1, "ehlo or helo comes first, and once")]),
        ("helo starttls", [(1, "starttls needs ehlo: HELO offers no extensions")]),
        ("ehlo mail starttls rcpt", [(2, "starttls must come before mail: it would undo the transaction")]),
        ("ehlo rcpt data", [(1, "rcpt needs mail before it")]),
        ("ehlo mail data", [(2, "data needs rcpt before it")]),
        ("ehlo mail rset rcpt", [(3, "rcpt needs mail before it")]),
        ("ehlo mail rcpt data mail", [(4, "mail is listed twice")]),
        ("ehlo starttls mail ehlo", [(3, "ehlo is listed twice")]),
    ],
)
def test_refused(stages: str, problems: list[tuple[int, str]]) -> None:
    assert list(order_problems(stages.split())) == problems


@given(st.lists(st.sampled_from(STAGES), min_size=1, max_size=7))
def test_what_is_allowed_is_a_legal_conversation(stages: list[str]) -> None:
    """RFC 5321 4.1.4, checked the plain way: each of the transaction's commands has its predecessor."""
    if list(order_problems(stages)):
        return
    assert stages[0] in ("ehlo", "helo")
    transaction = ""
    for stage in stages:
        if stage == "starttls":
            assert "helo" not in stages
            assert not transaction
        if stage == "rcpt":
            assert transaction in ("mail", "rcpt")
        if stage == "data":
            assert transaction == "rcpt"
        transaction = stage if stage in ("mail", "rcpt") else "" if stage in ("rset", "data") else transaction
