"""Does a configuration of many domains hold its interval? Run: python -m tests.bench.steady [DOMAINS] [SECONDS]

The exporter as a process of its own probes so many domains on loopback, each with an MX host and an address of its own,
none shared, every 60 s. Printed after so many seconds: probes made and due, how late they started, CPU and memory.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from exporter.demo.dns_host import DnsHost
from exporter.demo.smtp_host import SmtpHost, ordinary
from tests.lab.exporter_process import ExporterProcess, exporter

INTERVAL = 60.0
_ADDRESSES = 250


async def _world(count: int) -> tuple[DnsHost, tuple[str, int], list[SmtpHost], int]:
    records: dict[tuple[str, str], list[str]] = {}
    hosts, port = [], 0
    for number in range(_ADDRESSES):
        host = SmtpHost(ordinary("mx.example"))
        port = await host.start(f"127.54.0.{number + 1}", port)
        hosts.append(host)
    for number in range(count):
        records[f"d{number}.example", "MX"] = [f"10 mx.d{number}.example."]
        records[f"mx.d{number}.example", "A"] = [f"127.54.0.{number % _ADDRESSES + 1}"]
    dns = DnsHost(records, ttl=86400)
    return dns, await dns.start(), hosts, port


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line.split(":")[1].strip() for line in status.splitlines() if line.startswith("VmRSS"))


def _lag(process: ExporterProcess) -> dict[float, float]:
    name = "mx_exporter_schedule_lag_seconds_bucket"
    return {float(sample.labels["le"]): sample.value for sample in process.samples() if sample.name == name}


def _measure(config: Path, count: int, seconds: float) -> None:
    with exporter(f"--config.file={config}") as process:
        time.sleep(seconds)
        pid = process.process.pid
        cpu, memory, lag = _cpu_seconds(pid), _memory(pid), _lag(process)
        probes = sum(sample.value for sample in process.samples() if sample.name == "mx_domain_probes_total")
        down = sum(sample.value == 0 for sample in process.samples() if sample.name == "mx_domain_up")
        failures = process.value("mx_exporter_internal_errors_total")
        print(f"{count} domains every {INTERVAL:.0f} s for {seconds:.0f} s: {probes:.0f} probes")
        print(f"due about {count * seconds / INTERVAL:.0f}; down {down}; internal errors {failures:.0f}")
        total = lag[float("inf")]
        for bound in (0.005, 0.05, 0.5, 1.0):
            print(f"started more than {bound} s late: {total - lag[bound]:.0f}")
        print(f"CPU {cpu:.1f} s ({100 * cpu / seconds:.0f} % of a core, start-up included), memory {memory}")
        process.stop()


async def main(count: int, seconds: float) -> None:
    """Set up the world, measure, take it down."""
    dns, (address, dns_port), hosts, port = await _world(count)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        names = "".join(f"  - d{number}.example\n" for number in range(count))
        config.write_text(
            f"defaults: {{interval: 60s, timeout: 10s, port: {port}, helo: probe.example, address_families: [ipv4],"
            f" allow_addresses: [127.54.0.0/16]}}\n"
            f'resolver: {{nameservers: ["{address}:{dns_port}"]}}\n'
            "limits: {share_addresses: false, per_address: 100}\n"
            f"domains:\n{names}"
        )
        await asyncio.to_thread(_measure, config, count, seconds)
    for host in hosts:
        await host.stop()
    await dns.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000, float(sys.argv[2]) if len(sys.argv) > 2 else 150))
