"""The handshake in memory: whole and byte by byte, against servers that do it well, badly or not at all."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tls.client import MAX_EMPTY_BYTES, TlsClient, TlsFault, is_record
from tests.support.certificates import authority, issue, only_tls_1_0

NAME = "mx.example"
SERVER = issue(NAME, by=issue(by=authority(), ca=True, subject="Lab Intermediate"))


class Server:
    """The other end of a client, in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.asked_for: str | None = None
        context.sni_callback = self._asked
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._engine = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.failed = False

    def _asked(self, _: object, name: str | None, __: object) -> None:
        self.asked_for = name

    def take(self, records: bytes) -> bytes:
        """Client's records in, ours out."""
        self._incoming.write(records)
        try:
            self._engine.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            self.failed = True
        return self._outgoing.read()

    def say(self, data: bytes) -> bytes:
        self._engine.write(data)
        return self._outgoing.read()

    def hear(self, records: bytes) -> bytes:
        self._incoming.write(records)
        return self._engine.read(65536)

    def bye(self) -> bytes:
        try:
            self._engine.unwrap()
        except ssl.SSLWantReadError:
            pass
        return self._outgoing.read()


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    yield from (data[index : index + 1] for index in range(len(data)))


def shake(client: TlsClient, server: Server, feed: Callable[[bytes], Iterator[bytes]] = whole) -> TlsFault | None:
    """To and fro until there is nothing left to say."""
    while records := client.outgoing():
        for piece in feed(server.take(records)):
            received = client.receive(piece)
            if isinstance(received, TlsFault):
                return received
            assert received == b""
    return None


def context(**attributes: object) -> ssl.SSLContext:
    made = SERVER.context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("feed", [whole, bytewise])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_handshake_tells_version_cipher_and_the_chain_as_sent(
    feed: Callable[[bytes], Iterator[bytes]], version: ssl.TLSVersion
) -> None:
    client, server = TlsClient(NAME), Server(context(maximum_version=version))
    assert shake(client, server, feed) is None
    assert client.handshake is not None
    assert client.handshake.version == {ssl.TLSVersion.TLSv1_2: "TLSv1.2"}.get(version, "TLSv1.3")
    assert client.handshake.cipher
    assert client.handshake.chain == SERVER.chain
    assert server.asked_for == NAME
    assert client.receive(server.say(b"250 mx\r\n")) == b"250 mx\r\n"
    client.encrypt(b"QUIT\r\n")
    assert server.hear(client.outgoing()) == b"QUIT\r\n"
    assert not client.closed
    assert client.receive(server.say(b"221 bye\r\n") + server.bye()) == b"221 bye\r\n"
    assert client.closed


@pytest.mark.parametrize("name", ["192.0.2.1", "2001:db8::1", "a\0b", "x" * 300, ".example", ""])
def test_what_is_no_host_name_is_not_asked_for(name: str) -> None:
    client, server = TlsClient(name), Server(context())
    assert shake(client, server) is None
    assert client.handshake is not None
    assert server.asked_for is None


def test_a_version_that_was_given_up_is_taken_where_there_is_no_better() -> None:
    client, server = TlsClient(NAME), Server(only_tls_1_0(context()))
    assert shake(client, server) is None
    assert client.handshake is not None
    assert client.handshake.version == "TLSv1"


def hello(version: int = 0x0303, cipher: int = 0xC02F, extensions: bytes = b"", random: bytes = b"r" * 32) -> bytes:
    """A server's hello in a record (RFC 8446 4.1.3)."""
    body = version.to_bytes(2, "big") + random + b"\0" + cipher.to_bytes(2, "big") + b"\0"
    body += len(extensions).to_bytes(2, "big") + extensions
    message = b"\x02" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message


def test_a_server_without_secure_renegotiation_is_taken() -> None:
    """RFC 5746 3.4: nothing is renegotiated here, so nothing can be slipped in."""
    client = TlsClient(NAME)
    client.outgoing()
    assert client.receive(hello()) == b""


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_demand_for_a_client_certificate_is_told(version: ssl.TLSVersion) -> None:
    demanding = context(minimum_version=version, maximum_version=version)
    demanding.verify_mode = ssl.CERT_REQUIRED
    client, server = TlsClient(NAME), Server(demanding)
    fault = shake(client, server)
    assert isinstance(fault, TlsFault)
    assert "wants a client certificate" in fault.detail
    assert fault.of_handshake


def test_no_finite_field_is_computed() -> None:
    """Of parameters that the server chooses, it would cost as much as the server likes."""
    both = context(maximum_version=ssl.TLSVersion.TLSv1_2)
    both.set_ciphers("DHE:ECDHE:@SECLEVEL=0")
    client = TlsClient(NAME)
    assert shake(client, Server(both)) is None
    assert client.handshake is not None
    assert client.handshake.cipher.startswith("ECDHE-")
    alone = context(maximum_version=ssl.TLSVersion.TLSv1_2)
    alone.set_ciphers("DHE:@SECLEVEL=0")
    assert "DHE alone" in str(shake(TlsClient(NAME), Server(alone)))


def test_a_fault_leaves_an_alert_to_send() -> None:
    client = TlsClient(NAME)
    client.outgoing()
    assert isinstance(client.receive(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00"), TlsFault)
    assert client.outgoing()[:1] == b"\x15"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x15\x03\x03\x00\x02\x02\x28",  # alert handshake_failure
        b"\x16\x03\x03\x00\x04\x63\x00\x00\x00",
        b"\x16\x03\x03\xff\xff" + b"x" * 70_000,
        b"\x17\x03\x03\x00\x01x",
        b"500 what?\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0" * 100,
    ],
)
def test_no_answer_to_the_handshake_but_a_good_one_is_taken(answer: bytes) -> None:
    client = TlsClient(NAME)
    assert isinstance(client.receive(answer), TlsFault)
    assert client.handshake is None


def test_a_server_that_goes_on_for_ever_is_stopped() -> None:
    """Empty records and tickets cost a server nothing, and carry nothing."""
    client, server = TlsClient(NAME), Server(context(maximum_version=ssl.TLSVersion.TLSv1_2))
    assert shake(client, server) is None
    drained, fed = client.receive(b""), 0
    assert drained == b""
    heartbeat = b"\x17\x03\x03"  # the beginning of a record that never ends
    received: bytes | TlsFault = client.receive(heartbeat + b"\x40\x00")
    while not isinstance(received, TlsFault):
        fed += 1000
        assert fed <= 2 * MAX_EMPTY_BYTES
        received = client.receive(b"x" * 1000)
    assert client.closed is False


def test_a_broken_record_after_the_handshake_is_a_fault_after_what_was_said() -> None:
    client, server = TlsClient(NAME), Server(context())
    assert shake(client, server) is None
    said = server.say(b"250 mx\r\n")
    assert client.receive(said + b"\x17\x03\x03\x00\x20" + b"x" * 32) == b"250 mx\r\n"
    assert isinstance(client.receive(b""), TlsFault)


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    client = TlsClient(NAME)
    client.receive(data)
    client.receive(data)
    assert client.handshake is None


@pytest.mark.parametrize(
    ("data", "record"), [(b"\x16", True), (b"\x15\x03\x01", True), (b"\x16\x04", False), (b"250 x", False), (b"", True)]
)
def test_what_begins_like_tls(data: bytes, record: bool) -> None:
    assert is_record(data) == record
