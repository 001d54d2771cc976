"""The page of the configuration has every key, with its default, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_args

import yaml

from exporter.config.label_names import REFUSED_LABELS
from exporter.config.load import load
from exporter.config.schema import SECTIONS, DomainEntry, GroupSection, HostEntry, ModuleSection, Options, Section
from tests.docs.pages import CONFIGURATION, ROOT, names

# (key, default) of each row whose table has a column of defaults.
DEFAULTS = {
    names(cells[0])[0]: cells[1]
    for section in ("defaults", "resolver", "limits", "modules", "egress", "standing", "metrics")
    for cells in CONFIGURATION.rows(section)
}
_LISTS: Final[dict[str, type[Section]]] = {"domains": DomainEntry, "hosts": HostEntry, "groups": GroupSection}


def _section_of(annotation: Any) -> type[Section] | None:
    """The section that a key leads to, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = (_section_of(each) for each in get_args(annotation))
    return next((each for each in found if each is not None), None)


def _keys(model: type[Section], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}.{field.alias or name}"
        below = _section_of(field.annotation)
        if below is None:
            yield key
        else:
            yield from _keys(below, key)


def _all_keys() -> set[str]:
    found: set[str] = set()
    for name, model in SECTIONS.items():
        if model is not None:
            found |= set(_keys(model, name))
        elif name == "modules":
            found |= set(_keys(ModuleSection, "modules.*"))
        else:
            found.add(name)
    for name, entry in _LISTS.items():
        found |= {key for key in _keys(entry, f"{name}[]") if key.rpartition(".")[2] not in Options.key_names()}
        found -= set(_keys(Options, f"{name}[]"))
    return found


def test_every_key_has_a_row_and_there_is_no_other() -> None:
    told = [name for cells in CONFIGURATION.rows("Targets") for name in names(cells[0])] + list(DEFAULTS)
    assert sorted(told) == sorted(_all_keys())


def _written_out() -> dict[str, Any]:
    """A configuration in which every default that the page tells is written out."""
    text: dict[str, Any] = {"domains": ["example.com"]}
    for key, cell in DEFAULTS.items():
        if re.fullmatch(r"`[^`]+`", cell) is None:
            continue  # told in words: empty, none, that of another key
        place = text
        *path, last = key.replace("*", "told").split(".")
        for name in path:
            place = place.setdefault(name, {})
        place[last] = yaml.safe_load(cell.strip("`"))
    return text


def test_every_default_is_the_one_that_holds_without_the_key(tmp_path: Path) -> None:
    written = _written_out()
    assert len(str(written)) > 400  # there is something to compare
    told, bare = tmp_path / "told.yaml", tmp_path / "bare.yaml"
    told.write_text(yaml.safe_dump(written), encoding="utf-8")
    bare.write_text("domains: [example.com]\n", encoding="utf-8")
    ours, theirs = load(told), load(bare)
    assert replace(ours.modules["told"], name="default") == theirs.modules["default"]
    assert replace(ours, modules=theirs.modules, files=theirs.files) == theirs


def test_the_example_file_names_every_key() -> None:
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    for key in _all_keys():
        assert f"{key.rpartition('.')[2]}:" in example, key


def test_the_refused_labels_are_told_with_who_sets_them() -> None:
    told = {name: cells[0] for cells in CONFIGURATION.rows("Labels") for name in names(cells[1])}
    assert {name: by for name, by in told.items() if name not in ("__", "exported_")} == dict(REFUSED_LABELS)
