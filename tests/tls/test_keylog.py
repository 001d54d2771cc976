"""The flight of a server of TLS 1.3, read with the secret that OpenSSL logs; and what is so where there is no log."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from OpenSSL import SSL

from exporter.tls import client as tls_client
from exporter.tls.client import TlsClient
from exporter.tls.keylog import KeyLog
from tests.support.certificates import issue
from tests.tls.test_client import Server, shake

NAME = "mx.example"
SERVER = issue(NAME)


class Elsewhere(ssl.SSLContext):
    """A context on a system without /proc."""

    @property
    def keylog_filename(self) -> str:
        return ""

    @keylog_filename.setter
    def keylog_filename(self, name: str) -> None:
        raise FileNotFoundError(name)


def test_without_a_log_a_handshake_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    context = Elsewhere(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    log = KeyLog(context)
    monkeypatch.setattr(tls_client, "usual_context", lambda: (context, log))
    client = TlsClient(NAME)
    assert shake(client, Server(SERVER.context())) is None
    assert client.handshake is not None
    assert client.handshake.chain == SERVER.chain
    assert log.secret(b"r" * 32) is None


def test_a_secret_is_given_once_and_to_whose_it_is() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    log = KeyLog(context)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine, server = context.wrap_bio(incoming, outgoing), Server(SERVER.context())
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    hello = outgoing.read()
    random = hello[11:43]
    assert log.secret(random) is None
    incoming.write(server.take(hello))
    engine.do_handshake()
    assert log.secret(b"r" * 32) is None
    assert len(log.secret(random) or b"") == 48
    assert log.secret(random) is None


def test_a_log_that_is_not_emptied_stops_no_handshake() -> None:
    """As where a server demands hundreds of new keys in one piece: each is logged before we see the next."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    log = KeyLog(context)
    logged = Path(context.keylog_filename)
    line = logged.read_bytes() + b"CLIENT_RANDOM %b %b\n" % (b"1" * 64, b"2" * 96)
    with logged.open("ab") as file:
        file.write(line * 4096)  # ten times what a pipe holds
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    engine, server = context.wrap_bio(incoming, outgoing), Server(SERVER.context())
    with pytest.raises(ssl.SSLWantReadError):
        engine.do_handshake()
    hello = outgoing.read()
    incoming.write(server.take(hello))
    engine.do_handshake()
    assert len(log.secret(hello[11:43]) or b"") == 48
    assert logged.stat().st_size == 0


@pytest.mark.skipif(not hasattr(SSL.Context, "set_tls13_ciphersuites"), reason="pyOpenSSL before 25.2")
@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_the_certificates_of_a_handshake_with_every_suite_are_read(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    monkeypatch.setattr("exporter.tls.server_handshake.excess_in", lambda body, *, tls13: seen.append(body))
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_tls13_ciphersuites(suite.encode())
    context.use_certificate(SERVER.certificate)
    context.use_privatekey(SERVER.key)
    server = SSL.Connection(context)
    server.set_accept_state()
    client = TlsClient(NAME)
    while records := client.outgoing():
        server.bio_write(records)
        with suppress(SSL.WantReadError):
            server.do_handshake()
        with suppress(SSL.WantReadError):
            assert client.receive(server.bio_read(65536)) == b""
    assert client.handshake is not None
    assert client.handshake.cipher == suite
    assert [SERVER.der in body for body in seen] == [True]
