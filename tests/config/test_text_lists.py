"""Lists as text, in the forms that hosting software writes them in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.text_lists import text_list

FILE = "list"


def names(text: str | bytes) -> list[str]:
    """The names of a list in which nothing is wrong."""
    entries = text_list(FILE, text if isinstance(text, bytes) else text.encode())
    assert not entries.problems
    assert not entries.ignored
    assert entries.bad == 0
    return [domain for _, domain, _ in entries.found]


def labelled(text: str) -> dict[str, dict[str, str]]:
    """The names of a table in which nothing is wrong, with their labels."""
    entries = text_list(FILE, text.encode())
    assert not entries.problems
    assert not entries.ignored
    return {domain: labels for _, domain, labels in entries.found if isinstance(labels, dict)}


def told(text: str | bytes) -> list[str]:
    entries = text_list(FILE, text if isinstance(text, bytes) else text.encode())
    return [str(problem) for problem in entries.problems]


SEPARATORS = {
    "space": " ", "spaces": "   ", "tab": "\t", "tabs": "\t\t", "comma": ",", "comma and space": ", ", "semicolon": ";",
    "bar": "|", "drawn bar": " | ", "colon": ":", "colon and space": ": ", "space and colon": " : ",
}  # fmt: skip


@pytest.mark.parametrize("separator", SEPARATORS.values(), ids=SEPARATORS)
@pytest.mark.parametrize("rest", ["user", "user more.example", "other.example", "", "10", "ü", "# why"])
@pytest.mark.parametrize("name", ["a.example", "A.Example.", "straße.de", "xn--strae-oqa.de", "1.example"])
def test_the_first_column_counts(separator: str, rest: str, name: str) -> None:
    expected = {"straße.de": "xn--strae-oqa.de", "A.Example.": "a.example"}.get(name, name)
    assert names(f"{name}{separator}{rest}\n") == [expected]
    assert names(f"  {name}{separator}{rest}\r\nb.example") == [expected, "b.example"]
    assert names(f'"{name}"{separator}"{rest}"\n') == [expected]


@pytest.mark.parametrize(
    "line",
    [
        "", "   ", "\t", "\r", "# why", "  # why", "#a.example", "; why", ";a.example", "// why", "//a.example", "#",
        ";", "//", "-----", "+-----+---+", "|---|---|", "====",
    ],
)  # fmt: skip
def test_comments_rules_and_empty_lines_are_ignored(line: str) -> None:
    assert names(f"{line}\na.example\n{line}\n  b.example\n{line}") == ["a.example", "b.example"]


@pytest.mark.parametrize("comment", ["# why", "#why", " ; why", "; why", ";why", " // why", "\t// why"])
def test_a_comment_may_follow_a_name(comment: str) -> None:
    assert names(f"a.example{comment}\nü.example{comment}\n") == ["a.example", "xn--tda.example"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# Postfix relay_domains\na.example OK\nb.example\t\tOK\n", ["a.example", "b.example"]),
        ("a.example smtp:[relay.example.net]:587\nb.example  lmtp:unix:/x\n* discard:\n", ["a.example", "b.example"]),
        ("*: nobody\na.example: alice\nb.example: bob==bob==main==b.example\n", ["a.example", "b.example"]),
        ("a.example: admin\nb.example:reseller\n", ["a.example", "b.example"]),
        ("a.example;1;y\n\"b.example\";0;n\n", ["a.example", "b.example"]),
        ("\ufeffa.example,1\r\nb.example,2\r\n", ["a.example", "b.example"]),
        ("\ufeffa.example\n\ufeffb.example\n", ["a.example", "b.example"]),  # two files, one after the other
        ("| a.example | 1 |\n| b.example | 2 |\n", ["a.example", "b.example"]),
        ("domain\na.example\nb.example # why\n", ["a.example", "b.example"]),
        ('"Domain"\r\n"a.example"\r\n', ["a.example"]),
        ("ai.\nuz. x\n", ["ai", "uz"]),
    ],
)  # fmt: skip
def test_lists_of_hosting_software(content: str, expected: list[str]) -> None:
    assert names(content) == expected


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ("user@a.example", 1, "contains the character '@'"),
        ("  user@a.example: b", 3, "contains the character '@'"),
        ("@a.example x", 1, "contains the character '@'"),
        ("https://a.example/", 1, "'https://a.example/' is not a host name: it contains the character ':'"),
        ("HTTP://a.example x", 1, "'HTTP://a.example' is not a host name: it contains the character ':'"),
        ("mailto:user@a.example", 1, "'mailto' is a single label"),
        ("no dots", 1, "'no' is a single label"),
        ("192.0.2.1", 1, "is an IP address, not a host name"),
        (".a.example x", 1, "it has an empty label"),
        ("*.a.example", 1, "contains the character '*'"),
        ("a_b.example,c.example", 1, "contains an underscore"),
        (",a.example", 1, "has nothing in its first column"),
        ('"",a.example', 1, "has nothing in its first column"),
        ('"a.example', 1, "contains the character '\"'"),
        ("a.example\x00", 1, "contains the character '\\x00'"),
        ("'a.example'", 1, 'contains the character "\'"'),
        ("x" * 5000, 1, "is a line of more than 4,096 bytes"),
    ],
)
def test_a_line_that_cannot_be_used_is_told_and_the_others_count(line: str, place: int, words: str) -> None:
    entries = text_list(FILE, f"b.example\n{line}\nc.example\n".encode())
    assert [domain for _, domain, _ in entries.found] == ["b.example", "c.example"]
    (problem,) = entries.problems
    assert (entries.bad, problem.line, problem.column) == (1, 2, place)
    assert words in problem.message


def test_a_line_that_is_not_utf_8_is_told_at_its_byte() -> None:
    assert told(b"a.example\nb\xe4.example\n") == ["list:2:2: is not UTF-8: byte 0xe4"]
    assert names(b"a.example \xe4\n") == ["a.example"]  # nobody reads the second column


HEADERS = {
    ",": "domain,team,tier", ", ": "domain, team, tier", ";": "domain;team;tier", "\t": "domain\tteam\ttier",
    "|": "domain|team|tier", " | ": "domain | team | tier", ":": "domain:team:tier", " ": "domain team tier",
    "  ": "domain  team  tier",
}  # fmt: skip


@pytest.mark.parametrize("separator", HEADERS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_columns_of_a_table_become_labels(separator: str, end: str, mark: str) -> None:
    lines = [HEADERS[separator], separator.join(("a.example", "mail", "gold")), separator.join(("ü.example", "x"))]
    assert labelled(mark + end.join(lines)) == {
        "a.example": {"team": "mail", "tier": "gold"},
        "xn--tda.example": {"team": "x"},
    }


@pytest.mark.parametrize("name", ["domain", "Domain", "DOMAIN", '"domain"', " domain "])
def test_the_column_of_the_domain_may_be_any_and_is_found_in_any_case(name: str) -> None:
    assert labelled(f"team,{name},_x\nmail,a.example,1\n") == {"a.example": {"team": "mail", "_x": "1"}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('domain,team\n"a.example","x, y"\n', {"a.example": {"team": "x, y"}}),
        ('"domain","team"\r\n"a.example","say ""x"""\r\n', {"a.example": {"team": 'say "x"'}}),
        ('domain;team\n"a.example"; "x;y" \n', {"a.example": {"team": "x;y"}}),
        ('domain,team\na.example,5" disk\nb.example,"z"\n',
         {"a.example": {"team": '5" disk'}, "b.example": {"team": "z"}}),
        # A field of several lines is one value, with white space for the line breaks.
        ('domain,place\na.example,"1 Street\n\nTown"\nb.example,x\n',
         {"a.example": {"place": "1 Street Town"}, "b.example": {"place": "x"}}),
        ("domain,team\na.example\nb.example,,\nc.example,  \n", {"a.example": {}, "b.example": {}, "c.example": {}}),
        ("domain,team\n\n# why\na.example,x\n// why\n; why\n,,\n", {"a.example": {"team": "x"}}),
        ("team;domain\n;a.example\n", {"a.example": {}}),
        ("# list\n\ndomain,team\na.example,x # y\n", {"a.example": {"team": "x # y"}}),
        ("domain,team,\na.example,x,7\n", {"a.example": {"team": "x"}}),
        ("domain,team\na.example # why,x\n", {"a.example": {"team": "x"}}),
        ("+--------+------+\n| domain | team |\n+--------+------+\n| a.example | x |\n+--------+------+\n",
         {"a.example": {"team": "x"}}),
        (" domain | team \n--------+------\n a.example | x\n", {"a.example": {"team": "x"}}),
    ],
)  # fmt: skip
def test_tables(content: str, expected: dict[str, dict[str, str]]) -> None:
    assert labelled(content) == expected


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (",x\n", "list:2:1: has nothing in its column domain"),
        ("user@b.example,x\n", "list:2:1: 'user@b.example' is not a host name: it contains the character '@'"),
        ("https://b.example,x\n", "list:2:1: 'https://b.example' is not a host name: it contains the character ':'"),
        ('"b.example,x\n', "list:2:1: is not a row of quoted fields: unexpected end of data"),
        ('"b.example"x,y\n', "list:2:1: is not a row of quoted fields: ',' expected after '\"'"),
        ('b.example,"' + "x\n" * 20 + '"\n', "list:2:1: is not a row of quoted fields: unexpected end of data"),
        ("b.example," + "x" * 5000 + "\n", "list:2:1: is a line of more than 4,096 bytes"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_and_the_others_count(rows: str, problem: str) -> None:
    entries = text_list(FILE, f"domain,team\n{rows}a.example,x\n".encode())
    assert str(entries.problems[0]) == problem
    assert [domain for _, domain, _ in entries.found] == ["a.example"]


def test_a_label_of_the_wrong_bytes_is_ignored_and_told_and_its_domain_counts() -> None:
    """Excel writes CSV in the encoding of the country."""
    entries = text_list(FILE, b"domain;gr\xf6\xdfe;team\r\na.example;5;M\xfcller\r\nb.example;5;x\r\n")
    assert [(domain, labels) for _, domain, labels in entries.found] == [
        ("a.example", {}),
        ("b.example", {"team": "x"}),
    ]
    assert [str(problem).partition(" is ignored: ")[0] for problem in entries.ignored] == [
        "list:1:1: the column 2",
        "list:2:1: the column team",
    ]
    assert entries.bad == 0


def test_a_domain_of_the_wrong_bytes_is_told() -> None:
    entries = text_list(FILE, b"domain,team\nb\xfccher.example,x\na.example,x\n")
    assert [(problem.line, problem.column) for problem in entries.problems] == [(2, 1)]
    assert [domain for _, domain, _ in entries.found] == ["a.example"]


def test_the_line_that_tells_excel_the_separator_is_no_entry() -> None:
    assert labelled("\ufeffsep=;\r\nDomain;team\r\na.example;x\r\n") == {"a.example": {"team": "x"}}


def test_lines_may_end_with_a_carriage_return_alone() -> None:
    assert names("a.example\rb.example: alice\r# none\r") == ["a.example", "b.example"]
    assert labelled("domain;team\ra.example;x\r") == {"a.example": {"team": "x"}}


@pytest.mark.parametrize("head", ["domain", "Domain Name", '"domain_name"', "name"])
def test_a_table_of_one_column_has_a_head_too(head: str) -> None:
    assert names(f"{head}\na.example\n") == ["a.example"]


def test_a_column_or_field_that_cannot_be_a_label_is_ignored_and_told() -> None:
    entries = text_list(
        FILE, b"domain,a b,job,team,team,__x\na.example,1,2,3,4,5\nb.example,1,2,x\x07y,4,5\n"
    )  # fmt: skip
    assert [(domain, labels) for _, domain, labels in entries.found] == [
        ("a.example", {"team": "3"}),
        ("b.example", {}),
    ]
    assert (entries.bad, entries.problems) == (0, [])
    assert [str(problem) for problem in entries.ignored] == [
        "list:1:1: the column 2 is ignored: 'a b' is not a label name: letters, digits and _, not beginning with a "
        "digit",
        "list:1:1: the column 3 is ignored: 'job' is refused, because Prometheus sets this label",
        "list:1:1: the column 5 is ignored: 'team' is the name of the column 4 already",
        "list:1:1: the column 6 is ignored: '__x' is refused, because Prometheus sets the labels that begin with __",
        "list:3:1: the column team is ignored: a label value must not contain the control character U+0007",
    ]


@pytest.mark.parametrize("content", ["", "\n\n", "# none\n", "; None", "//none\n", "domain,team\n# none\n"])
def test_a_list_may_be_empty_and_say_that_this_is_meant(content: str) -> None:
    entries = text_list(FILE, content.encode())
    assert not entries.found
    assert entries.says_none == ("none" in content.lower())


def test_a_table_has_as_many_bad_rows_as_a_list_may_have() -> None:
    failure = text_list(FILE, b"domain,team\n" + b"a_b,x\n" * 10_001).failure
    assert failure is not None
    assert failure.message == "is no list of domains: more than 10,000 lines cannot be used"


@given(st.text(alphabet="ab.:;,|\"' \t\n\r#/*@domainteam-+=ü\x00\ufeff", max_size=80))
def test_any_text_gives_names_and_located_problems(text: str) -> None:
    raw = text.encode()
    entries = text_list(FILE, raw)
    lines = raw.count(b"\n" if b"\n" in raw else b"\r") + 1
    assert len(entries.found) + entries.bad <= lines
    for problem in (*entries.problems, *entries.ignored):
        assert 1 <= problem.line <= lines
        assert problem.column >= 1
