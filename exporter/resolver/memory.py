"""Answers kept for their TTL, and one question for all who ask it at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from exporter.flights import Flight
from exporter.resolver.answer import Answer

Key = tuple[str, str]  # name, type

# About 200 bytes each. Beyond it the oldest go, expired or not: a bound, not a working size.
MAX_ANSWERS: Final = 1_000_000


class Learned(NamedTuple):
    """An answer that was asked for just now."""

    answer: Answer
    at: float  # Unix time at which the question began


class Memory:
    """What is known, by name and type."""

    def __init__(self, max_answers: int = MAX_ANSWERS) -> None:
        self._loop = asyncio.get_running_loop()
        self._max_answers = max_answers
        # Until when, what, and the hash of the message that said it; the oldest first.
        self._answers: dict[Key, tuple[float, Answer, int]] = {}
        self._flights: dict[Key, Flight[Learned]] = {}

    def known(self, key: Key) -> Answer | None:
        """The answer, within its TTL."""
        kept = self._answers.get(key)
        return kept[1] if kept is not None and kept[0] > self._loop.time() else None

    def until(self, key: Key) -> float:
        """When, by the loop's clock, what is known of `key` ends; 0: nothing is."""
        kept = self._answers.get(key)
        return 0.0 if kept is None else kept[0]

    def forget_failures(self) -> None:
        """Ask again about all that drew no useful answer."""
        self._answers = {key: kept for key, kept in self._answers.items() if kept[1].failure is None}

    async def learn(self, key: Key, ask: Callable[[str, str], Awaitable[Answer]]) -> Learned:
        """Ask, or wait with whoever asks already."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = Flight()
        try:
            return await flight.join(lambda: self._ask(key, ask))
        finally:
            if not flight.under_way:
                self._flights.pop(key, None)

    def read(self, key: Key, message: tuple[bytes, str], reading: Callable[[], Answer]) -> Answer:
        """What `message`, without its id, says about `key`: by `reading`, unless it is the one of last time.

        Beside the bytes of the message stands who sent it.

        A zone that has not changed gives the same bytes once the resolver asks it again, and parsing takes 50 µs. The
        hash is SipHash with a secret key: nobody can send another message for the same.
        """
        digest = hash(message)
        last = self._answers.get(key)
        answer = last[1] if last is not None and last[2] == digest else reading()
        self._keep(key, 0.0, answer, digest)
        return answer

    async def _ask(self, key: Key, ask: Callable[[str, str], Awaitable[Answer]]) -> Learned:
        at = time.time()
        answer = await ask(*key)
        read = self._answers.get(key)
        if read is not None and read[1] is answer:
            self._keep(key, self._loop.time() + answer.ttl, answer, read[2])
        elif answer.ttl > 0:
            self._keep(key, self._loop.time() + answer.ttl, answer, 0)
        return Learned(answer, at)

    def _keep(self, key: Key, until: float, answer: Answer, digest: int) -> None:
        self._answers.pop(key, None)  # to the end of the order, which is that of age
        self._answers[key] = (until, answer, digest)
        while len(self._answers) > self._max_answers:
            del self._answers[next(iter(self._answers))]
