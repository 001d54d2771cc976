"""What the owner of a domain can do by its DNS alone: long answers, many of them, and names that lead nowhere."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.lab import dns_messages as dns
from tests.lab.exporter_process import ExporterProcess, exporter
from tests.lab.hostile_dns import Answers, HostileDns, hostile_dns
from tests.lab.waiting import until_sync

EVIL = "evil.example"
GOOD = ("one.example", "two.example", "three.example")


class _Mail(socketserver.StreamRequestHandler):
    """A mail host in as few words as do."""

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(b"220 mx.good.example\r\n")
            for line in self.rfile:
                if line.upper().startswith(b"QUIT"):
                    self.wfile.write(b"221 bye\r\n")
                    return
                self.wfile.write(b"250 mx.good.example\r\n")


@pytest.fixture(scope="module")
def mail_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def _good(name: str, kind: str) -> bytes | None:
    """What the good domains have; None of all others."""
    if name in GOOD and kind == "MX":
        return dns.reply(name, kind, [dns.record("MX", b"\0\1\2mx" + dns.QUESTION)])
    if name.removeprefix("mx.") in GOOD:
        return dns.reply(name, kind, [dns.record("A", b"\x7f\0\0\1")] if kind == "A" else ())
    return None


@cache
def _forty_times_1500(name: str, kind: str) -> bytes:
    """40 MX hosts with 1,500 private addresses each; a TTL of 0, so that all of it is asked for every time."""
    if kind == "MX":
        hosts = [dns.record("MX", n.to_bytes(2, "big") + dns.wire(f"mx{n}.{name}"), ttl=0) for n in range(40)]
        return dns.reply(name, kind, hosts)
    if kind == "A":
        return dns.addresses(name, 1500)
    return dns.reply(name, kind)


@contextlib.contextmanager
def _exporter_among(answers: Answers, port: int, folder: Path) -> Iterator[tuple[ExporterProcess, HostileDns]]:
    """An exporter that probes the good domains and EVIL each second, whose questions are answered so."""
    with hostile_dns(lambda name, kind: _good(name, kind) or answers(name, kind)) as server:
        config = folder / "config.yaml"
        config.write_text(
            f"resolver: {{nameservers: ['{server.server}'], timeout: 10s}}\n"
            f"defaults: {{interval: 1s, timeout: 2s, port: {port}, allow_addresses: [127.0.0.0/8], helo: me.example}}\n"
            f"domains: [{', '.join((EVIL, *GOOD))}]\n"
        )
        with exporter(f"--config.file={config}") as process:
            yield process, server


def _probes(process: ExporterProcess) -> dict[str, float]:
    return {
        sample.labels["domain"]: sample.value for sample in process.samples() if sample.name == "mx_domain_probes_total"
    }


def test_one_domain_of_60000_private_addresses_stops_nobody(mail_port: int, tmp_path: Path) -> None:
    with _exporter_among(_forty_times_1500, mail_port, tmp_path) as (process, _):
        until_sync(lambda: _probes(process)[EVIL] >= 2)
        before = _probes(process)
        # The others keep their pace meanwhile.
        until_sync(lambda: all(_probes(process)[name] >= before[name] + 2 for name in GOOD))
        samples = process.samples()
        hosts = [each for each in samples if each.name == "mx_host_up" and each.labels["domain"] == EVIL]
        assert len(hosts) == 16  # max_addresses
        about = {each.name: each.value for each in samples if each.labels.get("domain") == EVIL}
        assert about["mx_domain_addresses"] == 60_000
        assert about["mx_dns_mx_records"] == 40
        assert all(process.value("mx_domain_up", domain=name) == 1 for name in GOOD)
        page = process.get(f"/domain/{EVIL}")
        assert page.status_code == 200
        assert len(page.content) < 200_000
        assert process.stop() == 0


def test_the_answers_that_a_stranger_asks_for_leave_the_memory_as_it_was(mail_port: int, tmp_path: Path) -> None:
    @cache
    def answers(name: str, kind: str) -> bytes:
        return dns.heavy_mx(name) if kind == "MX" and name != EVIL else dns.reply(name, kind, code=3)

    with _exporter_among(answers, mail_port, tmp_path) as (process, server):
        until_sync(lambda: all(count >= 1 for count in _probes(process).values()))
        for number in range(3):
            assert process.get(f"/probe?target=warm{number}.example").status_code == 200
        before = process.value("process_resident_memory_bytes")
        for number in range(30):
            assert process.get(f"/probe?target=evil{number}.example").status_code == 200
        assert all(server.asked[f"evil{number}.example", "MX"] == 2 for number in range(30))  # over UDP, then TCP
        # One alone was kept as 2.9 MB.
        after = process.value("process_resident_memory_bytes")
        assert before is not None
        assert after is not None
        print(f"grown by {after - before:,.0f} bytes")
        assert after - before < 30_000_000
