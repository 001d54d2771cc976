"""The session with a real Dovecot: what is ours is found, read and deleted, and nothing else."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from exporter.arrival.bounded_imap import MailboxError
from exporter.arrival.mailbox_session import MailboxSession
from exporter.arrival.mailbox_watch import MAX_AWAITED
from exporter.model.arrival import AuthenticationMethod, AuthenticationResult, Folder, Found, MailboxProblem
from exporter.model.target import CANARY_FIELD, CANARY_ID_PREFIX, CanaryMailbox
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with dovecot(tmp_path_factory.mktemp("dovecot")) as found:
        yield found


@pytest.fixture
def mailbox(server: Dovecot, monkeypatch: pytest.MonkeyPatch) -> CanaryMailbox:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.roots))
    return CanaryMailbox("localhost", server.imap, USER, PASSWORD, authserv_ids=("mx.mail.example",))


def new_id() -> str:
    return CANARY_ID_PREFIX + secrets.token_hex(16) + "@example.net"


def test_a_message_in_the_inbox_is_found_with_what_the_server_thinks_of_it_and_deleted(
    server: Dovecot, mailbox: CanaryMailbox
) -> None:
    ours, before = new_id(), len(server.kept())
    results = ("Authentication-Results", "mx.mail.example; spf=pass smtp.mailfrom=example.net; dkim=fail")
    forged = ("Authentication-Results", "mx.elsewhere.example; dmarc=pass")
    server.deliver("<private@mail.example>", "private")
    server.deliver(f"<{ours}>", "hello", results, forged)
    session = MailboxSession(mailbox)
    try:
        found = session.look((ours, new_id()))
        again = session.look((ours,))
    finally:
        session.close()
    expected = (
        (AuthenticationMethod.SPF, AuthenticationResult.PASS),
        (AuthenticationMethod.DKIM, AuthenticationResult.FAIL),
    )
    assert found == (Found(ours, Folder.INBOX, expected),)
    assert again == ()
    assert len(server.kept()) == before + 1


def test_many_messages_are_looked_for_at_once(server: Dovecot, mailbox: CanaryMailbox) -> None:
    awaited, before = [new_id() for _ in range(MAX_AWAITED)], len(server.kept())
    there = awaited[::20]
    for message_id in there:
        server.deliver(f"<{message_id}>")
    session = MailboxSession(mailbox)
    try:
        assert {each.message_id for each in session.look(awaited)} == {*there}
        assert session.look(awaited) == ()
    finally:
        session.close()
    assert len(server.kept()) == before


def test_the_folder_that_the_server_marks_is_the_one_for_junk(server: Dovecot, mailbox: CanaryMailbox) -> None:
    ours = new_id()
    server.deliver(f"<{ours}>", "filed as junk")
    session = MailboxSession(mailbox)
    try:
        assert session.knows_junk
        assert session.look((ours,)) == (Found(ours, Folder.JUNK),)
    finally:
        session.close()


def test_a_message_stays_if_the_look_that_found_it_fails(server: Dovecot, mailbox: CanaryMailbox) -> None:
    ours = new_id()
    server.deliver(f"<{ours}>")
    session = MailboxSession(replace(mailbox, junk=("Nowhere",)))
    try:
        with pytest.raises(MailboxError):
            session.look((ours,))
    finally:
        session.close()
    session = MailboxSession(mailbox)
    try:
        assert session.look((ours,)) == (Found(ours, Folder.INBOX),)
    finally:
        session.close()


def test_a_configured_folder_is_looked_into_too(server: Dovecot, mailbox: CanaryMailbox) -> None:
    ours = new_id()
    server.deliver(f"<{ours}>", "filed as junk")
    session = MailboxSession(replace(mailbox, junk=("Spam folder",)))
    try:
        assert session.look((ours,)) == (Found(ours, Folder.JUNK),)
    finally:
        session.close()


def test_a_fresh_message_that_another_exporter_waits_for_stays(server: Dovecot, mailbox: CanaryMailbox) -> None:
    ours, theirs = new_id(), new_id()
    for message_id in (ours, theirs):
        server.deliver(f"<{message_id}>", "hello", CANARY_FIELD)
    first, second = MailboxSession(mailbox), MailboxSession(mailbox)
    try:
        assert first.look((ours,)) == (Found(ours, Folder.INBOX),)
        assert first.remove_old() == 0
        assert second.look((theirs,)) == (Found(theirs, Folder.INBOX),)
    finally:
        first.close()
        second.close()


def test_old_messages_of_ours_are_removed_and_no_others(
    server: Dovecot, mailbox: CanaryMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exporter.arrival.mailbox_session._OLD_SECONDS", -2 * 86400.0)  # what comes now is old
    before = len(server.kept())
    server.deliver(f"<{new_id()}>", "hello", CANARY_FIELD)
    server.deliver(f"<{CANARY_ID_PREFIX}of-another-kind@example.net>", "hello", CANARY_FIELD)
    server.deliver("<private2@mail.example>", f"about <{new_id()}>", CANARY_FIELD)
    session = MailboxSession(mailbox)
    try:
        assert session.remove_old() == 1
    finally:
        session.close()
    assert len(server.kept()) == before + 2


@pytest.mark.parametrize(
    ("changes", "problem", "detail"),
    [
        ({"password": "wrong"}, MailboxProblem.LOGIN, "the server refuses the user name or the password"),
        ({"host": "127.0.0.1"}, MailboxProblem.TLS, "certificate is not valid for"),
        ({"junk": ("Nowhere", "Spam folder")}, MailboxProblem.FOLDER, 'the folder "Nowhere" cannot be opened'),
        ({"inbox": ("Lärm",)}, MailboxProblem.FOLDER, 'the folder "L&AOQ-rm" cannot be opened'),
    ],
)
def test_a_mailbox_that_cannot_be_looked_into_is_told_apart(
    mailbox: CanaryMailbox, changes: dict[str, object], problem: MailboxProblem, detail: str
) -> None:
    with pytest.raises(MailboxError) as error:
        look(replace(mailbox, **changes))  # type: ignore[arg-type]
    assert error.value.problem is problem
    assert detail in str(error.value)
    assert "wrong" not in str(error.value)


def look(mailbox: CanaryMailbox) -> None:
    session = MailboxSession(mailbox)
    try:
        session.look((new_id(),))
    finally:
        session.close()
