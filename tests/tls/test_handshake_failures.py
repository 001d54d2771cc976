"""The reason of a failed handshake in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from exporter.tls.client import TlsClient, TlsFault
from tests.tls.test_client import NAME, bytewise, hello, whole

RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
ALERT = b"\x15\x03\x03\x00\x02\x02"


@pytest.mark.parametrize("feed", [whole, bytewise])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (hello(0x0300), "offers SSL 3.0 alone"),
        (hello(cipher=0x0033), "chose a cipher that was not offered"),  # DHE
        (hello(0x0303, 0x1301, b"\0\x2b\0\2\3\4\0\x33\0\2\1\0", RETRY), "finite-field Diffie-Hellman (DHE) alone"),
        (ALERT + b"\x28", "no cipher in common"),
        (ALERT + b"\x46", "no version of TLS that we offer"),
        (ALERT + b"\x47", "stronger ciphers"),
        (ALERT + b"\x70", "no certificate for the name"),
        (ALERT + b"\x74", "wants a client certificate"),
        (ALERT + b"\x50", "internal_error"),
        (b"500 5.5.1 what?\r\n", "something else than TLS"),
        (b"\x16\x03\x03\x00\x04\x02\xff\xff\xff", "beyond all measure"),
        (b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", "malformed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_why_a_handshake_failed_is_told_in_plain_words(
    feed: Callable[[bytes], Iterator[bytes]], answer: bytes, said: str
) -> None:
    client = TlsClient(NAME)
    client.outgoing()
    fault = next((found for piece in feed(answer) if isinstance(found := client.receive(piece), TlsFault)), None)
    assert fault is not None
    assert said in fault.detail
