"""One attempt of a query: over TCP, and the nameserver as text."""

from __future__ import annotations

import asyncio

import dns.rdatatype
import pytest

from exporter.resolver import wire
from exporter.resolver.domain_names import MalformedReply
from exporter.resolver.query_attempt import ask_over_tcp, server_text

SECTION = wire.question_section("a.example", dns.rdatatype.MX)


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (("192.0.2.53", 53), "192.0.2.53"),
        (("192.0.2.53", 5353), "192.0.2.53:5353"),
        (("2001:db8::53", 53), "2001:db8::53"),
        (("2001:db8::53", 5353), "[2001:db8::53]:5353"),
    ],
)
def test_the_port_is_shown_where_it_is_not_the_usual_one(server: tuple[str, int], text: str) -> None:
    assert server_text(server) == text


@pytest.mark.parametrize(("flip", "accepted"), [(0, True), (1, False)])
async def test_over_tcp_the_answer_must_have_the_id_of_the_query(flip: int, accepted: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        query = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        answer = query[:1] + bytes([query[1] ^ flip, query[2] | 0x80]) + query[3:]
        writer.write(len(answer).to_bytes(2, "big") + answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        if accepted:
            assert wire.answers(await ask_over_tcp(address, SECTION, edns=True), SECTION)
        else:
            with pytest.raises(MalformedReply):
                await ask_over_tcp(address, SECTION, edns=True)
