"""The IMAP server of the lab, asked with the library's client."""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.lab.certificates import Authority
from exporter.lab.host import listening_in_thread
from exporter.lab.imap_host import INBOX, JUNK, MAX_MESSAGES, ImapHost

AUTHORITY = Authority()
USER, PASSWORD = "somebody@mail.example", "open sesame"
MESSAGE = b"Message-ID: <%s@mail.example>\r\nSubject: hello,\r\n world\r\nX-Mark: yes\r\n\r\nMessage-ID: <none>\r\n"


@pytest.fixture
def host() -> ImapHost:
    return ImapHost(USER, PASSWORD, context=AUTHORITY.server_context("localhost"))


@contextmanager
def connected(host: ImapHost) -> Iterator[imaplib.IMAP4_SSL]:
    context = ssl.create_default_context(cadata=AUTHORITY.pem)
    with (
        listening_in_thread(host) as port,
        imaplib.IMAP4_SSL("localhost", port, ssl_context=context, timeout=10) as imap,
    ):
        yield imap


@contextmanager
def logged_in(host: ImapHost) -> Iterator[imaplib.IMAP4_SSL]:
    with connected(host) as imap:
        assert imap.authenticate("PLAIN", lambda _: f"\0{USER}\0{PASSWORD}".encode())[0] == "OK"
        yield imap


def uids(imap: imaplib.IMAP4_SSL, *criteria: str) -> list[bytes]:
    status, (found,) = imap.uid("SEARCH", *criteria)
    assert status == "OK"
    return [*found.split()]


def test_its_user_alone_gets_in(host: ImapHost) -> None:
    with connected(host) as imap:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.authenticate("PLAIN", lambda _: f"\0{USER}\0wrong".encode())
        imap.send(b"x SELECT INBOX\r\n")
        assert imap.readline() == b"x BAD not in this state\r\n"
    assert host.sessions == 1


def test_it_marks_the_folder_for_junk(host: ImapHost) -> None:
    with logged_in(host) as imap:
        assert imap.list('""', '"*"')[1] == [
            rb'(\HasNoChildren) "/" "INBOX"',
            rb'(\HasNoChildren \Junk) "/" "Junk"',
        ]
        assert imap.list('(SPECIAL-USE) ""', '"*"')[1] == [rb'(\HasNoChildren \Junk) "/" "Junk"']
        assert imap.select('"Nowhere"')[0] == "NO"


def test_messages_are_found_by_their_fields_and_their_day(host: ImapHost) -> None:
    host.deliver(INBOX, MESSAGE % b"a")
    host.deliver(INBOX, MESSAGE % b"b")
    with logged_in(host) as imap:
        assert imap.select(f'"{INBOX}"') == ("OK", [b"2"])
        assert uids(imap, "UNDELETED", "HEADER", "Message-ID", '"<B@mail"') == [b"2"]
        assert uids(imap, "HEADER", '"X-Mark"', '"yes"') == [b"1", b"2"]
        assert uids(imap, "HEADER", "Message-ID", '"none"') == []
        either = ("OR", "HEADER", "Message-ID", '"<b@mail"', "HEADER", "Message-ID")
        assert uids(imap, *either, '"<a@mail"') == [b"1", b"2"]
        assert uids(imap, "OR", "ALL", *either, '"none"') == [b"1", b"2"]
        assert uids(imap, *either, '"none"') == [b"2"]
        assert uids(imap, "BEFORE", "01-Jan-2020") == []
        assert uids(imap, "BEFORE", "01-Jan-9999") == [b"1", b"2"]
        for wrong in (["HEADER"], ["OR", "ALL"], ["BEFORE", "never"], ["SINCE", "01-Jan-2020"]):
            with pytest.raises(imaplib.IMAP4.error):
                imap.uid("SEARCH", *wrong)
        assert imap.select(JUNK) == ("OK", [b"0"])
        assert uids(imap, "ALL") == []


def test_the_fields_that_are_asked_for_are_sent(host: ImapHost) -> None:
    host.deliver(JUNK, MESSAGE % b"a")
    with logged_in(host) as imap:
        imap.select(JUNK)
        status, ((head, fields), end) = imap.uid("FETCH", "1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT X-MARK)]<0.16384>)")
        assert imap.uid("FETCH", "2", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])") == ("OK", [None])
    assert (status, end) == ("OK", b")")
    assert re.match(rb"1 \(UID 1 BODY\[HEADER.FIELDS \(SUBJECT X-MARK\)\]<0> \{\d+\}$", head)
    assert fields == b"Subject: hello,\r\n world\r\nX-Mark: yes\r\n\r\n"


def test_a_message_is_deleted_when_it_is_marked_and_expunged(host: ImapHost) -> None:
    for name in (b"a", b"b", b"c", b"d"):
        host.deliver(INBOX, MESSAGE % name)
    with logged_in(host) as imap:
        imap.select(INBOX)
        imap.uid("STORE", "3,4,9", "+FLAGS.SILENT", r"(\Deleted)")
        imap.uid("EXPUNGE", "1,3,4")
        assert uids(imap, "ALL") == [b"1", b"2"]
        imap.uid("STORE", "1", "+FLAGS.SILENT", r"(\Deleted)")
        assert uids(imap, "UNDELETED") == [b"2"]
        imap.uid("EXPUNGE", "1")
        assert uids(imap, "ALL") == [b"2"]
        assert imap.logout()[0] == "BYE"


def test_a_folder_that_nobody_empties_is_bounded(host: ImapHost) -> None:
    for _ in range(MAX_MESSAGES + 1):
        host.deliver(INBOX, MESSAGE % b"a")
    assert [each.uid for each in host.folders[INBOX]] == list(range(2, MAX_MESSAGES + 2))
