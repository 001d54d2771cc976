"""The columns of a table: which line names them, and what they become."""

from __future__ import annotations

import re

import pytest

from exporter.config.list_tables import MAX_COLUMNS, MAX_ROW_LINES, RowError, Table, table_of


def table(first: str) -> Table:
    found = table_of(first)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("first", "separator"),
    [
        ("domain,team", ","),
        ("domain;team", ";"),
        ("id\tdomain", "\t"),
        ("| domain | team |", "|"),
        ("Domain: team", ":"),
        ("domain   team", " "),
        ("domain, team; x", ","),
        ('"domain";"team"', ";"),
        ('"domain" "team"', " "),
    ],
)
def test_the_first_line_says_what_separates_the_columns(first: str, separator: str) -> None:
    assert table(first).separator == separator


@pytest.mark.parametrize(
    "first", ["Domain Name,team", "domain_name;team", "DomainName\tteam", "name|team", "team,name"]
)
def test_registrars_and_databases_call_the_column_otherwise(first: str) -> None:
    found = table(first)
    fields, _ = found.row(re.sub("(?i)domain.?name|name", "a.example", first), [])
    assert (found.domain(fields), found.labels(fields)) == ("a.example", ({"team": "team"}, []))


def test_of_two_names_for_the_column_the_plain_one_counts() -> None:
    assert table("name,domain").domain(["alice", "a.example"]) == "a.example"


@pytest.mark.parametrize("first", ["My domain name,team", "domain list;team"])
def test_white_space_separates_nothing_in_a_line_with_commas(first: str) -> None:
    assert table_of(first) is None


@pytest.mark.parametrize(
    "first",
    [
        "a.example,team",
        "domain",
        "domains,team",
        "the name of it",
        "name: a",
        "mydomain",
        'domain,"team',
        "",
        "a-domain b",
    ],
)
def test_a_line_without_the_column_of_a_domain_is_no_head(first: str) -> None:
    assert table_of(first) is None


@pytest.mark.parametrize("first", ["a.example;domain;1", "| a.example | domain |", "ü.example domain"])
def test_a_line_that_begins_with_a_domain_is_no_head(first: str) -> None:
    assert table_of(first) is None


def test_columns_are_bounded_and_those_beyond_are_told_once() -> None:
    names = [f"c{number}" for number in range(40)]
    found = table(",".join(["domain", *names]))
    labels, ignored = found.labels(["a.example", *names])
    assert labels == {name: name for name in names[: MAX_COLUMNS - 1]}
    assert (ignored, found.notes) == ([], [(1, "has 41 columns: those after the first 16 are ignored")])


def test_the_column_of_the_domain_is_read_beyond_the_bound() -> None:
    found = table(",".join([*(f"c{number}" for number in range(40)), "domain"]))
    assert found.domain([*"x" * 40, "a.example"]) == "a.example"
    assert len(found.labels(["x"] * 41)[0]) == MAX_COLUMNS


def test_the_names_of_labels_keep_their_case() -> None:
    assert table("Domain,Team").labels(["a.example", "Mail"]) == ({"Team": "Mail"}, [])


def test_the_value_of_a_label_is_bounded() -> None:
    labels, (note,) = table("domain,team").labels(["a.example", "x" * 1025])
    assert labels == {}
    assert note == "the column team is ignored: a label value has at most 1024 characters"


def test_a_row_has_its_fields_and_its_number_of_lines() -> None:
    found = table("domain,team")
    assert found.row(" a.example , x ", []) == (["a.example", "x"], 1)
    assert found.row('a.example,"x', ["y", 'z"', "b.example,x"]) == (["a.example", "x y z"], 3)
    assert found.row('a.example,"x"', ["b.example,x"]) == (["a.example", "x"], 1)
    with pytest.raises(RowError, match="unexpected end of data"):
        found.row('a.example,"x', ["y"] * (MAX_ROW_LINES - 1) + ['z"'])


def test_a_row_without_a_domain_is_a_mistake_unless_it_is_empty() -> None:
    found = table("team,domain")
    assert found.domain(["", ""]) == ""
    assert found.domain([""]) == ""
    for fields in (["x", ""], ["x"], ["x", "# y"]):
        with pytest.raises(RowError, match="has nothing in its column domain"):
            found.domain(fields)
