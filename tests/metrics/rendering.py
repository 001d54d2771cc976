"""Targets and hosts as the stores keep them, and their exposition text, for the tests of this room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from prometheus_client import CollectorRegistry

from exporter.metrics.domain_rows import target_row
from exporter.metrics.exposition import exposition, negotiate
from exporter.metrics.host_rows import host_row
from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult, HostResult, MxHost
from exporter.model.target import Target, TargetKind
from exporter.model.warning import DomainWarning
from exporter.store.hosts import HostStore
from exporter.store.row import ToldRow
from exporter.store.targets import TargetStore
from tests.results import changed, domain, down_host, lookup_failed, result, tls_host, up_host, with_policies
from tests.support.steps import at_once

PLAIN = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NONE: frozenset[str] = frozenset()


def target_store(disabled: frozenset[str] = NONE) -> TargetStore:
    return TargetStore(lambda record, before: target_row(record, disabled, before))


def host_store(disabled: frozenset[str] = NONE) -> HostStore:
    return HostStore(lambda record, before: host_row(record, disabled, before))


def rows_of(*results: tuple[Target, DomainResult | None], disabled: frozenset[str] = NONE) -> list[ToldRow]:
    """The rows of targets and of all their hosts, each host once."""
    targets, hosts = target_store(disabled), host_store(disabled)
    at_once(targets.replacing([target for target, _ in results]))
    domains = Counter(
        host.identity
        for target, probed in results
        for host in (probed.hosts if probed is not None and target.kind is TargetKind.DOMAIN else ())
    )
    told = {host.identity: host for _, probed in results for host in (probed.hosts if probed is not None else ())}
    for target, probed in results:
        if probed is not None:
            targets.record(target, probed, turn=True)
    for identity, host in told.items():
        hosts.described(identity, "all", domains[identity])
        hosts.record(identity, host, session=True)
    return [
        *[(record.row, record) for record in targets.records()],
        *[(record.row, record) for record in hosts.records()],
    ]


def text_of(
    rows: Sequence[ToldRow],
    accept: str = PLAIN,
    registry: CollectorRegistry | None = None,
    wanted: frozenset[str] | None = None,
) -> str:
    return b"".join(exposition(rows, registry, negotiate(accept), wanted)).decode()


def host_text(*hosts: HostResult, disabled: frozenset[str] = NONE) -> str:
    """The series of hosts alone."""
    store = host_store(disabled)
    for host in hosts:
        store.record(host.identity, host, session=True)
    return text_of([(record.row, record) for record in store.records()])


def everything() -> list[ToldRow]:
    relay = Target(TargetKind.HOST, "relay.example:25", "relay.example", domain().settings, (("team", "relays"),))
    bare = Target(TargetKind.HOST, "192.0.2.8", "192.0.2.8", domain().settings)
    hop = changed(down_host(FailureClass.PORT_FILTERED, "mx3.healthy.example", "192.0.2.33"), last_hop="192.0.2.254")
    healthy = with_policies(result(up_host(), down_host(), hop))
    assert healthy.lookup is not None
    third = MxHost("mx1.healthy.example", 5, ("192.0.2.1",))  # named twice, with another preference
    healthy = healthy._replace(
        lookup=replace(healthy.lookup, hosts=(third, *healthy.lookup.hosts)),
        warnings=(DomainWarning.NULL_MX_AMONG_OTHERS, DomainWarning.MTA_STS_MISMATCH),
        providers=("bigmail.example", "healthy.example"),
    )
    own = changed(
        up_host("mx.own.example", "192.0.2.44"), module="mailbox@helo.example", port=2525, domain="own.example"
    )
    return rows_of(
        (domain("healthy.example", team="mail", Site='north "x"\\\n', zone="a"), healthy),
        (domain("blocked.example"), result(down_host())),
        (domain("gone.example"), lookup_failed(FailureClass.DNS_NXDOMAIN)),
        (domain("waiting.example"), None),
        (domain("secure.example"), result(tls_host(), name="secure.example")),
        (domain("own.example"), result(own, name="own.example")),
        (relay, result(up_host("relay.example", "192.0.2.7"))),
        (bare, result(up_host("192.0.2.8", "192.0.2.8"))),
    )
