"""The policy file, and which MX names it covers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.policies.mtasts.policy import MAX_AGE_SECONDS, MAX_POLICY_BYTES, MtaStsPolicy, parse_policy

# RFC 8461 3.2
EXAMPLE = b"""\
version: STSv1
mode: enforce
mx: mail.example.com
mx: *.example.net
mx: backupmx.example.com
max_age: 604800
"""
MINIMAL = b"version: STSv1\nmode: none\nmax_age: 0"


def _policy(mode: str = "testing", mx: str = "mx.a.example", max_age: str = "60", more: str = "") -> bytes:
    return f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {max_age}\n{more}".encode()


def test_the_example_of_the_standard() -> None:
    expected = MtaStsPolicy("enforce", 604800, ("mail.example.com", "*.example.net", "backupmx.example.com"))
    assert parse_policy(EXAMPLE) == expected
    assert parse_policy(EXAMPLE.replace(b"\n", b"\r\n")) == expected
    assert parse_policy(EXAMPLE.removesuffix(b"\n")) == expected


def test_mode_none_needs_no_mx() -> None:
    assert parse_policy(MINIMAL) == MtaStsPolicy("none", 0)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (_policy(more="foo: bar baz\nmta_sts.x-y: ü\n"), MtaStsPolicy("testing", 60, ("mx.a.example",))),
        (_policy(more="mode: none\nmax_age: 5\nversion: 2\n"), MtaStsPolicy("testing", 60, ("mx.a.example",))),
        (_policy(more="mx: mx.a.example\nmx: MX.A.example\n"), MtaStsPolicy("testing", 60, ("mx.a.example",))),
        (_policy("\t enforce \t"), MtaStsPolicy("enforce", 60, ("mx.a.example",))),
        (_policy(mx="localhost"), MtaStsPolicy("testing", 60, ("localhost",))),
        (_policy(mx="*.xn--mller-kva.example"), MtaStsPolicy("testing", 60, ("*.xn--mller-kva.example",))),
        (_policy(max_age=str(MAX_AGE_SECONDS)), MtaStsPolicy("testing", MAX_AGE_SECONDS, ("mx.a.example",))),
        (b"max_age:0\nmode:none\nversion:STSv1\r\n", MtaStsPolicy("none", 0)),
    ],
)
def test_what_the_grammar_allows_is_taken(data: bytes, expected: MtaStsPolicy) -> None:
    assert parse_policy(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\xef\xbb\xbf" + EXAMPLE,
        b"\xff" + EXAMPLE,
        b"\n" + EXAMPLE,
        EXAMPLE + b"\n",
        EXAMPLE.replace(b"\n", b"\n\n"),
        EXAMPLE.replace(b"\n", b"\r"),
        b"<html><body>404</body></html>",
        _policy().replace(b"version: STSv1\n", b""),
        _policy().replace(b"mode: testing\n", b""),
        _policy().replace(b"max_age: 60\n", b""),
        _policy().replace(b"mx: mx.a.example\n", b""),
        _policy().replace(b"STSv1", b"STSv2"),
        _policy().replace(b"STSv1", b"stsv1"),
        _policy().replace(b"mode:", b"mode :"),
        _policy().replace(b"mode:", b" mode:"),
        _policy().replace(b"mode:", b"Mode:"),
        _policy("report"),
        _policy("Enforce"),
        _policy("enforce testing"),
        _policy(""),
        _policy(max_age="-1"),
        _policy(max_age="1.5"),
        _policy(max_age="1 day"),
        _policy(max_age="٣"),
        _policy(max_age=str(MAX_AGE_SECONDS + 1)),
        _policy(max_age="00000000001"),
        _policy(mx="*"),
        _policy(mx="*."),
        _policy(mx="*.*.example"),
        _policy(mx="mx.*.example"),
        _policy(mx="m*.a.example"),
        _policy(mx=".a.example"),
        _policy(mx="mx.a.example."),
        _policy(mx="mx.a.example, mx.b.example"),
        _policy(mx="mx_1.a.example"),
        _policy(mx="-mx.a.example"),
        _policy(mx="müller.example"),
        _policy(mx=f"{'x' * 64}.example"),
        _policy(mx=".".join(["x" * 60] * 5)),
        _policy(more="foo\n"),
        _policy(more="foo:\n"),
        _policy(more="foo: \x07\n"),
        _policy(more="foo: a\0b\n"),
        _policy(more=f"{'f' * 33}: x\n"),
        _policy(more="f o: x\n"),
    ],
)
def test_what_it_does_not_allow_is_refused_with_the_reason(data: bytes) -> None:
    with pytest.raises(ValueError) as raised:
        parse_policy(data)
    assert str(raised.value).isprintable()


def test_a_policy_has_64_kib_at_most() -> None:
    filler = b"x: " + b"y" * (MAX_POLICY_BYTES - len(MINIMAL) - 5) + b"\n"
    assert len(filler + MINIMAL) == MAX_POLICY_BYTES - 1
    assert parse_policy(filler + MINIMAL).mode == "none"
    with pytest.raises(ValueError, match="longer"):
        parse_policy(b"yy" + filler + MINIMAL)


@pytest.mark.parametrize("filler", [b" ", b"\t \t", b":", b"*.", b"a.", b"\r", b";"])
def test_hostile_lines_cost_no_more_than_their_length(filler: bytes) -> None:
    """A square of 64 Ki would be minutes."""
    data = b"x:a" + filler * ((MAX_POLICY_BYTES - 20) // len(filler)) + b"\rb\nmx: "
    began = time.process_time()
    for text in (data, data.replace(b"x:a", b"mx:"), data.replace(b"x:a", b"x")):
        with pytest.raises(ValueError):
            parse_policy(text[:MAX_POLICY_BYTES])
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("mail.example.com", "mail.example.com", True),
        ("Mail.Example.COM", "mail.example.com", True),
        ("mail.example.com", "mail2.example.com", False),
        ("mail.example.com", "a.mail.example.com", False),
        ("*.example.com", "mail.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.mail.example.com", False),
        ("*.example.com", "mail.example.org", False),
        ("*.com", "example.com", True),
        ("*.example.com", "", False),
        ("localhost", "localhost", True),
    ],
)
def test_a_wildcard_stands_for_one_label(pattern: str, name: str, matches: bool) -> None:
    assert parse_policy(_policy(mx=pattern)).matches(name) is matches


@given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda more: EXAMPLE + more))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        policy = parse_policy(data)
    except ValueError:
        return
    assert 0 <= policy.max_age <= MAX_AGE_SECONDS
    assert policy.mx or policy.mode == "none"


_KEYS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", fullmatch=True).filter(
    lambda key: key not in ("version", "mode", "max_age", "mx")
)
_CHARS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters=" ")
_VALUES = st.lists(st.text(_CHARS, min_size=1, max_size=8), min_size=1, max_size=3).map(" ".join)


@given(
    st.lists(st.tuples(_KEYS, _VALUES), max_size=3).map(lambda fields: [f"{key}: {value}" for key, value in fields]),
    st.permutations(["version: STSv1", "mode:enforce", "mx:\t*.a.example ", "mx: mx.b.example", "max_age: 0007"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_whatever_the_grammar_allows_is_taken(
    extensions: list[str], fields: list[str], line_end: str, last: bool
) -> None:
    text = line_end.join([*extensions, *fields]) + (line_end if last else "")
    policy = parse_policy(text.encode())
    assert (policy.mode, policy.max_age, set(policy.mx)) == ("enforce", 7, {"*.a.example", "mx.b.example"})
