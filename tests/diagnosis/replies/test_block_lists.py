"""The name of the block list in a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.diagnosis.replies.block_lists import named_list


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1", "zen.spamhaus.org"),
        ("see https://www.spamhaus.org/query/ip/192.0.2.1", "spamhaus.org"),
        ("listed in bl.example.net (127.0.0.2)", "bl.example.net"),
        ("mx.b.example refused you: blacklisted at list.example.org", "list.example.org"),
        ("IP blocked by Abusix, OFR004_100", "Abusix"),
        ("your IP has a bad reputation, see https://postmaster.b.example/why?ip=192.0.2.1", "postmaster.b.example"),
        ("mx.b.example does not like 192.0.2.1", ""),
        ("write to delist@b.example", ""),
        ("", ""),
    ],
)
def test_the_list_that_a_reply_names(text: str, expected: str) -> None:
    assert named_list(text) == expected


@given(st.text(max_size=4000))
def test_a_named_list_is_short_and_printable(text: str) -> None:
    name = named_list(text)
    assert len(name) <= 253
    assert name.isprintable()
    assert name.isascii()
