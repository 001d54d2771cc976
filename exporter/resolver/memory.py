"""Answers kept for their TTL, and one question for all who ask it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from exporter.flights import Flight
from exporter.resolver.answer import Answer

Key = tuple[str, str]  # name, type

# About 200 bytes each. Beyond it the oldest go, expired or not: a bound, not a working size.
MAX_ANSWERS: Final = 1_000_000
# About 400 bytes each: those of 100,000 domains with a host each.
_MAX_MESSAGES: Final = 250_000


class Memory:
    """What is known, by name and type."""

    def __init__(self, max_answers: int = MAX_ANSWERS) -> None:
        self._loop = asyncio.get_running_loop()
        self._max_answers = max_answers
        self._answers: dict[Key, tuple[float, Answer]] = {}
        self._messages: dict[Key, tuple[bytes, Answer]] = {}
        self._flights: dict[Key, Flight[Answer]] = {}

    def known(self, key: Key) -> Answer | None:
        """The answer, within its TTL."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        if kept[0] > self._loop.time():
            return kept[1]
        del self._answers[key]
        return None

    def until(self, key: Key) -> float:
        """When, by the loop's clock, what is known of `key` ends; 0: nothing is."""
        kept = self._answers.get(key)
        return 0.0 if kept is None else kept[0]

    async def learn(self, key: Key, ask: Callable[[str, str], Awaitable[Answer]]) -> Answer:
        """Ask, or wait with whoever asks already."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight()
        try:
            return await flight.join(lambda: self._ask(key, ask))
        finally:
            if not flight.under_way:
                self._flights.pop(key, None)

    def read(self, key: Key, message: bytes, reading: Callable[[], Answer]) -> Answer:
        """What `message`, without its id, says about `key`: by `reading`, unless it is the same as last time.

        A zone that is not changed gives the same bytes once the resolver asks it again; parsing takes 50 µs.
        """
        last = self._messages.get(key)
        if last is not None and last[0] == message:
            return last[1]
        answer = reading()
        self._messages.pop(key, None)
        self._messages[key] = (message, answer)
        if len(self._messages) > _MAX_MESSAGES:
            del self._messages[next(iter(self._messages))]
        return answer

    async def _ask(self, key: Key, ask: Callable[[str, str], Awaitable[Answer]]) -> Answer:
        answer = await ask(*key)
        if answer.ttl > 0:
            self._answers.pop(key, None)  # to the end of the order, which is that of age
            self._answers[key] = (self._loop.time() + answer.ttl, answer)
            while len(self._answers) > self._max_answers:
                del self._answers[next(iter(self._answers))]
        return answer
