"""The lookup of our address in one block list (RFC 5782), with its test addresses."""

from __future__ import annotations

import asyncio
import time

from exporter.model.address import Family, family_of
from exporter.model.standing import ListAnswer
from exporter.resolver.answer import DnsAnswer
from exporter.standing.list_answers import TEST_CLEAR, TEST_LISTED, ListReplies, has_entry, judge_list, query_name
from exporter.standing.records import RecordQueries


async def lookup_listing(queries: RecordQueries, zone: str, address: str) -> ListAnswer:
    """The answer of the list `zone` about our address."""
    family = family_of(address)

    async def ask(about: str, kind: str = "A") -> DnsAnswer:
        return await queries.lookup_records(query_name(about, zone), kind)

    must_list, must_not, ours = await asyncio.gather(ask(TEST_LISTED[family]), ask(TEST_CLEAR[family]), ask(address))
    of_ipv4 = None
    if family is Family.IPV6 and not has_entry(must_list):
        of_ipv4 = await ask(TEST_LISTED[Family.IPV4])
    text = _text(await ask(address, "TXT")) if has_entry(ours) else ""
    return judge_list(zone, family, ListReplies(must_list, must_not, ours, of_ipv4), time.time(), text)


def _text(answer: DnsAnswer) -> str:
    """The list's own words about an entry."""
    texts = [record.decode("utf-8", "backslashreplace") for record in answer.records if isinstance(record, bytes)]
    return min(texts, default="")
