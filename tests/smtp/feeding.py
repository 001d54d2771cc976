"""Ways to hand bytes to a parser: whole, one by one, and split everywhere once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exporter.smtp.reply import Reply, ReplyReader, Violation


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
    """Everything a fresh reader makes of `data`, up to the first violation."""
    reader = ReplyReader()
    found: list[Reply | Violation] = []
    for piece in feed(data):
        reader.receive_data(piece)
        while (reply := reader.next_reply()) is not None:
            found.append(reply)
            if isinstance(reply, Violation):
                return found
    return found
