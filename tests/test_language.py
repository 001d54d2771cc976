"""The form of the source: docstrings, sizes, class names, and a test file for each module."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import exporter

ROOT = Path(exporter.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

# A docstring names its subject or gives an order; a question word hides the subject until the end of the sentence.
QUESTION_WORDS = "who|whoever|what|whatever|whether|which|where|how|why|those|it|that"
OPENS_WITH_A_QUESTION_WORD = re.compile(rf"\s*(?:{QUESTION_WORDS})\b", re.IGNORECASE)
HAS_A_TEST = re.compile(r"^ *(?:async )?def test_", re.MULTILINE)
MAX_LINES = 40
MAX_PARAMETERS = 6

# Modules without a test file of their own name, with the reason. The list only shrinks: a module that has got its test
# file, or is gone, must not stand here.
UNTESTED: dict[str, str] = {
    "exporter": "the version alone",
    "exporter.__main__": "starts exporter.cli: tests/test_cli.py",
    "exporter.egress.listener": "a protocol",
    "exporter.model.warning": "a table of names",
    "exporter.smtp.events": "values alone",
    "exporter.web.backend": "values and protocols alone",
}
# The number of these exceptions. Lower it with each one that goes; it may not be raised.
MOST_UNTESTED = 6

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, Function))


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """The names of the things that have a docstring, with it."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, Function | ast.ClassDef | ast.Module):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "name", "module"), text


def _parameters(function: Function) -> int:
    """The number of parameters that a caller gives."""
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    return sum(each is not None and each.arg not in ("self", "cls") for each in given)


def _test_file(path: Path) -> Path:
    """The file of a module's tests; that of a package has the package's name and stands in its folder."""
    name = path.parent.name if path.name == "__init__.py" else path.stem.strip("_")
    return TESTS / path.relative_to(ROOT).parent / f"test_{name}.py"


def _has_only_a_docstring(path: Path) -> bool:
    return all(isinstance(node, ast.Expr) for node in _tree(path).body)


def test_no_docstring_opens_with_a_question_word() -> None:
    found = [(_name(path), name, text.splitlines()[0]) for path in MODULES for name, text in _docstrings(path)]
    assert [each for each in found if OPENS_WITH_A_QUESTION_WORD.match(each[2])] == []


def test_no_function_is_longer_than_a_screen_or_takes_more_parameters_than_a_hand_holds() -> None:
    sizes = [
        (_name(path), each.name, (each.end_lineno or each.lineno) - each.lineno + 1, _parameters(each))
        for path in MODULES
        for each in _functions(path)
    ]
    assert [each for each in sizes if each[2] > MAX_LINES or each[3] > MAX_PARAMETERS] == []


def test_no_class_name_stands_in_two_modules() -> None:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef):
                found[node.name].add(_name(path))
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_each_module_has_a_test_file_of_its_name() -> None:
    wanted = {_test_file(path) for path in MODULES if not _has_only_a_docstring(path) and _name(path) not in UNTESTED}
    assert [path.relative_to(TESTS.parent) for path in wanted if not path.exists()] == []


def test_the_exceptions_only_become_fewer() -> None:
    assert len(UNTESTED) == MOST_UNTESTED, "lower MOST_UNTESTED" if len(UNTESTED) < MOST_UNTESTED else "write the test"


def test_each_test_file_has_tests() -> None:
    """An empty file of the right name would be no test of its module."""
    texts = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")}
    assert [path for path, text in texts.items() if HAS_A_TEST.search(text) is None] == []


@pytest.mark.parametrize("name", UNTESTED)
def test_an_exception_is_a_module_that_has_no_test_file_yet(name: str) -> None:
    found = {_name(path): path for path in MODULES}
    assert name in found, f"{name} is gone"
    assert not _test_file(found[name]).exists(), f"{name} has a test file now"
    assert UNTESTED[name]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Whether a name is ours.", True),
        ("  What is left.", True),
        ("whoever asks", True),
        ("The name.", False),
        ("Items in order.", False),  # begins like "it"
        ("When the session began.", False),
    ],
)
def test_a_question_word_is_a_whole_word(text: str, refused: bool) -> None:
    assert bool(OPENS_WITH_A_QUESTION_WORD.match(text)) is refused
