"""The entries of the cache: nothing is lost of an answer that stands in its lookup."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from exporter.model.address import Family
from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.model.result import MxHost
from exporter.resolver.answer import DnsAnswer, Record, failed
from exporter.resolver.kept import KeptAnswer, KeptHost, KeptLookup, size_of
from exporter.resolver.mx import lookup_mx
from tests.resolver.test_mx import Zone

V4 = (Family.IPV4,)
NAME = "a.example"
ADDRESSES = {
    ("mx.a.example", "A"): DnsAnswer(("192.0.2.1",), ttl=60.0),
    ("mx2.a.example", "A"): DnsAnswer(("192.0.2.2",), ttl=60.0),
    ("dead.a.example", "A"): failed(C.DNS_SERVFAIL, "SERVFAIL"),
    (NAME, "A"): DnsAnswer(("192.0.2.3",), ttl=60.0),
}
FILTERED = Failure(Stage.DNS, C.RESOLVER_FAILING, "filtered")


def _kept(answer: DnsAnswer, lookup_until: float = 50.0) -> KeptLookup:
    lookup = asyncio.run(lookup_mx(Zone({**ADDRESSES, (NAME, "MX"): answer}), NAME, V4))
    return KeptLookup(KeptAnswer(answer, 100.0, 7), lookup, V4, lookup_until)


def _answer(*records: Record, **others: Any) -> DnsAnswer:
    return dataclasses.replace(DnsAnswer(records, ttl=300.0, nameserver="127.0.0.1"), **others)


@pytest.mark.parametrize(
    "answer",
    [
        _answer((10, "mx.a.example")),
        _answer((20, "mx.a.example"), (10, "mx2.a.example"), authenticated=True),
        _answer((10, "mx.a.example"), is_alias=True, canonical="b.example"),
        _answer((10, "mx.a.example"), (20, "mx.a.example")),
        _answer((10, "mx.a.example"), (10, "dead.a.example")),
        _answer((10, "mx.a.example"), (10, "localhost")),
        _answer((10, "mx.a.example"), (0, "")),
        _answer((10, "mx.a.example"), (10, "192.0.2.9")),
        _answer((0, "")),
        _answer(*((10, f"mx{number}.a.example") for number in range(70))),
        _answer((10, "mx.a.example"), more=3),
        _answer((10, "mx.a.example"), filtered=FILTERED),
        _answer(),
        failed(C.DNS_NXDOMAIN, "NXDOMAIN"),
        failed(C.DNS_SERVFAIL, "SERVFAIL"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("until", [50.0, 0.0])
def test_the_answer_is_what_it_was_but_for_the_order_of_its_records(answer: DnsAnswer, until: float) -> None:
    kept = _kept(answer, until)
    found = kept.answer
    assert dataclasses.replace(found, records=()) == dataclasses.replace(answer, records=())
    assert set(found.records) == set(answer.records)
    assert len(found.records) == len(answer.records)
    assert kept.is_failure is (answer.failure is not None)
    assert (kept.until, kept.digest, kept.hosts) == (100.0, 7, ())


def test_an_ordinary_answer_is_not_kept_beside_its_lookup() -> None:
    answer = _answer((20, "mx.a.example"), (10, "mx2.a.example"))
    kept = _kept(answer)
    assert kept.answer is not answer
    assert kept.answer.records == ((10, "mx2.a.example"), (20, "mx.a.example"))
    assert kept.size(NAME) < _kept(answer, 0.0).size(NAME)
    assert not kept.has_failed


def test_an_answer_that_is_newer_than_the_lookup_is_kept_itself() -> None:
    newer = KeptAnswer(_answer((5, "new.a.example")), 100.0)
    assert KeptLookup(newer, _kept(_answer((10, "mx.a.example"))).lookup, V4, 0.0).answer is newer.answer


@pytest.mark.parametrize("records", [((10, "dead.a.example"),), ((10, "mx.a.example"), (10, "dead.a.example"))])
def test_a_lookup_with_a_host_that_failed_has_failed_though_its_answer_has_not(records: tuple[Record, ...]) -> None:
    kept = _kept(_answer(*records))
    assert (kept.has_failed, kept.is_failure) == (True, False)


def test_hosts_that_are_shared_count_with_the_answer_that_keeps_them() -> None:
    answer, host = DnsAnswer(("192.0.2.1",)), MxHost("mx.a.example", 10, ("192.0.2.1",))
    assert KeptAnswer(answer, 1.0).size("mx.a.example") == size_of("mx.a.example", answer)
    assert KeptAnswer(answer, 1.0, hosts=(host,)).size("mx.a.example") > size_of("mx.a.example", answer) + 200
    assert KeptHost(host, 1.0).size("mx.a.example") > 200
