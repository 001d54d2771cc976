"""Our resolver fails for all names and works again while the exporter runs: told as ours, and nobody's death."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.samples import Sample

from exporter.lab.dns_host import BOGUS, SERVFAIL, SILENT, DnsHost, Fault
from tests.support.daemons import nsd, unbound
from tests.support.exporter_process import ExporterProcess, exporter
from tests.support.waiting import until_sync

pytestmark = pytest.mark.long

# Unrelated names, each its own organisation, on hosts of their own. Nobody listens there: only the lookup counts.
DOMAINS: Final = ("alpha.example", "beta.example.com", "gamma.example.edu", "delta.example.net", "epsilon.example.org")
RECORDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    **{(name, "MX"): (f"10 mx.{name}.",) for name in DOMAINS},
    **{(f"mx.{name}", "A"): (f"127.0.9.{number}",) for number, name in enumerate(DOMAINS, 1)},
}
_TURN_SECONDS: Final = 60.0


class _Resolver:
    """A name server in a thread of its own. `host` is what it answers from."""

    def __init__(self) -> None:
        self.host = DnsHost(RECORDS, ttl=0)
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> _Resolver:
        self._thread.start()
        _, self.port = asyncio.run_coroutine_threadsafe(self.host.start(), self._loop).result(10.0)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.host.stop(), self._loop).result(10.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def watching(folder: Path, port: int, domains: tuple[str, ...] = DOMAINS) -> Iterator[ExporterProcess]:
    path = folder / "config.yaml"
    path.write_text(
        "defaults: {interval: 2s, timeout: 1s, helo: probe.example, allow_addresses: [127.0.0.0/8]}\n"
        f"resolver: {{nameservers: ['127.0.0.1:{port}'], timeout: 1s}}\n"
        f"egress: {{witness_ports: [], trace: false}}\ndomains: [{', '.join(domains)}]\n"
    )
    with exporter(f"--config.file={path}") as running:
        yield running


def state(running: ExporterProcess) -> str:
    (found,) = [sample.labels["state"] for sample in running.named("mx_resolver_state") if sample.value == 1]
    return found


def classes(running: ExporterProcess) -> dict[str, tuple[str, str]]:
    """Class and verdict of each domain that is down."""
    return {
        sample.labels["domain"]: (sample.labels["class"], sample.labels["verdict"])
        for sample in running.named("mx_domain_failure")
    }


FAILING: Final = dict.fromkeys(DOMAINS, ("resolver_failing", "local"))
REFUSED: Final = dict.fromkeys(DOMAINS, ("connect_refused", "dead"))


@pytest.mark.parametrize(
    "fault", [SERVFAIL, BOGUS, SILENT, None], ids=["servfail", "bogus", "silent", "no such name for all the world"]
)
def test_what_fails_for_all_names_is_the_resolvers_and_heals_with_it(tmp_path: Path, fault: Fault | None) -> None:
    with _Resolver() as resolver, watching(tmp_path, resolver.port) as running:
        until_sync(lambda: state(running) == "working" and classes(running) == REFUSED, _TURN_SECONDS)
        if fault is None:
            resolver.host.records = {}
        else:
            resolver.host.faults = {name: fault for names in RECORDS for name in names[:1]}
        until_sync(lambda: state(running) == "failing" and classes(running) == FAILING, _TURN_SECONDS)
        resolver.host.faults, resolver.host.records = {}, RECORDS
        seen: set[str] = set()

        def is_well() -> bool:
            now = classes(running)
            seen.update(failure_class for failure_class, _ in now.values())
            return state(running) == "working" and now == REFUSED

        until_sync(is_well, _TURN_SECONDS)
        # Nobody is dead for a moment on the way, by an answer that was kept from before.
        assert seen <= {"resolver_failing", "connect_refused"}


def test_a_handful_of_broken_domains_is_not_the_resolver(tmp_path: Path) -> None:
    with _Resolver() as resolver, watching(tmp_path, resolver.port) as running:
        broken = DOMAINS[:4]
        resolver.host.faults = dict.fromkeys(broken, SERVFAIL)
        expected = {**REFUSED, **dict.fromkeys(broken, ("dns_servfail", "dead"))}
        until_sync(lambda: state(running) == "working" and classes(running) == expected, _TURN_SECONDS)
        probes = {sample.labels["domain"]: sample.value for sample in _probes(running)}

        def probed_again() -> bool:
            assert state(running) == "working"
            return all(sample.value >= probes[sample.labels["domain"]] + 3 for sample in _probes(running))

        until_sync(probed_again, _TURN_SECONDS)
        assert classes(running) == expected


def _probes(running: ExporterProcess) -> list[Sample]:
    return running.named("mx_domain_probes_total")


def test_a_real_unbound_whose_forwarder_is_gone(tmp_path: Path) -> None:
    """It answers SERVFAIL, or nothing, about every name; each by itself would be called dead."""
    zones = {
        name: f"$TTL 1\n@ IN SOA ns admin 1 3600 600 86400 1\n@ IN NS ns\nns IN A 127.0.0.1\n"
        f"@ IN MX 10 mx\nmx IN A 127.0.9.{number}\n"
        for number, name in enumerate(DOMAINS, 1)
    }
    with nsd(tmp_path / "nsd", {"unused.example": next(iter(zones.values()))}) as gone:
        pass
    with unbound(tmp_path / "unbound", dict.fromkeys(DOMAINS, gone)) as port, watching(tmp_path, port) as running:
        until_sync(lambda: state(running) == "failing" and classes(running) == FAILING, _TURN_SECONDS)
