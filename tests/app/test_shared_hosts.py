"""A provider with many domains: what its hosts cost, in sessions and in series, is the cost of the hosts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporter.app.backend import MonitorBackend
from exporter.app.monitor import Monitor
from exporter.lab.dns_host import DnsHost
from exporter.lab.smtp_host import SmtpHost
from exporter.lab.smtp_script import Wait, ordinary
from exporter.model.failure import FailureClass
from exporter.model.result import MxHost, MxLookup
from exporter.model.target import TargetKind
from exporter.web.backend import ProbeRequest
from tests.app.test_backend import backend
from tests.app.test_monitor import Watched, watched
from tests.support.waiting import until

MX = "mx.provider.example"
DOMAINS = 2000
NAMES = [f"mx{number}.provider.example" for number in range(1, 6)]
ADDRESSES = {name: (f"127.61.{number}.1", f"127.61.{number}.2") for number, name in enumerate(NAMES, 1)}
DEAD = "127.61.3.2"
# These say when something was measured, or how long it took.
_TIMES = ("_seconds", "_timestamp", "_created")


def samples_of(asked: MonitorBackend) -> list[Sample]:
    """The series of targets and hosts in a scrape, without those of the exporter itself."""
    text = b"".join(asked.metrics("", None).body).decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return [sample for sample in found if sample.name.startswith(("mx_domain_", "mx_host_", "mx_dns_"))]


async def texts_of(asked: MonitorBackend, names: list[str], within: float) -> list[str]:
    """The answers to scrapes of all these targets at once."""
    requests = [ProbeRequest(name, within=within) for name in names]
    answers = await asyncio.gather(*(asked.probe(request, "") for request in requests))
    return [b"".join(answer.body).decode() for answer in answers]


@asynccontextmanager
async def one_mx(names: list[str]) -> AsyncIterator[tuple[SmtpHost, str]]:
    """A host that is the MX of all these domains, and the head of a configuration."""
    dns = DnsHost({(name, "MX"): [f"10 {MX}."] for name in names} | {(MX, "A"): ["127.61.0.1"]})
    host = SmtpHost(ordinary(MX, greeting=(Wait(0.05), b"220 mx.provider.example ESMTP\r\n")))
    port, (address, dns_port) = await host.start("127.61.0.1"), await dns.start()
    try:
        yield (
            host,
            f"defaults: {{interval: 1h, timeout: 9s, port: {port}, helo: me.example, allow_addresses: [127.0.0.0/8]}}\n"
            f"resolver: {{nameservers: ['{address}:{dns_port}']}}\nlimits: {{per_address: 1, concurrency: 100}}\n"
            "egress: {witness_ports: [], trace: false}\n",
        )
    finally:
        await dns.stop()
        await host.stop()


@pytest.mark.parametrize("configured", [False, True])
async def test_300_domains_on_one_mx_that_are_asked_at_once_share_one_session(
    tmp_path: Path, *, configured: bool
) -> None:
    names = [f"d{number}.example" for number in range(300)]
    async with one_mx(names) as (host, head):
        text = f"domains: [{', '.join(names if configured else ['a.example'])}]\n"
        async with watched(tmp_path, text, head=head) as running:
            asked, schedule = backend(running), running.monitor.engine.schedule
            answers = await texts_of(asked, names, 9.5)
            assert Counter("\nprobe_success 1.0\n" in text for text in answers) == {True: 300}
            told = [f'mx_domain_mx_preference{{domain="{name}"' for name in names]
            assert all(own in text for own, text in zip(told, answers, strict=True))
            assert (host.connections, host.concurrent_max) == (1, 1)
            # One scrape more within the interval; and then the truth of another time.
            await texts_of(asked, names, 9.5)
            assert host.connections == 1
            host.script = ordinary(MX, greeting=b"554 not today\r\n")
            (conversation,) = running.monitor.engine.table.conversations.values()
            schedule.begin((conversation,))
            await until(lambda: host.connections == 2 and not conversation.under_way)
            answers = await texts_of(asked, names, 9.5)
            assert Counter("\nprobe_success 0.0\n" in text for text in answers) == {True: 300}
            assert Counter('class="banner_rejected"' in text for text in answers) == {True: 300}
            assert host.connections == 2


class Provider:
    """A resolver that knows every domain, all of them on the provider's hosts."""

    def __init__(self) -> None:
        hosts = tuple(MxHost(name, number, addresses) for number, (name, addresses) in enumerate(ADDRESSES.items()))
        self._lookup = MxLookup("every.example", hosts, mx_records=len(hosts), duration=0.001)

    def known_mx(self, domain: str, families: object) -> MxLookup:
        return self._lookup


