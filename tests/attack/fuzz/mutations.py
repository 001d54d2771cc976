"""Inputs from inputs, by chance that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

# What breaks readers of numbers, of text and of both.
_COMMON: Final = (
    b"\x00", b"\xff", b"\r", b"\n", b"\r\n", b"\t", b" ", b"\x1b[31m", b"\xef\xbb\xbf", b"\xe2\x80\xae",
    b"\xf0\x9f\x92\xa9", b"\xed\xa0\x80", b"\xc0\x80", b"\x7f", b"\xff\xff", b"\x80\x00", b"\x7f\xff\xff\xff", b"-1",
    b"0", b"65536", b"99999999999999999999999", b"1e999", b"nan", b"<zq>", b'"', b"'", b"\\", b"%", b"%00", b"../",
    b"{}", b"*",
)  # fmt: skip
_REPEATED: Final = (2, 16, 100, 1000)


class Mutator:
    """Makes inputs of those in `pool`, at most `max_bytes` long. A few of them are remembered and mutated further."""

    def __init__(self, pool: Sequence[bytes], tokens: Sequence[bytes], max_bytes: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._pool = [*pool] or [b""]
        self._corpus = len(self._pool)
        self._tokens = (*tokens, *tokens, *_COMMON)
        self._max_bytes = max_bytes
        self._ways: tuple[Callable[[bytearray], None], ...] = (
            self._flip, self._flip, self._overwrite, self._insert, self._token, self._token, self._delete,
            self._splice, self._repeat, self._truncate, self._number,
        )  # fmt: skip

    def next(self) -> bytes:
        """Another one."""
        data = bytearray(self._random.choice(self._pool))
        for _ in range(1 + min(7, int(self._random.expovariate(0.7)))):
            self._random.choice(self._ways)(data)
        made = bytes(data[: self._max_bytes])
        if self._random.random() < 0.02 and len(made) < 4096:
            self._remember(made)
        return made

    def _remember(self, made: bytes) -> None:
        if len(self._pool) < 2 * self._corpus + 16:
            self._pool.append(made)
        else:
            self._pool[self._random.randrange(self._corpus, len(self._pool))] = made

    def _place(self, data: bytearray) -> int:
        return self._random.randint(0, len(data))

    def _span(self, data: bytearray) -> tuple[int, int]:
        begin = self._place(data)
        return begin, min(len(data), begin + 1 + int(self._random.expovariate(0.1)))

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _overwrite(self, data: bytearray) -> None:
        begin, end = self._span(data)
        data[begin:end] = self._random.randbytes(end - begin)

    def _insert(self, data: bytearray) -> None:
        place = self._place(data)
        data[place:place] = self._random.randbytes(1 + int(self._random.expovariate(0.2)))

    def _token(self, data: bytearray) -> None:
        begin, end = self._span(data)
        data[begin : self._random.choice((begin, end))] = self._random.choice(self._tokens)

    def _delete(self, data: bytearray) -> None:
        begin, end = self._span(data)
        del data[begin:end]

    def _splice(self, data: bytearray) -> None:
        other = self._random.choice(self._pool)
        begin = self._random.randint(0, len(other))
        place = self._place(data)
        data[place : self._random.choice((place, len(data)))] = other[begin : begin + self._random.randint(1, 512)]

    def _repeat(self, data: bytearray) -> None:
        begin, end = self._span(data)
        data[end:end] = bytes(data[begin:end]) * self._random.choice(_REPEATED)
        del data[4 * self._max_bytes :]

    def _truncate(self, data: bytearray) -> None:
        del data[self._place(data) :]

    def _number(self, data: bytearray) -> None:
        """One byte or two by a number that is next to what was there, or at the end of its range."""
        if len(data) >= 2:
            place = self._random.randrange(len(data) - 1)
            value = int.from_bytes(data[place : place + 2], "big")
            near = (value + self._random.randint(-4, 4)) % 65536
            data[place : place + 2] = self._random.choice((near, 0, 65535, len(data) % 65536)).to_bytes(2, "big")
