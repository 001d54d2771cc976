"""A limit on the bytes that clients have requested and not read, for all clients together.

A client that does not read costs memory: the buffers of its connection and the rest of its page. Each connection whose
client must read before more can be written is counted here with the bytes that wait. Above the limit, the client that
has not read for the longest time is disconnected.
"""

from __future__ import annotations

from typing import Final, Protocol

# Of all clients that do not read. In addition each of MAX_CONNECTIONS has at most HIGH_WATER bytes in its buffer.
MAX_UNREAD_BYTES: Final = 16 << 20


class Client(Protocol):
    """A client, as the code that writes its answer sees it."""

    def waited(self) -> float:
        """Seconds in all that the answer has waited for the client to read."""

    @property
    def is_reading(self) -> bool:
        """More could be written for the client now."""

    @property
    def is_gone(self) -> bool:
        """The connection is closing or closed, by either side."""

    def reset(self) -> None:
        """End the connection at once; unread bytes are discarded."""


class UnreadBytes:
    """The clients with unread bytes, the longest waiting first."""

    def __init__(self) -> None:
        self._sizes: dict[Client, int] = {}
        self.total = 0  # bytes

    def begin(self, client: Client, size: int) -> None:
        """Add `client`, which has `size` bytes to read before more is written."""
        self.end(client)
        self._sizes[client] = size
        self.total += size
        while self.total > MAX_UNREAD_BYTES:
            longest = next(iter(self._sizes))
            self.end(longest)
            longest.reset()

    def end(self, client: Client) -> None:
        """Remove `client`, which has read or is gone; a second call does nothing."""
        self.total -= self._sizes.pop(client, 0)
