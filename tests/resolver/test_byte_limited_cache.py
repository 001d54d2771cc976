"""A cache with a limit in bytes: ended entries go first, then the oldest."""

from __future__ import annotations

from exporter.resolver.byte_limited_cache import ByteLimitedCache, SizedEntry


async def test_what_has_ended_goes_before_what_counts() -> None:
    shelf: ByteLimitedCache[str, None] = ByteLimitedCache(10_000)
    shelf.put("counts", SizedEntry(100.0, None, 300), 0.0)
    for number in range(20):
        shelf.put(f"ended{number}", SizedEntry(1.0, None, 300), 0.0)
    for number in range(20):
        shelf.put(f"new{number}", SizedEntry(100.0, None, 300), 2.0)
    assert shelf.get("counts") is not None
    assert shelf.get("ended0") is None
    assert shelf.size <= 10_000


async def test_one_answer_is_no_large_part_of_all() -> None:
    shelf: ByteLimitedCache[str, None] = ByteLimitedCache(10_000)
    shelf.put("small", SizedEntry(100.0, None, 600), 0.0)
    shelf.put("huge", SizedEntry(100.0, None, 9000), 0.0)
    assert shelf.get("huge") is None
    assert shelf.get("small") is not None
