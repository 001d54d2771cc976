"""Plain scalars mean what YAML 1.1 and 1.2 agree on, or nothing."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.yaml_scalars import ScalarError, needs_quotes, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("25", 25),
        ("-1", -1),
        ("", None),
        ("~", None),
        ("null", None),
        ("30s", "30s"),
        ("example.com", "example.com"),
        ("no.example", "no.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.9:25", "192.0.2.9:25"),
        ("2001:db8::1", "2001:db8::1"),
        ("10.0.0.0/8", "10.0.0.0/8"),
    ],
)
def test_what_both_versions_agree_on(text: str, value: object) -> None:
    resolved = resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        *((word, "write false") for word in ("no", "No", "NO", "off", "Off", "n", "N", "False", "FALSE")),
        *((word, "write true") for word in ("yes", "Yes", "on", "ON", "y", "Y", "True", "TRUE")),
        ("012", "leading zero"),
        ("089", "leading zero"),
        ("0x1F", "decimal"),
        ("0o17", "decimal"),
        ("0b11", "decimal"),
        ("1_000", "underscores"),
        ("1:30", "give a unit"),
        ("190:20:30.15", "give a unit"),
        ("1:2:3:4:5:6:7:8", "quote"),
        ("1.5", "smaller unit"),
        ("1e3", "fraction"),
        (".5", "fraction"),
        (".inf", "fraction"),
        (".NaN", "fraction"),
        ("2001-12-14", "date"),
        ("2001-12-14T21:59:43Z", "date"),
        ("=", "quote"),
        ("<<", "quote"),
        ("9" * 5000, "too large"),
    ],
)
def test_what_they_read_differently_is_refused_with_what_to_write(text: str, advice: str) -> None:
    with pytest.raises(ScalarError, match=advice):
        resolve(text)


@given(st.from_regex(r"[-+.0-9a-fA-FxXoOyYnNeEsS_:~=<]{1,8}", fullmatch=True))
def test_text_is_only_what_yaml_1_1_takes_for_text(text: str) -> None:
    """Where resolve gives the text itself, PyYAML's YAML 1.1 does too."""
    try:
        resolved = resolve(text)
    except ScalarError:
        assert needs_quotes(text)
        return
    if resolved != text:
        assert needs_quotes(text)
        return
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    assert tag == "tag:yaml.org,2002:str"
