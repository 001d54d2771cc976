"""Addresses of MAIL FROM and RCPT TO, arguments of VRFY and EXPN."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.mailbox import parse_argument, parse_mailbox, parse_recipient, parse_reverse_path


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("a@example.com", "a@example.com"),
        ("A.b+c@Example.COM", "A.b+c@example.com"),
        ('"a b"@example.com', '"a b"@example.com'),
        ('"a\\"@b"@example.com', '"a\\"@b"@example.com'),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a@straße.de", "a@xn--strae-oqa.de"),
        ("ü@straße.de", "ü@xn--strae-oqa.de"),
    ],
)
def test_mail_addresses(text: str, mailbox: str) -> None:
    assert parse_mailbox(text) == mailbox


@pytest.mark.parametrize(
    "text",
    ["", "a", "@example.com", "a@", "a..b@example.com", ".a@example.com", "a b@example.com", "<a@example.com>",
     "a@example.com>\r\nRCPT TO:<b@example.com", "a\r\n@example.com", "a@b", "a@[x]", f"{'a' * 65}@example.com",
     '"a"b@example.com', '"a\n"@example.com', "a@192.0.2.1"],
)  # fmt: skip
def test_bad_mail_addresses(text: str) -> None:
    with pytest.raises(ValueError):
        parse_mailbox(text)


def test_the_null_reverse_path_is_empty() -> None:
    assert parse_reverse_path("") == ""


@pytest.mark.parametrize("text", ["postmaster@{domain}", "Postmaster", "probe+{domain}@example.net", "a@example.com"])
def test_recipients_keep_their_placeholder(text: str) -> None:
    assert parse_recipient(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a@{host}",
        "{user}@example.com",
        "a@{domain",
        "a@}",
        "a@{}",
        "{domain}",
        "",
        "a@{\x1b[31m}",
        "{" + "x" * 999 + "}",
    ],
)
def test_domain_is_the_only_placeholder(text: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_recipient(text)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("text", ["a\r\nQUIT", "a\nb", "a\x00", "\x7f", " a", "a ", "ü" * 300, "a\u2028b"])
def test_bad_arguments(text: str) -> None:
    with pytest.raises(ValueError):
        parse_argument(text)


@given(st.text(max_size=40))
def test_nothing_that_is_taken_ends_a_command_line(text: str) -> None:
    for parse in (parse_mailbox, parse_recipient, parse_argument):
        try:
            taken = parse(text)
        except ValueError:
            continue
        assert not any(char in taken for char in "\r\n\0")
