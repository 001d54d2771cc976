"""What several targets are held to, and how they cut their inputs."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator

import dns.name

from tests.attack.fuzz.frame import agree

# Unicode 4.5: what changes how the text around it is shown, or ends a line.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def harmless(text: str, what: str, *, allowed: str = "", limit: int = 8192) -> None:
    """`text` may be shown on a terminal, in a log line, on a page: bounded, and nothing in it but what is seen."""
    agree(len(text) <= limit, f"{what} has {len(text)} characters")
    if text.isascii() and text.isprintable():
        return
    wrong = next((char for char in text if char not in allowed and unicodedata.category(char) in _UNSAFE), None)
    agree(wrong is None, f"{what} has {wrong!r}: {text[:300]!r}")


def name_text(name: dns.name.Name) -> str:
    """A name as it is kept: lower case, without the final dot, "" for the root."""
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


def options(data: bytes, count: int) -> tuple[list[int], bytes]:
    """The first `count` bytes as numbers that choose, 0 where there are none; and the rest."""
    return [*data[:count].ljust(count, b"\0")], data[count:]


def pieces(data: bytes, choice: int) -> Iterator[bytes]:
    """`data` in pieces: one by one, or cut by chance, as `choice` has it; no more than some hundred of them."""
    chance = random.Random(choice)
    if choice % 4 == 0 and len(data) <= 4096:
        yield from (data[place : place + 1] for place in range(len(data)))
        return
    least = max(1, len(data) // 256)
    place = 0
    while place < len(data):
        size = least + (chance.randrange(4) if choice % 4 == 1 else int(chance.expovariate(0.01)))
        yield data[place : place + size]
        place += size
