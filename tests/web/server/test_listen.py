from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from exporter.web.server.listen import ListenError, listen

needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this host has no IPv6")


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listening(opened: ExitStack, *addresses: str) -> list[socket.socket]:
    return [opened.enter_context(closing(sock)) for sock in listen(addresses)]


def reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_an_ipv4_address_is_listened_on_alone(opened: ExitStack) -> None:
    (sock,) = listening(opened, "127.0.0.1:0")
    host, port = sock.getsockname()
    assert host == "127.0.0.1"
    assert reachable("127.0.0.1", port)
    assert not reachable("127.0.0.2", port)


@needs_ipv6
def test_an_ipv6_address_stands_in_brackets(opened: ExitStack) -> None:
    (sock,) = listening(opened, "[::1]:0")
    assert sock.getsockname()[0] == "::1"
    assert reachable("::1", sock.getsockname()[1])


@needs_ipv6
def test_a_port_alone_is_both_families_on_one_socket(opened: ExitStack) -> None:
    (sock,) = listening(opened, ":0")
    port = sock.getsockname()[1]
    assert reachable("127.0.0.1", port)
    assert reachable("::1", port)


def test_a_port_alone_is_ipv4_where_ipv6_is_switched_off(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    without_ipv6(monkeypatch)
    (sock,) = listening(opened, ":0")
    assert sock.family == socket.AF_INET
    assert reachable("127.0.0.1", sock.getsockname()[1])


def test_every_address_of_a_name_is_listened_on_at_one_port(opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    resolved(monkeypatch, "127.0.0.1", "127.0.0.2")
    first, second = listening(opened, "localhost:0")
    assert (first.getsockname()[0], second.getsockname()[0]) == ("127.0.0.1", "127.0.0.2")
    assert first.getsockname()[1] == second.getsockname()[1]


@pytest.mark.parametrize("order", [("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_an_address_of_a_name_that_this_host_does_not_have_is_left_out(
    opened: ExitStack, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    without_ipv6(monkeypatch)
    resolved(monkeypatch, *order)
    (sock,) = listening(opened, "localhost:0")
    assert sock.getsockname()[0] == "127.0.0.1"


def test_a_name_of_which_this_host_has_no_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ipv6(monkeypatch)
    resolved(monkeypatch, "::1")
    with pytest.raises(ListenError, match="Cannot assign requested address"):
        listen(["localhost:0"])


def test_several_addresses_are_several_sockets_in_their_order(opened: ExitStack) -> None:
    first, second = listening(opened, "127.0.0.2:0", "127.0.0.1:0")
    assert (first.getsockname()[0], second.getsockname()[0]) == ("127.0.0.2", "127.0.0.1")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "10225",
        "127.0.0.1",
        "localhost:",
        "localhost:http",
        "localhost:65536",
        "localhost:-1",
        "localhost:٣",
        "::1:9000",
        "[::1]",
        "[]:9000",
        "[127.0.0.1]:9000",
        "[::1]9000",
        "http://localhost:9000",
        "localhost:9000\n",
    ],
)
def test_a_bad_form_is_an_error_that_names_the_address_and_the_forms(address: str) -> None:
    with pytest.raises(ListenError) as error:
        listen([address])
    assert str(error.value) == f'cannot listen on "{address}": expected HOST:PORT, [IPv6]:PORT or :PORT'
    assert not error.value.heals


@pytest.mark.parametrize("name", ["a" * 64 + ".example", "a..example"])
def test_a_name_that_cannot_be_one_is_an_error(name: str) -> None:
    with pytest.raises(ListenError, match=r"cannot listen on .*: not a host name"):
        listen([f"{name}:0"])


def test_an_unknown_name_is_an_error_in_the_resolvers_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(ListenError) as error:
        listen(["nope.example:0"])
    assert str(error.value) == 'cannot listen on "nope.example:0": Name or service not known'
    assert error.value.heals


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_in_use_is_an_error_and_leaves_nothing_open(opened: ExitStack, host: str) -> None:
    (taken,) = listening(opened, "127.0.0.1:0")
    address = f"{host}:{taken.getsockname()[1]}"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]
    with pytest.raises(ListenError) as error:
        listen([f"127.0.0.1:{free}", address])
    assert str(error.value) == f'cannot listen on "{address}": Address already in use'
    assert error.value.heals
    assert not reachable("127.0.0.1", free)


@pytest.mark.parametrize("address", ["127.0.0.1:80", ":80"])
def test_a_port_without_permission_is_an_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    def create_server(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied (while attempting to bind on address ('', 80))")

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(ListenError) as error:
        listen([address])
    assert str(error.value) == f'cannot listen on "{address}": Permission denied'
    assert not error.value.heals


def without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a host with net.ipv6.conf.all.disable_ipv6: sockets can be made, not bound."""
    create_server = socket.create_server

    def create_server_without(address: Any, *, family: Any = socket.AF_INET, **options: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(99, "Cannot assign requested address")
        return create_server(address, family=family, **options)

    monkeypatch.setattr(socket, "create_server", create_server_without)


def resolved(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    getaddrinfo = socket.getaddrinfo

    def to_addresses(host: str, port: int, **options: Any) -> list[Any]:
        return [entry for address in addresses for entry in getaddrinfo(address, port, type=socket.SOCK_STREAM)]

    monkeypatch.setattr(socket, "getaddrinfo", to_addresses)
