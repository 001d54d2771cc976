"""Targets as the store keeps them, and their exposition text, for the tests of this room."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.incremental import render_after
from exporter.model.failure import FailureClass
from exporter.model.result import ProbeResult
from exporter.model.target import Target, TargetKind
from exporter.store.targets import TargetStore
from tests.results import domain, down_host, lookup_failed, result, tls_host, up_host, with_policies
from tests.support.steps import at_once

PLAIN = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def store_of(*results: tuple[Target, ProbeResult | None]) -> TargetStore:
    store = TargetStore(render_after)
    at_once(store.replacing([target for target, _ in results]))
    for target, probed in results:
        if probed is not None:
            store.record(target, probed)
    return store


def text_of(store: TargetStore, accept: str = PLAIN, registry: CollectorRegistry | None = None) -> str:
    samples = [record.samples for record in store.records()]
    return b"".join(exposition(samples, registry, negotiate(accept))).decode()


def everything() -> TargetStore:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", domain().settings)
    return store_of(
        (domain("healthy.example", team="mail", Site='north "x"\\\n'), with_policies(result(up_host(), down_host()))),
        (domain("blocked.example"), result(down_host())),
        (domain("gone.example"), lookup_failed(FailureClass.DNS_NXDOMAIN)),
        (domain("waiting.example"), None),
        (domain("secure.example"), result(tls_host(), name="secure.example")),
        (relay, result(up_host("relay.example:25", "192.0.2.7", None))),
    )
