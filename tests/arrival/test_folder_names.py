from __future__ import annotations

import pytest

from exporter.arrival.folder_names import junk_name, quoted, sent_name


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("INBOX", '"INBOX"'),
        ("INBOX.Junk", '"INBOX.Junk"'),
        ("[Gmail]/Spam", '"[Gmail]/Spam"'),
        ('a "b" \\ c', '"a \\"b\\" \\\\ c"'),
        ("Ind&AOk-sirables", '"Ind&AOk-sirables"'),  # as the server lists it
        ("Indésirables", '"Ind&AOk-sirables"'),
        ("Lärm & Müll", '"L&AOQ-rm &- M&APw-ll"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),  # of RFC 3501 5.1.3
        ("💩", '"&2D3cqQ-"'),
    ],
)
def test_a_name_is_sent_as_servers_know_it(name: str, sent: str) -> None:
    assert sent_name(name) == sent


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (rb'(\HasNoChildren \Junk) "/" Spam', "Spam"),
        (rb'(\junk) "." "INBOX.Ind&AOk-sirables"', '"INBOX.Ind&AOk-sirables"'),
        (rb'(\Junk) NIL "a \"b\""', r'"a \"b\""'),
        ((rb'(\Junk) "\\" {6}', b'a "b" '), quoted('a "b" ')),
        ((rb'(\Junk) "/" {3}', b"a\r\n"), ""),
        (rb'(\Junk) "/" {3}', ""),
        (rb'(\Trash) "/" Junk', ""),
        (rb'(\Junk \Noselect) "/" Junk', ""),
        (rb'(\NonExistent \Junk) "/" Junk', ""),
        (b"", ""),
        (None, ""),
        (b"\xff(\\Junk", ""),
    ],
)
def test_the_folder_for_junk_is_the_one_that_is_marked_and_can_be_opened(line: object, name: str) -> None:
    assert junk_name(line) == name
