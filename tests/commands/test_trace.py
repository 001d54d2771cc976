"""`mx-exporter trace` from the outside: on loopback, and along a path with a filter in a lab of namespaces."""

from __future__ import annotations

import socket
import subprocess

import pytest

from exporter.commands.trace import path_lines
from exporter.model.path_trace import Hop, HopKind, PathTrace
from tests.namespaces.network import Family, Network, address, drop_port_25, reject_with
from tests.support.exporter_process import command
from tests.support.terminal import on_terminal, widths

K = HopKind
TARGET = "192.0.2.25"


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


PATHS = PathTrace(
    TARGET,
    25,
    (Hop(1, K.TIME_EXCEEDED, "192.0.2.254", 0.001), Hop(2, K.SILENT)),
    PathTrace(TARGET, 443, (Hop(1, K.TIME_EXCEEDED, "192.0.2.254", 0.0005), Hop(2, K.REACHED, TARGET, 0.02))),
)


@pytest.mark.parametrize("width", [None, 200, 86])
def test_where_there_is_room_both_ports_have_their_place(width: int | None) -> None:
    assert [line.text for line in path_lines("mx.example.org", PATHS, width)][:4] == [
        "mx.example.org [192.0.2.25]",
        " hop  port 25                                             port 443",
        "   1  192.0.2.254  1.0 ms                                 192.0.2.254  0.5 ms",
        "   2  *                                                   192.0.2.25  20.0 ms  reached",
    ]


def test_on_a_narrower_terminal_they_come_closer() -> None:
    assert [line.text for line in path_lines("mx.example.org", PATHS, 56)][1:4] == [
        " hop  port 25              port 443",
        "   1  192.0.2.254  1.0 ms  192.0.2.254  0.5 ms",
        "   2  *                    192.0.2.25  20.0 ms  reached",
    ]


def test_and_on_the_narrowest_one_stands_below_the_other() -> None:
    assert [line.text for line in path_lines("mx.example.org", PATHS, 50)][1:7] == [
        " hop  port 25",
        "   1  192.0.2.254  1.0 ms",
        "   2  *",
        " hop  port 443",
        "   1  192.0.2.254  0.5 ms",
        "   2  192.0.2.25  20.0 ms  reached",
    ]
