"""The example configuration explains the whole schema."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

import exporter
from exporter.config.load import load
from exporter.config.schema import SECTIONS, DomainEntry, GroupSection, HostEntry, ModuleSection, Options, Section
from exporter.config.yaml_reader import read

EXAMPLE = Path(exporter.__file__).parent.parent / "config.example.yaml"


def key_paths(model: type[Section]) -> set[str]:
    """`defaults.source_address.ipv4` and the like, below `model`."""
    found = set()
    for name, info in model.model_fields.items():
        name = info.alias or name
        found.add(name)
        for annotation in (info.annotation, *get_args(info.annotation)):
            if isinstance(annotation, type) and issubclass(annotation, Section):
                found |= {f"{name}.{below}" for below in key_paths(annotation)}
    return found


def given_paths(data: Any) -> set[str]:
    found = set()
    for name, value in data.items():
        found.add(name)
        if isinstance(value, dict):
            found |= {f"{name}.{below}" for below in given_paths(value)}
    return found


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    data = read(EXAMPLE, EXAMPLE.name).data
    assert isinstance(data, dict)
    return data


def test_the_example_is_valid() -> None:
    assert {target.name for target in load(EXAMPLE).targets} >= {"example.com", "example.org"}


def test_the_example_has_every_section(example: dict[str, Any]) -> None:
    assert example.keys() == SECTIONS.keys()


@pytest.mark.parametrize("name", [name for name, model in SECTIONS.items() if model is not None])
def test_the_example_has_every_key_of_a_section(name: str, example: dict[str, Any]) -> None:
    model = SECTIONS[name]
    assert model is not None
    assert key_paths(model) <= given_paths(example[name])


def test_the_example_has_every_key_of_a_module(example: dict[str, Any]) -> None:
    assert key_paths(ModuleSection) <= given_paths(example["modules"]["full"])


@pytest.mark.parametrize(
    ("section", "model"), [("domains", DomainEntry), ("hosts", HostEntry), ("groups", GroupSection)]
)
def test_the_example_has_every_key_of_a_target(section: str, model: type[Section], example: dict[str, Any]) -> None:
    given = set().union(*(item.keys() for item in example[section] if isinstance(item, dict)))
    assert model.model_fields.keys() - Options.model_fields.keys() <= given


def test_the_example_shows_the_defaults(example: dict[str, Any], tmp_path: Path) -> None:
    """What the comments call the default is the default."""
    bare = tmp_path / "bare.yaml"
    bare.write_text("{}")
    shown, default = load(EXAMPLE), load(bare)
    assert shown.defaults == default.defaults
    assert (shown.resolver, shown.limits) == (default.resolver, default.limits)
    assert replace(shown.egress, references=()) == default.egress  # an example: without any, a check warns
