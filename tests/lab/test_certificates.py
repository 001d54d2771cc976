"""The demo's own certificate authority."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from exporter.lab.certificates import Authority

AUTHORITY = Authority()


async def _handshake(server: ssl.SSLContext, name: str) -> None:
    """Shake hands as a client that trusts the authority and asks for `name`."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(hold, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]
    try:
        context = ssl.create_default_context(cadata=AUTHORITY.pem)
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        writer.close()
        await writer.wait_closed()
    finally:
        listener.close()
        await listener.wait_closed()


@pytest.mark.parametrize("name", ["mx.example", "alias.example"])
async def test_a_certificate_is_good_for_each_of_its_names(name: str) -> None:
    await _handshake(AUTHORITY.server_context("mx.example", "alias.example"), name)


async def test_it_is_good_for_no_other_name() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        await _handshake(AUTHORITY.server_context("mx.example"), "other.example")


async def test_an_expired_one_has_expired_and_nothing_else_is_wrong() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        await _handshake(AUTHORITY.server_context("mx.example", expired=True), "mx.example")


async def test_nobody_else_trusts_the_authority() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="CERTIFICATE_VERIFY_FAILED"):
        await _handshake(Authority().server_context("mx.example"), "mx.example")
