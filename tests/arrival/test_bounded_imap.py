"""The bounds of the IMAP client, against servers that keep none."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from exporter.arrival import bounded_imap, mailbox_session
from exporter.arrival.bounded_imap import BoundedImap, MailboxError
from exporter.arrival.mailbox_session import MailboxSession
from exporter.model.arrival import MailboxProblem
from exporter.model.target import CanaryMailbox
from tests.support.certificates import DAY, Issued, authority, issue

Speech = Callable[[ssl.SSLSocket], None]
GREETING = b"* PREAUTH ready\r\n"
ROOT = authority()
CERTIFICATE = issue("localhost", by=ROOT)


@contextmanager
def server(tmp_path: Path, speech: Speech, certificate: Issued = CERTIFICATE) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A server on loopback that says what it likes to one client, and the TLS of a client that trusts it."""
    roots = tmp_path / "roots.pem"
    roots.write_text(ROOT.pem)
    context = certificate.context()

    def serve() -> None:
        with suppress(OSError):
            plain, _ = listener.accept()
            with plain, context.wrap_socket(plain, server_side=True) as client:
                speech(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], ssl.create_default_context(cafile=str(roots))
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def after_capability(answer: bytes) -> Speech:
    """A greeting, and `answer` to the first command."""

    def speech(client: ssl.SSLSocket) -> None:
        client.sendall(GREETING)
        client.recv(1000)
        client.sendall(answer)
        client.recv(1000)

    return speech


def endless(client: ssl.SSLSocket) -> None:
    client.sendall(GREETING)
    client.recv(1000)
    while True:
        client.sendall(b"* 1 EXISTS\r\n" * 1000)


def dripping(client: ssl.SSLSocket) -> None:
    while True:
        client.sendall(b"*")
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("speech", "problem"),
    [
        (after_capability(b"* CAPABILITY " + b"A" * 100_000 + b"\r\n"), MailboxProblem.PROTOCOL),
        (after_capability(b"* X {99999999999}\r\n"), MailboxProblem.PROTOCOL),
        (endless, MailboxProblem.PROTOCOL),
        (dripping, MailboxProblem.UNREACHABLE),
        (lambda client: None, MailboxProblem.UNREACHABLE),
    ],
    ids=["a long line", "a large literal", "no end", "byte by byte", "no word"],
)
def test_what_is_too_much_ends_the_session(tmp_path: Path, speech: Speech, problem: MailboxProblem) -> None:
    with server(tmp_path, speech) as (port, context), pytest.raises(MailboxError) as error:
        BoundedImap("localhost", port, context, 0.3 if speech is dripping else 10.0)
    assert error.value.problem is problem


@pytest.mark.parametrize(
    "answer",
    [b"* BYE \xff\xfe\r\n", b"\0\0\r\n", b"* X {" + b"9" * 5000 + b"}\r\n", b"AAAA0 NO\r\n", b"* CAPABILITY\r\n"],
)
def test_whatever_is_said_is_an_error_of_the_mailbox(
    tmp_path: Path, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox_session, "STEP_SECONDS", 2.0)
    with server(tmp_path, after_capability(answer)) as (port, _):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
        with pytest.raises(MailboxError):
            MailboxSession(CanaryMailbox("localhost", port, "user", "secret"))


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (issue("localhost", by=ROOT, end=-DAY), "certificate has expired"),
        (issue("imap.example", by=ROOT), "Hostname mismatch"),
        (issue("localhost"), "self-signed certificate"),
        (issue("localhost", by=authority("another authority")), "unable to get local issuer certificate"),
    ],
    ids=["expired", "another name", "self-signed", "of an unknown authority"],
)
def test_nothing_is_said_to_a_server_without_a_certificate_that_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certificate: Issued, reason: str
) -> None:
    heard: list[bytes] = []
    with server(tmp_path, lambda client: heard.append(client.recv(1)), certificate) as (port, _):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
        with pytest.raises(MailboxError, match=reason) as error:
            MailboxSession(CanaryMailbox("localhost", port, "user", "secret"))
    assert error.value.problem is MailboxProblem.TLS
    assert heard == []


def test_a_port_that_is_closed_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(MailboxError) as error:
        BoundedImap("127.0.0.1", port, ssl.create_default_context(), 5.0)
    assert error.value.problem is MailboxProblem.UNREACHABLE


def test_all_that_one_step_reads_is_bounded() -> None:
    assert bounded_imap.MAX_LITERAL < bounded_imap.MAX_BYTES <= 1 << 20


def test_a_connection_that_is_made_too_late_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(tmp_path, lambda client: None) as (port, context):
        clocks = iter((0.0, 0.0, 100.0))
        made: list[socket.socket] = []
        connect = socket.create_connection

        def note(*where: Any) -> socket.socket:
            made.append(connect(*where))
            return made[0]

        monkeypatch.setattr(bounded_imap, "time", SimpleNamespace(monotonic=lambda: next(clocks, 100.0)))
        monkeypatch.setattr(socket, "create_connection", note)
        with pytest.raises(MailboxError):
            BoundedImap("localhost", port, context, 10.0)
        assert made[0].fileno() == -1
