from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.smtp.ehlo import EXTENSIONS, Ehlo, parse_ehlo
from exporter.smtp.reply import Reply


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((b"mx.example",), Ehlo()),
        ((b"SIZE",), Ehlo()),  # the first line is a name, whatever it says
        ((b"mx", b"PIPELINING", b"STARTTLS"), Ehlo(("STARTTLS", "PIPELINING"))),
        ((b"mx", b"starttls", b"Size 100"), Ehlo(("STARTTLS", "SIZE"), 100)),
        ((b"mx", b"SIZE"), Ehlo(("SIZE",), 0)),
        ((b"mx", b"SIZE 0"), Ehlo(("SIZE",), 0)),
        ((b"mx", b"SIZE many"), Ehlo(("SIZE",), 0)),
        ((b"mx", b"SIZE -5"), Ehlo(("SIZE",), 0)),
        ((b"mx", b"SIZE " + b"9" * 21), Ehlo(("SIZE",), 0)),
        ((b"mx", b"SIZE 5", b"SIZE 7"), Ehlo(("SIZE",), 5)),
        ((b"mx", b"AUTH=LOGIN"), Ehlo(("AUTH",), None, ("LOGIN",))),
        ((b"mx", b"AUTH PLAIN LOGIN", b"AUTH=PLAIN"), Ehlo(("AUTH",), None, ("PLAIN", "LOGIN"))),
        ((b"mx", b"AUTH x-evil scram-sha-256 login"), Ehlo(("AUTH",), None, ("LOGIN", "SCRAM-SHA-256"))),
        ((b"mx", b"AUTH"), Ehlo(("AUTH",))),
        ((b"mx", b"", b" ", b"X-EVIL\x1b[0m", b"\xff"), Ehlo()),
        ((b"mx", *[b"X%d" % n for n in range(500)], b"DSN"), Ehlo(("DSN",))),
    ],
)
def test_extensions_are_read_with_tolerance(lines: tuple[bytes, ...], expected: Ehlo) -> None:
    assert parse_ehlo(Reply(250, lines)) == expected


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=30))
def test_only_names_of_the_closed_list_come_out(lines: list[bytes]) -> None:
    ehlo = parse_ehlo(Reply(250, tuple(lines)))
    assert set(ehlo.extensions) <= set(EXTENSIONS)
    assert (ehlo.size_limit is not None) == ("SIZE" in ehlo)
