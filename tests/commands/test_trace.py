"""`mx-exporter trace` from the outside: on loopback, and along a path with a filter in a lab of namespaces."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.lab.dns_host import DnsHost
from exporter.lab.host import LoopThread
from tests.namespaces.network import Family, Network, address, drop_port_25, reject_with
from tests.support.exporter_process import command
from tests.support.terminal import interrupted, interruptible, on_terminal, terminal, widths, wishing


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command("trace", *arguments), capture_output=True, text=True, check=False, timeout=60)


def test_a_host_that_answers_exits_with_0() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = _run(f"127.0.0.1:{port}", "--allow-address=127.0.0.0/8")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The host answers at hop 1: nothing on the path blocks" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("127.0.0.1",), "127.0.0.1 is loopback"),
        (("not a host",), "not a host"),
        (("192.0.2.1", "--port=0"), "--port"),
        (("192.0.2.1", "--against=99999"), "--against"),
        (("a.example", "--resolver=nowhere"), "--resolver"),
        (("192.0.2.1", "--allow-address=x"), "--allow-address"),
        (("192.0.2.1", "--timeout=0s"), "--timeout"),
        (("192.0.2.1", "--max-hops=0"), "--max-hops"),
    ],
)
def test_a_mistake_of_the_user_exits_with_2_and_says_which(arguments: tuple[str, ...], said: str) -> None:
    done = _run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("family", [4, 6])
def test_a_filter_on_the_way_is_named(family: Family) -> None:
    with Network() as network:
        target = address("remote-a", family)
        network.listen("remote-a")
        network.accept("remote-a", 443)

        def traced() -> str:
            return network.exec("client", command("trace", target), check=False).stdout

        assert "The host answers at hop 4" in traced()
        network.rules("provider", drop_port_25())
        gateway, provider = address("gateway", family), address("provider", family)
        dropped = traced().splitlines()[-1]
        assert "while port 443 gets further: a filter stands there." in dropped
        assert gateway in dropped or provider in dropped
        code = "icmpv6 admin-prohibited" if family == 6 else "icmp admin-prohibited"
        network.rules("provider", reject_with(code))
        assert f"{provider} rejects port 25 of {target}" in traced()


def test_on_a_terminal_it_has_colours_and_its_lines_fit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        argv = command("trace", f"127.0.0.1:{listener.getsockname()[1]}", "--allow-address=127.0.0.0/8")
        shown = on_terminal(argv, columns=38)
    assert shown.returncode == 0
    assert "\x1b[32m  reached\x1b[0m" in shown.terminal
    assert max(widths(shown.plain)) <= 38
    assert "nothing on the path" in " ".join(shown.plain.split())


@pytest.fixture
def mx() -> Iterator[tuple[str, int]]:
    """A nameserver for a domain with two MX hosts on loopback, one of which answers, and the port of that one."""
    records = {
        ("a.example", "MX"): ["10 mx.a.example.", "20 gone.a.example."],
        ("mx.a.example", "A"): ["127.0.0.1"],
        ("null.example", "MX"): ["0 ."],
        ("plain.example", "A"): ["127.0.0.1"],
    }
    dns = DnsHost(records)
    with LoopThread("dns") as thread, socket.create_server(("127.0.0.1", 0)) as listener:
        server, port = thread.call(dns.start())
        try:
            yield f"--resolver={server}:{port}", listener.getsockname()[1]
        finally:
            thread.call(dns.stop())


def test_of_a_domain_the_paths_to_its_mx_hosts_are_traced(mx: tuple[str, int]) -> None:
    resolver, port = mx
    done = _run("a.example", resolver, f"--port={port}", "--allow-address=127.0.0.0/8")
    assert done.returncode == 0
    assert done.stdout.splitlines()[:3] == ["a.example: 2 MX", "", "10 mx.a.example [127.0.0.1]"]
    assert done.stderr.startswith("mx-exporter trace: gone.a.example: ")
    assert "The host answers at hop 1" in done.stdout
    own = _run("plain.example", resolver, f"--port={port}", "--allow-address=127.0.0.0/8")
    assert (own.returncode, own.stdout.splitlines()[0]) == (0, "plain.example [127.0.0.1]")
    none = _run("null.example", resolver)
    assert (none.returncode, none.stdout) == (2, "")
    assert "null MX" in none.stderr


def test_json_has_an_object_an_address(mx: tuple[str, int]) -> None:
    resolver, port = mx
    done = _run("a.example", resolver, f"--port={port}", "--allow-address=127.0.0.0/8", "--json", "--max-hops=3")
    (path,) = [json.loads(each) for each in done.stdout.splitlines()]
    assert (path["name"], path["mx"], path["preference"]) == ("a.example", "mx.a.example", 10)
    assert (path["address"], path["port"], path["reached"]) == ("127.0.0.1", port, True)
    assert [hop["answer"] for hop in path["hops"]] == ["reached"]
    assert path["against"]["port"] == 443


def test_settings_come_from_a_configuration(mx: tuple[str, int], tmp_path: Path) -> None:
    resolver, port = mx
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
        resolver: {{nameservers: ["{resolver.partition("=")[2]}"]}}
        domains: [{{domain: a.example, port: {port}, allow_addresses: [127.0.0.0/8]}}]
        """
    )
    done = _run("a.example", f"--config.file={path}")
    assert (done.returncode, f"port {port} of 127.0.0.1" in done.stdout) == (0, True)
    path.write_text("domans: []\n")
    wrong = _run("a.example", f"--config.file={path}")
    assert (wrong.returncode, "domans" in wrong.stderr) == (2, True)


def test_an_interrupt_ends_it_with_what_is_known_by_then() -> None:
    with Network() as network:
        network.rules("provider", drop_port_25())
        argv = command("trace", address("remote-a", 4), "--timeout=60s")
        with terminal(60) as (ours, theirs):
            running = network.popen(
                "client", argv, stdout=theirs, stderr=theirs, env=wishing(), preexec_fn=interruptible
            )
            text = interrupted(running, ours, theirs)
    text = " ".join(text.split())
    assert f"tracing the path to {address('remote-a', 4)} port 25, hop " in text
    assert "interrupted: the path of ports 25 and 443 is known up to hop " in text
    assert "Traceback" not in text
