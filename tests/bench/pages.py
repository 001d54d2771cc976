"""What does the status page of many domains cost? Run: python -m tests.bench.pages [DOMAINS]

A store of so many probed domains, two mail hosts each, a tenth of them down, is rendered through the whole application:
CPU of this process per page, the median of several, and the size of the page.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

import httpx

from exporter.concurrency import steady_clock
from exporter.model.failure import FailureClass, Verdict
from exporter.model.result import TlsResult
from exporter.store.record import TargetRecord
from exporter.store.row import NO_ROW
from exporter.store.targets import TargetStore
from exporter.store.verdict_counts import MAX_COUNTS, MINUTE, VerdictCount
from exporter.web.app import create_app
from tests.results import AT, changed, domain, down_host, result, up_host
from tests.support.steps import at_once
from tests.web.fake_backend import FakeBackend

PAGES = (
    "/",
    "/?page=50",
    "/?verdict=blocked",
    "/?class=connect_timeout&label=team%3D3",
    "/?q=d99",
    "/?q=mx2.d77",
    "/?sort=changed",
    "/?sort=slowest",
    "/?group=provider",
    "/?group=host",
    "/?group=label:team",
    "/certificates",
    "/certificates?page=50",
    "/mx/mx1.d1.example",
    "/domain/d1.example",
    "/egress",
)
_ROUNDS = 15
_SEEN = TlsResult("TLSv1.3", "TLS_AES_256_GCM_SHA384", True, issuer="CN=Authority")


def records(count: int) -> Sequence[TargetRecord]:
    """So many domains with a past."""
    store = TargetStore(lambda record, before: NO_ROW)
    targets = [domain(f"d{number}.example", team=str(number % 20)) for number in range(count)]
    at_once(store.replacing(targets))
    classes = list(FailureClass)
    for number, target in enumerate(targets):
        hosts = [
            up_host(f"mx{place}.{target.name}", f"192.{place}.{number % 250}.{number // 250 % 250}") for place in (1, 2)
        ]
        hosts[0] = changed(hosts[0], tls=replace(_SEEN, not_after=AT + 3600 * number, subject=hosts[0].mx))
        if number % 10 == 0:
            hosts = [down_host(classes[number // 10 % len(classes)], host.mx, host.address) for host in hosts]
        for probe in range(32):
            probed = result(*hosts, name=target.name)._replace(providers=(f"p{number // 20}.example",))
            store.record(target, probed._replace(at=AT + 60 * probe), turn=True)
    return store.records()


async def main(count: int) -> None:
    """Print the cost of each page."""
    backend = FakeBackend()
    backend.kept = records(count)
    # A day in which the fleet never rests.
    backend.counts = [
        VerdictCount(
            steady_clock.now() - MINUTE * (MAX_COUNTS - minute),
            {None: count} | {verdict: (37 * minute + place) % 100 for place, verdict in enumerate(Verdict)},
            0,
        )
        for minute in range(MAX_COUNTS)
    ]
    transport = httpx.ASGITransport(create_app(backend))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench.example") as client:
        print(f"{count} domains")
        for page in PAGES:
            spent = []
            for _ in range(_ROUNDS):
                began = time.process_time()
                answer = await client.get(page)
                spent.append(time.process_time() - began)
                assert answer.status_code == 200, page
            print(f"{1000 * statistics.median(spent):7.1f} ms CPU {len(answer.content) / 1024:7.0f} KiB  {page}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
