"""Sessions with servers that misbehave at one command: each ends in time, as a problem of the mailbox."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from exporter.arrival import mailbox_session
from exporter.arrival.bounded_imap import MailboxError
from exporter.arrival.mailbox_session import MailboxSession
from exporter.model.arrival import Folder, Found, MailboxProblem
from exporter.model.target import CANARY_ID_PREFIX, CanaryMailbox
from tests.arrival.test_bounded_imap import server

OURS = f"{CANARY_ID_PREFIX}{'ab' * 16}@example.net"
HEADER = f"Message-ID: <{OURS}>\r\n\r\n".encode()
PASSWORD = "hidden words"
Answer = Callable[[bytes], bytes | None]  # None: nothing, and then the end


def fetched(uid: int, header: bytes = HEADER) -> bytes:
    return b"* 1 FETCH (UID %d BODY[HEADER.FIELDS (X)]<0> {%d}\r\n%s)\r\n" % (uid, len(header), header)


ORDINARY: dict[bytes, bytes] = {
    b"CAPABILITY": b"* CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN\r\n",
    b"LIST": b'* LIST (\\Junk) "/" Junk\r\n',
    b"SELECT": b"* 1 EXISTS\r\n",
    b"UID SEARCH": b"* SEARCH 7\r\n",
    b"UID FETCH": fetched(7),
}


class Misbehaving:
    """A server that answers as it must, save to one command."""

    def __init__(self, verb: bytes, answer: Answer) -> None:
        self._verb, self._answer = verb, answer
        self.heard: list[bytes] = []

    def __call__(self, client: ssl.SSLSocket) -> None:
        if self._verb == b"GREETING":
            client.sendall(self._answer(b"*") or b"")
            client.recv(1000)
            return
        client.sendall(b"* OK ready\r\n")
        lines = client.makefile("rb")
        for line in lines:
            self.heard.append(line)
            tag, _, rest = line.rstrip().partition(b" ")
            verb = b" ".join(rest.split()[:2]) if rest.startswith(b"UID") else rest.split()[0]
            if verb == self._verb:
                said = self._answer(tag)
                if said is not None:
                    client.sendall(said)
                client.recv(1000)
                return
            if verb == b"AUTHENTICATE":
                client.sendall(b"+ \r\n")
                self.heard.append(lines.readline())
            client.sendall(ORDINARY.get(verb, b"") + tag + b" OK done\r\n")


def look(port: int) -> tuple[Found, ...]:
    session = MailboxSession(CanaryMailbox("localhost", port, "canary", PASSWORD))
    try:
        return session.look((OURS,))
    finally:
        session.close()


BEFORE_THE_LOOK = (b"CAPABILITY", b"AUTHENTICATE", b"LIST", b"SELECT", b"UID SEARCH", b"UID FETCH")
ANSWERS: dict[str, Answer] = {
    "silence": lambda tag: b"",
    "an end": lambda tag: None,
    "half a line": lambda tag: b"* OK",
    "BYE": lambda tag: b"* BYE go away\r\n",
    "BYE and OK": lambda tag: b"* BYE go away\r\n" + tag + b" OK done\r\n",
    "NO": lambda tag: tag + b" NO [ALERT] never\r\n",
    "BAD": lambda tag: tag + b" BAD what?\r\n",
    "another tag": lambda tag: b"ZZZZ1 OK done\r\n",
    "a literal that is longer than what comes": lambda tag: b"* 1 FETCH (UID 7 BODY[] {500}\r\nshort)\r\n",
    "a literal that is shorter": lambda tag: b"* 1 FETCH (UID 7 BODY[] {2}\r\nlonger)\r\n" + tag + b"\r\n",
    "a large literal": lambda tag: b"* 1 FETCH (UID 7 BODY[] {70000}\r\n" + b"x" * 70000,
    "an endless number": lambda tag: b"* 1 FETCH (UID 7 BODY[] {" + b"9" * 5000 + b"}\r\n",
    "many literals": lambda tag: fetched(7, b"x: " + b"y" * 60000) * 30,
    "no IMAP": lambda tag: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "binary": lambda tag: bytes(range(256)) * 10 + b"\r\n",
}


@pytest.mark.parametrize("verb", [b"GREETING", *BEFORE_THE_LOOK], ids=lambda verb: verb.decode())
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_server_that_misbehaves_ends_the_session_in_time(
    verb: bytes, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_session, "STEP_SECONDS", 0.3)
    monkeypatch.setattr(mailbox_session, "_LOGOUT_SECONDS", 0.05)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    began = time.monotonic()
    with server(tmp_path, Misbehaving(verb, answer)) as (port, _), pytest.raises(MailboxError) as error:
        look(port)
    assert time.monotonic() - began < 5.0
    assert PASSWORD not in str(error.value)
    refusal = str(error.value) == "the server refuses the user name or the password"
    assert (error.value.problem is MailboxProblem.LOGIN) == (refusal and verb == b"AUTHENTICATE")


@pytest.mark.parametrize("verb", [b"UID STORE", b"UID EXPUNGE", b"LOGOUT"], ids=lambda verb: verb.decode())
@pytest.mark.parametrize("answer", ["silence", "BYE", "NO", "no IMAP"])
def test_a_message_that_cannot_be_deleted_has_arrived_all_the_same(
    verb: bytes, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_session, "STEP_SECONDS", 0.3)
    monkeypatch.setattr(mailbox_session, "_LOGOUT_SECONDS", 0.05)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    with server(tmp_path, Misbehaving(verb, ANSWERS[answer])) as (port, _):
        assert look(port)[0] == Found(OURS, Folder.INBOX)


@pytest.mark.parametrize(
    ("fetch", "number"),
    [
        (fetched(7), 2),  # in the inbox and in the folder for junk
        (fetched(8), 0),  # of a message that nobody has asked for
        (fetched(7).replace(OURS.encode(), OURS.replace("ab", "cd").encode()), 0),
        (fetched(7, b"Message-ID: <private@example.net>\r\n\r\n"), 0),
        (b"* 1 FETCH (BODY[HEADER.FIELDS (X)]<0> {%d}\r\n%s UID 7)\r\n" % (len(HEADER), HEADER), 2),
        (b"* 9 FETCH (FLAGS (\\Seen))\r\n* 2 EXPUNGE\r\n" + fetched(7), 2),
        (b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (X)]<0> NIL)\r\n", 0),
        (b"", 0),
    ],
)
def test_a_message_counts_and_is_deleted_only_if_it_is_ours(
    fetch: bytes, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    monkeypatch.setitem(ORDINARY, b"UID FETCH", fetch)
    host = Misbehaving(b"", lambda tag: None)
    with server(tmp_path, host) as (port, _):
        assert len(look(port)) == number
    assert len([line for line in host.heard if b"UID STORE 7 " in line]) == number
    assert len([line for line in host.heard if b"UID EXPUNGE 7" in line]) == number


@pytest.mark.parametrize(
    ("verb", "answer", "problem"),
    [
        (b"AUTHENTICATE", b"NO [UNAVAILABLE] the directory is down", MailboxProblem.UNREACHABLE),
        (b"AUTHENTICATE", b"NO [AUTHENTICATIONFAILED] no", MailboxProblem.LOGIN),
        (b"SELECT", b"OK [READ-ONLY] look but do not touch", MailboxProblem.FOLDER),
    ],
)
def test_whose_fault_it_is_is_told_apart(
    verb: bytes, answer: bytes, problem: MailboxProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))

    def refuse(tag: bytes) -> bytes:
        code = b"* OK [READ-ONLY]\r\n" if b"READ-ONLY" in answer else b""
        return code + tag + b" " + answer + b"\r\n"

    with server(tmp_path, Misbehaving(verb, refuse)) as (port, _), pytest.raises(MailboxError) as error:
        look(port)
    assert error.value.problem is problem
