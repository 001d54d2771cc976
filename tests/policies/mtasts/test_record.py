"""The `_mta-sts` TXT record."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.policies.mtasts.record import policy_id

WELL_FORMED = [
    (b"v=STSv1; id=20160831085700Z;", "20160831085700Z"),  # the example of RFC 8461 3.1
    (b"v=STSv1;id=1", "1"),
    (b"v=STSv1;id=1;", "1"),
    (b"v=STSv1; \t id=1\t;\t", "1"),
    (b"v=STSv1; id=" + b"a" * 32, "a" * 32),
    (b"v=STSv1; foo=bar; id=1", "1"),
    (b"v=STSv1; id=1; id=2", "1"),
    (b"v=STSv1; id=1; a_b-c.d=!~:<", "1"),
    (b"v=STSv1; idx=2; id=1", "1"),
]
MALFORMED = [
    b"v=STSv1",
    b"v=STSv1;",
    b"v=STSv1; id=",
    b"v=STSv1; id=" + b"a" * 33,
    b"v=STSv1; id=a-b",
    b"v=STSv1; id=1; id=a-b",
    b"v=STSv1; ID=1",
    b"v=STSv1; id = 1",
    b"v=STSv1; id=1;;",
    b"v=STSv1; id=1 x",
    b"v=STSv1; id=1\n",
    b"v=STSv1; foo=bar",
    b"v=STSv1; foo=a=b; id=1",
    b"v=STSv1; _foo=bar; id=1",
    b"v=STSv1; " + b"f" * 33 + b"=bar; id=1",
    b"v=STSv1; id=1; \xff=1",
    b"V=STSv1; id=1",
    b"v=STSV1; id=1",
    b"v=STSv2; id=1",
    b" v=STSv1; id=1",
    b"v = STSv1; id=1",
]


@pytest.mark.parametrize(("text", "expected"), WELL_FORMED)
def test_a_well_formed_record_gives_its_id(text: bytes, expected: str) -> None:
    assert policy_id([text]) == expected


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_record_is_refused_with_the_reason(text: bytes) -> None:
    with pytest.raises(ValueError) as raised:
        policy_id([text])
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("texts", [[], [b"v=spf1 -all"], [b""], [b"google-site-verification=x", b"v=DMARC1; p=none"]])
def test_texts_about_something_else_are_no_record(texts: list[bytes]) -> None:
    assert policy_id(texts) is None


def test_a_record_among_other_texts_counts() -> None:
    assert policy_id([b"v=spf1 -all", b"v=STSv1; id=7;", b"v=STSv2; id=8"]) == "7"


def test_two_records_are_refused() -> None:
    with pytest.raises(ValueError, match="2 records"):
        policy_id([b"v=STSv1; id=7;", b"v=STSv1; id=8;"])


@given(st.lists(st.binary(max_size=80) | st.binary(max_size=60).map(lambda rest: b"v=STSv1;" + rest), max_size=4))
def test_no_bytes_raise_anything_else(texts: list[bytes]) -> None:
    try:
        found = policy_id(texts)
    except ValueError:
        return
    assert found is None or (found.isalnum() and found.isascii() and len(found) <= 32)


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", fullmatch=True).filter(lambda name: name != "id")
_VALUES = st.from_regex(r"[!-:<>-~]{1,20}", fullmatch=True)
_SPACES = st.text(" \t", max_size=3)


@given(
    st.from_regex(r"[A-Za-z0-9]{1,32}", fullmatch=True),
    st.lists(st.tuples(_NAMES, _VALUES), max_size=4),
    st.integers(0, 4),
    st.lists(st.tuples(_SPACES, _SPACES), min_size=6, max_size=6),
    st.booleans(),
)
def test_whatever_the_grammar_allows_is_taken(
    identity: str, extensions: list[tuple[str, str]], place: int, spaces: list[tuple[str, str]], last: bool
) -> None:
    fields = [f"{name}={value}" for name, value in extensions]
    fields.insert(place, f"id={identity}")
    text = "v=STSv1"
    for field, (before, after) in zip(fields, spaces, strict=False):
        text += f"{before};{after}{field}"
    text += ";" if last else ""
    found = policy_id([text.encode()]) if text.startswith("v=STSv1;") else policy_id([text.encode(), b"v=spf1 -all"])
    assert found == identity
