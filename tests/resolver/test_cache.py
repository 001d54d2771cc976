"""The answers that are kept: as many bytes as are allowed, the expired first to go, unconfigured targets apart."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable

import pytest

from exporter.model.address import Family
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxHost, MxLookup
from exporter.resolver.answer import DnsAnswer, failed, read_reply
from exporter.resolver.cache import LEAST_BYTES, UNCONFIGURED, AnswerCache
from exporter.resolver.kept import size_of
from tests.support import dns_messages as dns

LARGE = DnsAnswer(tuple(f"192.0.2.{n % 256}" for n in range(100)), ttl=300.0)
SMALL = DnsAnswer(("192.0.2.1",), ttl=300.0)


async def _learn(memory: AnswerCache, name: str, answer: DnsAnswer, *, passing: bool = False) -> None:
    async def ask(_name: str, _kind: str) -> DnsAnswer:
        return answer

    token = UNCONFIGURED.set(passing)
    await memory.learn((name, "A"), ask)
    UNCONFIGURED.reset(token)


def _known(memory: AnswerCache, name: str) -> bool:
    return memory.known((name, "A")) is not None


async def test_all_answers_together_take_no_more_than_they_may() -> None:
    memory = AnswerCache(max_bytes=1_000_000)
    for number in range(1000):
        await _learn(memory, f"d{number}.example", LARGE)
        assert memory.size <= 1_000_000
    kept = [number for number in range(1000) if _known(memory, f"d{number}.example")]
    assert len(kept) > 50
    assert kept == list(range(1000 - len(kept), 1000))  # the oldest have gone


async def test_who_passes_by_pushes_nothing_out() -> None:
    memory = AnswerCache(max_bytes=200_000, unconfigured_bytes=200_000)
    await _learn(memory, "configured.example", SMALL)
    for number in range(300):
        await _learn(memory, f"d{number}.example", LARGE, passing=True)
    assert _known(memory, "configured.example")
    assert memory.size <= 400_000


async def test_what_a_target_asks_for_as_well_is_kept_like_its_own() -> None:
    memory = AnswerCache(max_bytes=200_000, unconfigured_bytes=200_000)
    await _learn(memory, "shared.example", SMALL, passing=True)
    assert _known(memory, "shared.example")  # asked for a target
    for number in range(300):
        await _learn(memory, f"d{number}.example", LARGE, passing=True)
    assert _known(memory, "shared.example")


async def test_with_more_targets_more_is_kept() -> None:
    memory = AnswerCache()
    memory.make_room_for(3)
    for number in range(4):
        await _learn(memory, f"d{number}.example", LARGE)
    assert memory.size < LEAST_BYTES
    memory.make_room_for(100_000)
    assert all(_known(memory, f"d{number}.example") for number in range(4))


async def test_failures_are_forgotten_of_both() -> None:
    memory = AnswerCache()
    failure = failed(C.DNS_SERVFAIL, "SERVFAIL")
    await _learn(memory, "configured.example", failure)
    await _learn(memory, "passing.example", failure, passing=True)
    await _learn(memory, "well.example", SMALL)
    memory.forget_failures()
    assert [_known(memory, f"{name}.example") for name in ("configured", "unconfigured", "well")] == [
        False,
        False,
        True,
    ]


V4, BOTH = (Family.IPV4,), (Family.IPV4, Family.IPV6)
HOSTS = (MxHost("mx.example", 10, ("192.0.2.1",)),)
LOOKUP = MxLookup("a.example", HOSTS, mx_records=1, duration=0.5)


async def _learn_mx(memory: AnswerCache, answer: DnsAnswer, message: bytes) -> None:
    async def ask(name: str, kind: str) -> DnsAnswer:
        return memory.read((name, kind), (message, ""), lambda: answer)

    await memory.learn(("a.example", "MX"), ask)


async def test_a_lookup_is_known_for_its_families_until_the_first_of_its_answers_ends() -> None:
    memory, now = AnswerCache(), asyncio.get_running_loop().time()
    memory.keep_lookup(LOOKUP, V4, now + 60.0)
    assert memory.known_lookup("a.example", V4) is None  # there is no answer
    await _learn_mx(memory, DnsAnswer(((10, "mx.example"),), ttl=300.0), b"1")
    memory.keep_lookup(LOOKUP, V4, now + 60.0)
    assert memory.known_lookup("a.example", V4) is LOOKUP
    assert memory.known_lookup("a.example", BOTH) is None
    memory.keep_lookup(LOOKUP, V4, now)
    assert memory.known_lookup("a.example", V4) is None
    last = memory.last_lookup("a.example", V4)
    assert last is not None
    assert last.lookup is LOOKUP
    assert memory.known(("a.example", "MX")) is not None


async def test_a_newer_answer_is_the_answer_and_of_the_lookup_the_duration_stays() -> None:
    memory, now = AnswerCache(), asyncio.get_running_loop().time()
    await _learn_mx(memory, DnsAnswer(((10, "mx.example"),), ttl=300.0), b"1")
    memory.keep_lookup(LOOKUP, V4, now + 60.0)
    with_unconfigured = UNCONFIGURED.set(True)
    newer = DnsAnswer(((20, "new.example"),), ttl=300.0)
    await _learn_mx(memory, newer, b"2")
    UNCONFIGURED.reset(with_unconfigured)
    assert memory.known(("a.example", "MX")) is newer
    assert memory.known_lookup("a.example", V4) is None
    last = memory.last_lookup("a.example", V4)
    assert last is not None
    assert last.lookup.duration == 0.5


async def test_the_same_message_again_is_the_same_answer_without_reading_it() -> None:
    memory, now = AnswerCache(), asyncio.get_running_loop().time()
    await _learn_mx(memory, DnsAnswer(((10, "mx.example"),), ttl=300.0), b"1")
    memory.keep_lookup(LOOKUP, V4, now + 60.0)
    await _learn_mx(memory, failed(C.DNS_MALFORMED, "read again"), b"1")
    assert memory.known(("a.example", "MX")) == DnsAnswer(((10, "mx.example"),), ttl=300.0)


async def test_equal_hosts_are_one_object_as_long_as_the_addresses_of_the_first_are_kept() -> None:
    memory = AnswerCache()
    assert memory.shared(HOSTS) is HOSTS
    await _learn(memory, "mx.example", SMALL)
    before = memory.size
    assert memory.shared(HOSTS) is HOSTS
    assert memory.size > before
    assert memory.shared((MxHost("mx.example", 10, ("192.0.2.1",)),)) is HOSTS
    await _learn(memory, "mx.example", SMALL)
    assert memory.shared((MxHost("mx.example", 10, ("192.0.2.1",)),)) is HOSTS
    others = (MxHost("mx.example", 20, ("192.0.2.1",)),)
    assert memory.shared(others) is others
    many = tuple(MxHost(f"mx{number}.example", 10, ("192.0.2.1",)) for number in range(40))
    assert memory.shared(many) is many


async def test_of_a_lookup_with_a_failed_host_the_answer_stays_when_failures_are_forgotten() -> None:
    memory, now = AnswerCache(), asyncio.get_running_loop().time()
    answer = DnsAnswer(((10, "mx.example"),), ttl=300.0)
    await _learn_mx(memory, answer, b"1")
    failure = failed(C.DNS_SERVFAIL, "SERVFAIL").failure
    lookup = MxLookup("a.example", (MxHost("mx.example", 10, failure=failure),), failure, mx_records=1, duration=0.5)
    memory.keep_lookup(lookup, V4, now + 60.0)
    memory.forget_failures()
    assert memory.known_lookup("a.example", V4) is None
    assert memory.known(("a.example", "MX")) is answer
    await _learn_mx(memory, failed(C.DNS_SERVFAIL, "SERVFAIL"), b"2")
    memory.keep_lookup(lookup, V4, now + 60.0)
    memory.forget_failures()
    assert (memory.known(("a.example", "MX")), memory.size) == (None, 0)


@pytest.mark.unmeasured
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("MX", lambda name: dns.reply(name, "MX", [dns.record("MX", b"\0\1\2mx" + dns.QUESTION)])),
        ("A", lambda name: dns.addresses(name, 2)),
        ("A", lambda name: dns.addresses(name, 1500)),
        ("AAAA", lambda name: dns.reply(name, "AAAA")),
        ("MX", dns.heavy_mx),
        ("TXT", lambda name: dns.reply(name, "TXT", [dns.record("TXT", b"\xff" + b"x" * 255) for _ in range(9)])),
        ("TLSA", lambda name: dns.reply(name, "TLSA", [dns.record("TLSA", bytes([3, 1, n]) * 9) for n in range(9)])),
    ],
)
def test_what_an_answer_counts_for_is_about_what_it_takes(kind: str, data: Callable[[str], bytes]) -> None:
    many = 200 if len(data("d.example")) < 2000 else 10

    async def fill() -> tuple[float, float]:
        memory = AnswerCache(max_bytes=1 << 30)
        replies = {f"d{number}.example": data(f"d{number}.example") for number in range(many)}
        tracemalloc.start()
        for name, reply in replies.items():

            async def ask(name: str, kind: str, reply: bytes = reply) -> DnsAnswer:
                return memory.read((name, kind), (reply, ""), lambda: read_reply(name, reply))

            await memory.learn((f"{name}", kind), ask)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert memory.size == sum(size_of(name, read_reply(name, reply)) for name, reply in replies.items())
        return taken / many, memory.size / many

    taken, counted = asyncio.run(fill())
    # Freed tuples that Python keeps for the next count as taken, too: some 200 KB.
    assert counted / 2 < taken < 2 * counted + 300_000 / many
