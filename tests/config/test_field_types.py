"""Types of values: what each takes, and the sentence about what it does not take."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from exporter.config.field_types import (
    MAX_BODY,
    MAX_GROUP_NAME,
    MAX_LABEL_VALUE,
    MAX_RECIPIENTS,
    Code,
    Duration,
    Interval,
    Labels,
    Mailboxes,
    ModuleName,
    Port,
    PositiveDuration,
    canary_body,
    file_name,
    group_name,
    kind,
    metric_name,
    optional_host_name,
    replying_stage,
    unless_given,
    user_name,
)


def read(of: Any, value: Any) -> Any:
    return TypeAdapter(of).validate_python(value)


def refusal(of: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as error:
        read(of, value)
    return str(error.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("of", "value", "expected"),
    [
        (Duration, "1m30s", 90.0),
        (Duration, "0s", 0.0),
        (PositiveDuration, "1ms", 0.001),
        (Interval, "1s", 1.0),
        (Port, 1, 1),
        (Port, 65535, 65535),
        (Code, 220, 220),
        (Code, 599, 599),
        (ModuleName, "a.b_c-d", "a.b_c-d"),
        (ModuleName, "m" * 64, "m" * 64),
        (Mailboxes, "a@b.example", ["a@b.example"]),
        (Mailboxes, ["a@b.example", "c@b.example"], ["a@b.example", "c@b.example"]),
        (Labels, {"team": "mail", "_x": ""}, {"team": "mail", "_x": ""}),
        (Labels, {"team": "x" * MAX_LABEL_VALUE}, {"team": "x" * MAX_LABEL_VALUE}),
    ],
)
def test_a_value_is_taken(of: Any, value: Any, expected: Any) -> None:
    assert read(of, value) == expected


@pytest.mark.parametrize(
    ("of", "value", "words"),
    [
        (Duration, 30, "30 needs a unit, such as 30s"),
        (Duration, True, "must be a string such as 30s, not true or false"),
        (Duration, None, "must be a string such as 30s, not empty"),
        (Duration, "soon", "soon"),
        (PositiveDuration, "0s", "must be longer than 0s"),
        (Interval, "60ms", "must be at least 1s"),
        (Port, 0, "greater than or equal to 1"),
        (Port, 65536, "less than or equal to 65535"),
        (Code, 219, "220"),
        (Code, 600, "599"),
        (ModuleName, "-a", "is not a module name"),
        (ModuleName, "a/b", "is not a module name"),
        (ModuleName, "m" * 65, "is not a module name"),
        (Mailboxes, "nobody", "nobody"),
        (Mailboxes, ["a@b.example", "a@b.example"], "a@b.example is listed twice"),
        (Mailboxes, [f"a{number}@b.example" for number in range(MAX_RECIPIENTS + 1)], "at most 100"),
        (Labels, {"9": "x"}, "is not a label name"),
        (Labels, {"a-b": "x"}, "is not a label name"),
        (Labels, {"__name__": "x"}, "because Prometheus sets the labels that begin with __"),
        (Labels, {"team": 1}, "not a number: quote it"),
        (Labels, {"team": True}, "not true or false: quote it"),
        (Labels, {"team": None}, "must be a string, not empty"),
        (Labels, {"team": "a\nb"}, "control character U+000A"),
        (Labels, {"team": "a\x85b"}, "control character U+0085"),
        (Labels, {"team": "a\ud800b"}, "control character U+D800"),
        (Labels, {"team": "x" * (MAX_LABEL_VALUE + 1)}, "at most 1024 characters"),
    ],
)
def test_a_value_is_refused_with_a_sentence(of: Any, value: Any, words: str) -> None:
    assert words in refusal(of, value)


def test_a_metric_is_named_with_or_without_the_suffix_of_a_counter() -> None:
    assert metric_name("mx_host_up") == "mx_host_up"
    assert metric_name("mx_domain_probes") == metric_name("mx_domain_probes_total") == "mx_domain_probes_total"
    for name, words in (("mx_host_upp", "did you mean mx_host_up"), ("mx_exporter_build_info", "not a metric of")):
        with pytest.raises(ValueError, match=words):
            metric_name(name)


def test_the_name_of_a_group_is_one_line() -> None:
    assert group_name("Gold customers, 2026") == "Gold customers, 2026"
    for name in ("", "  ", "a\nb", "x" * (MAX_GROUP_NAME + 1)):
        with pytest.raises(ValueError, match="is not a name"):
            group_name(name)


def test_stages_with_a_reply() -> None:
    assert replying_stage("ehlo") == "ehlo"
    for name, words in (("helo", "ehlo stands for HELO too"), ("connect", "is not a stage with a reply")):
        with pytest.raises(ValueError, match=words):
            replying_stage(name)


def test_names_that_may_be_empty_and_names_that_may_not() -> None:
    assert optional_host_name("") == ""
    assert optional_host_name("mx.b.example") == "mx.b.example"
    assert (user_name("alice"), file_name("a.pem")) == ("alice", "a.pem")
    for check, value in ((optional_host_name, "a b"), (user_name, ""), (file_name, ""), (file_name, "a\0b")):
        with pytest.raises(ValueError):
            check(value)


def test_the_text_of_a_canary_is_bounded_in_octets_and_keeps_its_lines() -> None:
    assert canary_body("a\tb\r\n") == "a\tb\r\n"
    assert canary_body("ä" * (MAX_BODY // 2)).startswith("ä")
    for body, words in (("ä" * (MAX_BODY // 2) + "x", "at most 4096 octets"), ("a\x00", "control characters")):
        with pytest.raises(ValueError, match=words):
            canary_body(body)


@pytest.mark.parametrize(
    ("value", "given"),
    [
        ({"a": None, "b": None}, None),
        ({"a": None, "b": False}, {"a": None, "b": False}),
        ({}, {}),
        ("text", "text"),
    ],
)
def test_a_section_of_empty_keys_is_not_given(value: Any, given: Any) -> None:
    assert unless_given(value) == given


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "empty"), (True, "true or false"), (1, "a number"), ("x", "a string"), ([], "a list"), ({}, "a mapping")],
)
def test_a_kind_of_value_has_a_name(value: Any, words: str) -> None:
    assert kind(value) == words
