"""The hosts whose paths are traced."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.commands.mistakes import ManualError
from exporter.commands.parsers import trace_parser
from exporter.commands.traced_hosts import TracedHost, is_with_port, traced_hosts, traced_target
from exporter.lab.dns_host import DnsHost
from exporter.model.configuration import ResolverSettings
from exporter.resolver.client import Resolver

RECORDS = {
    ("a.example", "MX"): ["10 mx.a.example.", "20 other.a.example.", "30 gone.a.example."],
    ("mx.a.example", "A"): ["185.10.1.1", "10.0.0.1"],
    ("other.a.example", "A"): ["185.10.1.2"],
    ("hidden.example", "MX"): ["10 inside.example."],
    ("inside.example", "A"): ["10.0.0.1"],
}


async def traced(*arguments: str) -> tuple[list[TracedHost], tuple[str, ...], int | None]:
    dns = DnsHost(RECORDS)
    resolver = Resolver(ResolverSettings((await dns.start(),)))
    try:
        target, _ = traced_target(trace_parser().parse(arguments))
        found = await traced_hosts(target, resolver)
    finally:
        resolver.close()
        await dns.stop()
    return list(found.hosts), found.left_out, found.mx_records


async def test_a_domain_has_its_mx_hosts_and_what_is_left_out_is_told() -> None:
    hosts, left_out, mx_records = await traced("alice@a.example")
    assert [host.name for host in hosts] == ["10 mx.a.example", "20 other.a.example"]
    assert mx_records == 3
    forbidden, gone = left_out
    assert forbidden.startswith("mx.a.example: 10.0.0.1 is ")
    assert gone.startswith("gone.a.example: ")


async def test_a_host_has_its_own_addresses() -> None:
    assert await traced("185.10.1.1") == ([TracedHost("185.10.1.1", "185.10.1.1")], (), None)
    hosts, _, mx_records = await traced("other.a.example")
    assert ([host.name for host in hosts], mx_records) == (["other.a.example"], None)
    hosts, *_ = await traced("other.a.example:587")
    assert hosts == [TracedHost("other.a.example", "185.10.1.2")]


async def test_without_an_address_it_is_a_mistake() -> None:
    with pytest.raises(ManualError, match=r"absent\.example"):
        await traced("absent.example")
    with pytest.raises(ManualError, match=r"inside\.example: 10\.0\.0\.1 is .*--allow-address 10\.0\.0\.1 permits it"):
        await traced("hidden.example")


def test_flags_and_a_port_beside_the_name_outrank_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("domains: [{domain: a.example, port: 2525, source_address: {ipv4: 192.0.2.9}}]\n")

    def port(*arguments: str) -> int:
        target, _ = traced_target(trace_parser().parse([*arguments, f"--config.file={path}"]))
        return target.settings.port

    assert [port("a.example"), port("b.example"), port("a.example", "--port=26")] == [2525, 25, 26]
    assert [port("a.example:27"), port("a.example:27", "--port=26")] == [27, 27]
    target, _ = traced_target(trace_parser().parse(["a.example", f"--config.file={path}"]))
    assert target.settings.source_ipv4 == "192.0.2.9"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.example", False),
        ("a.example:25", True),
        ("2001:db8::1", False),
        ("[2001:db8::1]", True),
        ("185.10.1.1", False),
    ],
)
def test_a_name_with_its_port_is_a_host(name: str, expected: bool) -> None:
    target, _ = traced_target(trace_parser().parse([name]))
    assert is_with_port(target) is expected
