"""Ways to hand bytes to a parser: whole, one by one, and split everywhere once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exporter.smtp.reply import Broken, Reply, ReplyReader, Violation


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]


def halves(data: bytes) -> Iterator[bytes]:
    yield data[: len(data) // 2]
    yield data[len(data) // 2 :]


Feed = Callable[[bytes], Iterator[bytes]]
FEEDS: tuple[Feed, ...] = (whole, bytewise, halves)


def replies(data: bytes, feed: Feed = whole) -> list[Reply | Violation]:
    """Everything a fresh reader makes of `data`, up to what is broken: the refusal in that, or what is wrong."""
    reader = ReplyReader()
    found: list[Reply | Violation] = []
    broken: Broken | None = None
    for piece in feed(data):
        reader.receive_data(piece)
        while broken is None and (reply := reader.next_reply()) is not None:
            if isinstance(reply, Broken):
                broken = reply
            else:
                found.append(reply)
    if broken is not None:
        found.append(reader.refusal() or reader.violation())
    return found
