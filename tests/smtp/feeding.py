"""Ways to hand bytes to a parser: whole, one by one, and split everywhere once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from exporter.smtp.reply import ReadError, Reply, ReplyReader


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


def replies(data: bytes, feed: Feed = whole) -> list[Reply | str]:
    """Everything a fresh reader makes of `data`, up to a ReadError: the refusal in the rest, or the error's detail."""
    reader = ReplyReader()
    found: list[Reply | str] = []
    error: ReadError | None = None
    for piece in feed(data):
        reader.receive_data(piece)
        while error is None and (reply := reader.next_reply()) is not None:
            if isinstance(reply, ReadError):
                error = reply
            else:
                found.append(reply)
    if error is not None:
        found.append(reader.refusal() or reader.error_detail())
    return found
