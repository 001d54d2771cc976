"""Answers of the DNS as policies need them."""

from __future__ import annotations

import asyncio

from exporter.model.failure import Failure, Stage
from exporter.model.failure import FailureClass as C
from exporter.policies.queries import failure_of, texts_of, within
from exporter.resolver.answer import DnsAnswer, failed


def test_a_name_that_does_not_exist_has_no_records_and_a_failed_query_has_a_reason() -> None:
    assert failure_of(DnsAnswer()) is None
    assert failure_of(DnsAnswer(failure=Failure(Stage.DNS, C.DNS_NXDOMAIN))) is None
    servfail = failed(C.DNS_SERVFAIL, "why")
    assert failure_of(servfail) == servfail.failure


def test_only_texts_are_texts() -> None:
    assert texts_of(DnsAnswer((b"v=spf1", "192.0.2.1", (10, "mx.example"), b"x"))) == [b"v=spf1", b"x"]


async def test_an_answer_that_takes_longer_is_none() -> None:
    async def at_once() -> int:
        return 5

    assert await within(10.0, at_once()) == 5
    assert await within(0.0, asyncio.Event().wait()) is None
