"""What clients have asked for and not read: bounded for all of them together.

A client that does not read costs what is kept for it: buffers of its connection, the rest of a page. Each connection
whose client has to read before more can be written stands here with the bytes that wait for it. Where they are too many
together, who has not read for longest is cut.
"""

from __future__ import annotations

from typing import Final, Protocol

# Of all that do not read, together. Beside it each of MAX_CONNECTIONS has at most HIGH_WATER bytes under way.
MAX_UNREAD_BYTES: Final = 16 << 20


class Client(Protocol):
    """A client as those see it who have something for it."""

    def waited(self) -> float:
        """Seconds that its request has waited for it, in all, to read."""

    @property
    def is_reading(self) -> bool:
        """Whether more could be written for it now."""

    @property
    def is_gone(self) -> bool:
        """Whether it has closed the connection, or we have."""

    def cut(self) -> None:
        """End the connection at once; what is unread is thrown away."""


class UnreadBytes:
    """The clients that are waited for, the longest waiting first."""

    def __init__(self) -> None:
        self._kept: dict[Client, int] = {}
        self.total = 0  # bytes

    def begin(self, client: Client, size: int) -> None:
        """`client` has `size` bytes to read before it gets more."""
        self.end(client)
        self._kept[client] = size
        self.total += size
        while self.total > MAX_UNREAD_BYTES:
            longest = next(iter(self._kept))
            self.end(longest)
            longest.cut()

    def end(self, client: Client) -> None:
        """It has read, or is gone; a second time does nothing."""
        self.total -= self._kept.pop(client, 0)