@asynccontextmanager
async def fleet(tmp_path: Path) -> AsyncIterator[tuple[Watched, dict[str, SmtpHost]]]:
    """2,000 domains that have had their first turns, and the hosts of all."""
    hosts: dict[str, SmtpHost] = {}
    port = 0
    for name, addresses in ADDRESSES.items():
        for address in addresses:
            hosts[address] = SmtpHost(ordinary(name))
            port = await hosts[address].start(address, port)
    text = f"domains: [{', '.join(f'd{number}.example' for number in range(DOMAINS))}]\n"
    head = f"defaults: {{interval: 1h, timeout: 5s, port: {port}, helo: me.example, allow_addresses: [127.0.0.0/8]}}\n"
    try:
        async with watched(tmp_path, f"egress: {{witness_ports: [], trace: false}}\n{text}", head=head) as running:
            running.monitor.engine._turn_tools.resolver = Provider()  # type: ignore[assignment]
            await turn_all(running.monitor)
            yield running, hosts
    finally:
        for host in hosts.values():
            await host.stop()


async def turn_all(monitor: Monitor) -> None:
    """Have a turn of every domain now, and all told that follows from it."""
    engine = monitor.engine
    engine.schedule.begin(engine._turns.values())
    await until(lambda: all(turn.result is not None and not turn.is_untold for turn in engine._turns.values()))
    await told_all(monitor)


async def told_all(monitor: Monitor) -> None:
    engine = monitor.engine
    await until(
        lambda: (
            not any((engine._joins, engine._judgement._news, engine._judgement._work))
            and not any(each.under_way for each in engine.table.conversations.values())
        )
    )


async def test_2000_domains_of_one_provider_have_ten_sessions_an_interval_and_few_series(tmp_path: Path) -> None:
    async with fleet(tmp_path) as (running, hosts):
        monitor = running.monitor
        assert {host.connections for host in hosts.values()} == {1}
        value = monitor.metrics.registry.get_sample_value
        assert value("mx_exporter_hosts") == 10
        await turn_all(monitor)  # a turn asks for no session
        assert {host.connections for host in hosts.values()} == {1}
        conversations = list(monitor.engine.table.conversations.values())
        assert len(conversations) == 10
        assert {(each.is_scheduled, each.interval) for each in conversations} == {(True, 3600.0)}
        samples = samples_of(backend(running))
        up = [sample for sample in samples if sample.name == "mx_host_up"]
        assert len(up) == 10
        assert {sample.value for sample in up} == {1.0}
        assert {sample.value for sample in samples if sample.name == "mx_host_domains"} == {float(DOMAINS)}
        assert sum(sample.value for sample in samples if sample.name == "mx_domain_up") == DOMAINS
        assert len(samples) < 40_000
        assert len([each for each in samples if each.name.startswith("mx_host_")]) < 10 * 60


async def test_one_dead_address_of_a_provider_changes_its_own_series_and_the_addresses_that_are_up(
    tmp_path: Path,
) -> None:
    async with fleet(tmp_path) as (running, hosts):
        monitor = running.monitor

        def now() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
            samples = samples_of(backend(running))
            return {
                (each.name, tuple(sorted(each.labels.items()))): each.value
                for each in samples
                if not each.name.endswith(_TIMES)
            }

        before = now()
        await hosts[DEAD].stop()
        (dead,) = [each for each in monitor.engine.table.conversations.values() if each.address == DEAD]
        monitor.engine.schedule.begin((dead,))
        await told_all(monitor)
        after = now()
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        of_hosts = {key for key in changed if key[0].startswith("mx_host_")}
        assert {dict(labels)["address"] for _, labels in of_hosts} == {DEAD}
        assert Counter(name for name, _ in changed - of_hosts) == {"mx_domain_addresses_up": DOMAINS}
        assert all(after[key] == before[key] - 1 for key in changed - of_hosts)
        failing = [key for key in after if key[0] in ("mx_host_failure", "mx_domain_failure")]
        assert [(name, dict(labels)["address"], dict(labels)["class"]) for name, labels in failing] == [
            ("mx_host_failure", DEAD, "connect_refused")
        ]


async def test_a_name_without_an_address_is_told_in_the_words_of_its_domains_with_their_number(tmp_path: Path) -> None:
    names = [f"d{number}.example" for number in range(12)]
    dns = DnsHost({(name, "MX"): [f"10 {MX}."] for name in names})
    address, port = await dns.start()
    head = f"defaults: {{interval: 1h, helo: me.example}}\nresolver: {{nameservers: ['{address}:{port}']}}\n"
    try:
        async with watched(tmp_path, f"domains: [{', '.join(names)}]\nhosts: [{MX}]\n", head=head) as running:
            asked = backend(running)
            await texts_of(asked, [MX, *names], 5.0)
            host = running.monitor.find(TargetKind.HOST, MX)
            assert host is not None
            alone = await running.monitor.ask(host, fresh=True)
            assert alone.hosts[0].failure is not None
            assert alone.hosts[0].failure.failure_class is FailureClass.DNS_NXDOMAIN
            found = {sample.name: sample for sample in samples_of(asked) if sample.name.startswith("mx_host_")}
            assert found["mx_host_failure"].labels["class"] == "mx_unresolvable"
            assert found["mx_host_domains"].value == len(names)
    finally:
        await dns.stop()
