"""A YAML file becomes plain data with places, and every mistake of its form is found."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import yaml_reader
from exporter.config.yaml_document import REFUSED
from exporter.config.yaml_reader import compose, read


def problems(text: str) -> list[str]:
    return [str(problem) for problem in compose("f.yaml", text).problems]


@pytest.fixture(params=["C", "Python"], autouse=True)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers give the same; which one there is depends on the machine."""
    if request.param == "Python":
        monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML was built without libyaml")


def test_data_is_plain() -> None:
    read_document = compose("f", "a: [1, 'no', {b: true, c: }]\nd: \"x\\ty\"\ne: |\n  text\n")
    assert read_document.data == {"a": [1, "no", {"b": True, "c": None}], "d": "x\ty", "e": "text\n"}
    assert read_document.problems == []


def test_every_key_and_value_has_its_place() -> None:
    read_document = compose("f", "a:\n  - x\n  - b:  y\n")
    assert str(read_document.place(("a", 1, "b"))) == "f:3:9"
    assert str(read_document.place(("a", 1, "b"), key=True)) == "f:3:5"
    assert str(read_document.place(("a", 0))) == "f:2:5"


def test_what_is_not_there_has_the_place_of_what_is_around_it() -> None:
    read_document = compose("f", "a:\n  - b: y\n")
    assert str(read_document.place(("a", 0, "c"))) == "f:2:5"
    assert read_document.existing(("a", 0, "c")) == ("a", 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: a: duplicate key; the first is at f.yaml:1:1"),
        ("x:\n  - {a: 1, a: 2}\n", "f.yaml:2:12: x[0].a: duplicate key; the first is at f.yaml:2:6"),
        ("a: !!str 3\n", "f.yaml:1:4: a: YAML tags are not taken: !!str"),
        ("a: !foo {}\n", "f.yaml:1:4: a: YAML tags are not taken: !foo"),
        ("a: !!python/name:os.system x\n", "f.yaml:1:4: a: YAML tags are not taken: !!python/name:os.system"),
        ("1: a\n", "f.yaml:1:1: a key must be a string: quote '1'"),
        ("~: a\n", "f.yaml:1:1: a key must be a string: quote '~'"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a string"),
        (
            "no: a\n",
            "f.yaml:1:1: a key must be a string: quote 'no'",
        ),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second YAML document begins here; a file has one"),
        ("a: *b\n", "f.yaml:1:4: a: the alias *b is defined nowhere above"),
        ("a: &x [*x]\n", "f.yaml:1:8: a[0]: the alias *x stands inside the value it names"),
        ("a: \x00\n", "f.yaml:1:4: contains the character U+0000, which YAML does not allow"),
        ("a: b\nc: \x1b[0m\n", "f.yaml:2:4: contains the character U+001B, which YAML does not allow"),
    ],
)
def test_form(text: str, expected: str) -> None:
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("text", "place"), [("a: b: c\n", "1:5"), ("a: 1\n\tb: 2\n", "2:1"), ("a: 'x\n", "2:1"), ("- @x\n", "1:3")]
)
def test_a_syntax_error_has_its_place(text: str, place: str) -> None:
    read_document = compose("f.yaml", text)
    (problem,) = read_document.problems
    assert str(problem).startswith(f"f.yaml:{place}: YAML syntax error: ")
    assert read_document.data is REFUSED


def test_all_mistakes_before_a_syntax_error_are_told_too() -> None:
    assert [line.split(": ")[0] for line in problems("a: no\na: 2\nb: 'x\n")] == [
        "f.yaml:1:4",
        "f.yaml:2:1",
        "f.yaml:4:1",
    ]


def test_an_alias_shares_the_value_and_its_place() -> None:
    read_document = compose("f", "a: &x {k: v}\nb: *x\n")
    assert read_document.data == {"a": {"k": "v"}, "b": {"k": "v"}}
    assert str(read_document.place(("b", "k"))) == "f:1:11"


def test_aliases_of_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = problems("\n".join(lines))
    assert "aliases stand for more than 1000000 values" in problem


@pytest.mark.parametrize("depth", [20, 200])
def test_depth_is_bounded(depth: int) -> None:
    assert problems("[" * depth + "]" * depth) == [
        f"f.yaml:1:17: {'[0]' * 16}: is nested more than 16 deep",
    ]


def test_an_empty_file_has_no_data() -> None:
    assert compose("f", "# nothing\n").data is None


def test_bytes_that_are_not_utf_8_have_a_place(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes("a: b\nü: ".encode() + b"\xff\n")
    (problem,) = read(file, "f.yaml").problems
    assert str(problem) == "f.yaml:2:4: is not UTF-8: byte 0xff"


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: b\r\n")
    assert read(file, "f.yaml").data == {"a": "b"}


def test_a_file_that_cannot_be_read_is_a_problem_like_any_other(tmp_path: Path) -> None:
    (missing,) = read(tmp_path / "none", "none").problems
    assert str(missing) == "none:1:1: cannot be read: No such file or directory"
    (folder,) = read(tmp_path, "folder").problems
    assert str(folder) == "folder:1:1: cannot be read: Is a directory"


@given(st.text(alphabet="ab:-[]{},&*!?|>'\"#%@~<1 \n\t", max_size=60))
def test_any_text_gives_data_or_a_located_problem(text: str) -> None:
    read_document = compose("f", text)
    assert read_document.data is not REFUSED or read_document.problems
    lines = text.count("\n") + 1
    for problem in read_document.problems:
        assert 1 <= problem.line <= lines + 1
        assert problem.column >= 1
