"""A cache with a limit in bytes: ended entries go first, then the oldest."""

from __future__ import annotations

from dataclasses import dataclass

from exporter.resolver.byte_limited_cache import ByteLimitedCache


@dataclass(frozen=True)
class Item:
    until: float
    bytes: int

    def size(self, name: str) -> int:
        return self.bytes + len(name)


async def test_what_has_ended_goes_before_what_counts() -> None:
    shelf: ByteLimitedCache[Item] = ByteLimitedCache(10_000)
    shelf.put("counts", "A", Item(100.0, 300), 0.0)
    for number in range(20):
        shelf.put(f"ended{number}", "A", Item(1.0, 300), 0.0)
    for number in range(20):
        shelf.put(f"new{number}", "A", Item(100.0, 300), 2.0)
    assert shelf.get("counts", "A") is not None
    assert shelf.get("ended0", "A") is None
    assert shelf.size <= 10_000


async def test_one_answer_is_no_large_part_of_all() -> None:
    shelf: ByteLimitedCache[Item] = ByteLimitedCache(10_000)
    shelf.put("small", "A", Item(100.0, 600), 0.0)
    shelf.put("huge", "A", Item(100.0, 9000), 0.0)
    assert shelf.get("huge", "A") is None
    assert shelf.get("small", "A") is not None


async def test_room_is_made_by_the_kind_with_most_entries() -> None:
    shelf: ByteLimitedCache[Item] = ByteLimitedCache(10_000)
    shelf.put("few", "MX", Item(100.0, 300), 0.0)
    for number in range(100):
        shelf.put(f"many{number}", "A", Item(100.0, 300), 0.0)
    assert shelf.get("few", "MX") is not None
    assert shelf.get("many99", "A") is not None
    assert shelf.get("many0", "A") is None
    assert len(shelf) == 1 + len(shelf.of("A"))


async def test_what_goes_takes_its_bytes_along() -> None:
    shelf: ByteLimitedCache[Item] = ByteLimitedCache(10_000)
    for kind in ("MX", "A"):
        for number in range(5):
            shelf.put(f"d{number}", kind, Item(100.0, 300 + number), 0.0)
            shelf.put(f"d{number}", kind, Item(100.0, 200 - number), 0.0)
    assert shelf.size == 2 * sum(202 - number for number in range(5))
    shelf.drop_all(lambda item: item.bytes > 197)
    assert (shelf.get("d0", "MX"), shelf.get("d2", "A")) == (None, None)
    for kind in ("MX", "A"):
        for number in range(5):
            shelf.drop(f"d{number}", kind)
    assert (shelf.size, len(shelf)) == (0, 0)
