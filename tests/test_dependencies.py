"""The requirements of pyproject.toml: all that is imported and nothing else, with bounds that are true."""

from __future__ import annotations

import ast
import importlib
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

import exporter

ROOT = Path(exporter.__file__).parent
PROJECT = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__main__.py")
REQUIREMENTS = [Requirement(text) for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fast"])]
BY_NAME = {canonicalize_name(requirement.name): requirement for requirement in REQUIREMENTS}
TESTS = [Requirement(text) for text in PROJECT["optional-dependencies"]["test"]]
# Brought in the one version that fits by what we ask for.
BROUGHT = {"pydantic-core"}


def _lowest(requirement: Requirement) -> Version | None:
    return next((Version(each.version) for each in requirement.specifier if each.operator == ">="), None)


def _upper(requirement: Requirement) -> Version | None:
    return next((Version(each.version) for each in requirement.specifier if each.operator == "<"), None)


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def _trees() -> Iterator[ast.Module]:
    for path in MODULES:
        yield ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> dict[str, str]:
    """What a module knows of others' packages: the name it goes by here -> its own, with the package's."""
    known: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known += [(alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            known += [(alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names]
    # Of two by one name, the foreign one: the standard library's stands in where that is not installed.
    return {here: name for here, name in known if _is_foreign(name)}


def _is_foreign(name: str) -> bool:
    package = name.partition(".")[0]
    return package not in sys.stdlib_module_names and package != "exporter"


def _distribution(name: str) -> NormalizedName:
    """The distribution that brings a module."""
    return canonicalize_name(_distributions()[name.partition(".")[0]][0])


@cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _root(node: ast.expr) -> str:
    """The name that an expression such as `uvicorn.Server` or `Generic[T]` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _inherited(tree: ast.Module) -> set[str]:
    """The foreign names whose classes are subclassed."""
    known = _imports(tree)
    bases = [_root(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return {known[base] for base in bases if base in known}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT.parent).as_posix())
def test_every_module_is_imported_with_what_is_installed(path: Path) -> None:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def test_what_is_imported_is_asked_for_and_the_other_way_round() -> None:
    installed = _distributions()
    names = {name.partition(".")[0] for tree in _trees() for name in _imports(tree).values()}
    # uvloop is not there on every system, and `fast` is a choice: imported only where they are.
    imported = {_distribution(name) if name in installed else canonicalize_name(name) for name in names}
    assert imported - BROUGHT == set(BY_NAME)


@pytest.mark.parametrize("requirement", [*REQUIREMENTS, *TESTS], ids=lambda each: each.name)
def test_each_requirement_has_a_lower_bound(requirement: Requirement) -> None:
    assert _lowest(requirement) is not None


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda each: each.name)
def test_what_is_installed_is_within_the_bounds(requirement: Requirement) -> None:
    if _applies(requirement):
        assert metadata.version(requirement.name) in requirement.specifier


def test_a_library_whose_classes_are_subclassed_has_an_upper_bound() -> None:
    """A subclass leans on more than what is documented; a new major version may change it."""
    inherited = {_distribution(name) for tree in _trees() for name in _inherited(tree)}
    assert {"uvicorn", "pydantic", "starlette", "prometheus-client", "pyyaml"} <= inherited
    assert {name for name in inherited if _upper(BY_NAME[name]) is None} == set()


def test_a_subclass_is_seen_however_it_is_imported() -> None:
    for text in (
        "import uvicorn\nclass A(uvicorn.Server): ...",
        "import uvicorn as u\nclass A(u.Server): ...",
        "from uvicorn import Server as S\nclass A(int, S): ...",
        "from uvicorn.protocols.http.h11_impl import H11Protocol\nclass A(H11Protocol[int]): ...",
    ):
        assert [_distribution(name) for name in _inherited(ast.parse(text))] == ["uvicorn"]
    assert _inherited(ast.parse("import uvicorn, enum\nclass A(enum.Enum): ...")) == set()


@pytest.mark.skipif(os.environ.get("RESOLUTION") != "lowest-direct", reason="for the job with the lowest versions")
@pytest.mark.parametrize("requirement", [*REQUIREMENTS, *TESTS], ids=lambda each: each.name)
def test_the_lowest_versions_are_what_is_tested(requirement: Requirement) -> None:
    """A bound that another package's overrides would never be tried."""
    bound = _lowest(requirement)
    assert bound is not None
    assert Version(metadata.version(requirement.name)).release[: len(bound.release)] == bound.release
