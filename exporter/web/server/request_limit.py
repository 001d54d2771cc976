"""A limit on the requests of one kind that are in progress; further ones are refused at once, to be repeated later."""

from __future__ import annotations

from typing import Final

# The header of a refusal (RFC 9110 10.2.3).
BUSY: Final = {"Retry-After": "1"}


class RequestLimit:
    """A counter of requests in progress, as a context manager for each. Used in one event loop."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def __enter__(self) -> None:
        self._left -= 1

    def __exit__(self, *_: object) -> None:
        self._left += 1

    @property
    def reached(self) -> bool:
        """The limit is reached: the next request is to be refused."""
        return self._left <= 0
