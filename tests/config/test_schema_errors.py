"""The findings of pydantic, as places and sentences of a file."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from exporter.config.schema import Section
from exporter.config.schema_errors import module_exists, validate
from exporter.config.yaml_reader import compose
from exporter.model.target import Module


class Inner(Section):
    size: Annotated[int, Field(ge=2, le=9)] = 2
    names: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(default_factory=list)


class Outer(Section):
    needed: str
    inner: Inner = Inner()
    flag: bool = False
    mode: Literal["enforce", "testing"] = "testing"
    table: dict[str, int] = Field(default_factory=dict)


def found(text: str) -> list[str]:
    document = compose("f.yaml", text)
    assert validate(Outer, document.data, document, ()) is None
    return [str(problem).removeprefix("f.yaml:") for problem in document.problems]


def test_data_without_mistakes_is_the_section() -> None:
    document = compose("f.yaml", "needed: x\ninner:\n  size: 9\n")
    section = validate(Outer, document.data, document, ())
    assert section is not None
    assert (section.needed, section.inner.size) == ("x", 9)
    assert document.problems == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("needed: x\nneded: z\n", ["2:1: neded: unknown key; did you mean needed?"]),
        ("needed: x\nabcdefg: z\n", ["2:1: abcdefg: unknown key"]),
        ("needed: x\ninner:\n  sise: 3\n", ["3:3: inner.sise: unknown key; did you mean size?"]),
        ("flag: true\n", ["1:1: needed is missing"]),
        ("needed: x\nflag: maybe\n", ["2:7: flag: must be true or false, not a string"]),
        ("needed: 1\n", ["1:9: needed: must be a string, not a number"]),
        ("needed: x\ninner: 3\n", ["2:8: inner: must be a mapping, not a number"]),
        ("needed: x\ninner:\n  size: big\n", ["3:9: inner.size: must be a whole number, not a string"]),
        ("needed: x\ninner:\n  size: 1\n", ["3:9: inner.size: must be at least 2, not 1"]),
        ("needed: x\ninner:\n  size: 10\n", ["3:9: inner.size: must be at most 9, not 10"]),
        ("needed: x\ninner:\n  names: []\n", ["3:10: inner.names: must not be empty"]),
        ("needed: x\ninner:\n  names: [a, b, c]\n", ["3:10: inner.names: must have at most 2 items, not 3"]),
        ("needed: x\ninner:\n  names: [a, 2]\n", ["3:14: inner.names[1]: must be a string, not a number"]),
        ("needed: x\ninner:\n  names: a\n", ["3:10: inner.names: must be a list, not a string"]),
        ("needed: x\nmode: none\n", ["2:7: mode: must be enforce or testing, not 'none'"]),
        ("needed: x\nmode: [a]\n", ["2:7: mode: must be enforce or testing, not a list"]),
        ("needed: x\ntable: {a: b}\n", ["2:12: table.a: must be a whole number, not a string"]),
        # The reader has reported the value; the schema does not say so again.
        ("needed: x\nflag: y\n", ["2:7: flag: 'y' is true to YAML 1.1 only: write true, or quote it if meant as text"]),
    ],
)
def test_a_mistake_is_a_place_and_a_sentence(text: str, expected: list[str]) -> None:
    assert found(text) == expected


def test_all_mistakes_are_found_at_once() -> None:
    lines = found("flag: 3\nmode: x\n")
    assert [line.split(": ")[1].split()[0] for line in sorted(lines)] == ["needed", "flag", "mode"]


def test_a_module_must_exist() -> None:
    document = compose("f.yaml", "module: ful\n")
    modules = {"full": Module("full")}
    assert module_exists("full", modules, document, ())
    assert module_exists(3, modules, document, ()), "the section's own check reports a value that is no name"
    assert document.problems == []
    assert not module_exists("ful", modules, document, ())
    assert [str(problem) for problem in document.problems] == [
        "f.yaml:1:9: module: there is no module ful; did you mean full?"
    ]
