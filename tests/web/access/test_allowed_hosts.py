from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest

from exporter.app.web_options import WebOptions
from exporter.web.access.allowed_hosts import AllowedHosts, host_of, parse_allowed_host


def admits(hosts: AllowedHosts, text: str) -> bool:
    host = host_of(text)
    return host is not None and hosts.admit(host)


@pytest.mark.parametrize("listening", ["0.0.0.0", "::"])
def test_listening_everywhere_every_address_is_ours_and_no_name(listening: str) -> None:
    hosts = AllowedHosts([], [listening])
    assert admits(hosts, "192.0.2.1:10225")
    assert admits(hosts, "[2001:db8::1]")
    assert not admits(hosts, "192.0.2.1.evil.example")


def test_listening_on_one_address_that_one_is_ours() -> None:
    hosts = AllowedHosts([], ["192.0.2.1", "::ffff:192.0.2.2", "fe80::1%eth0"])
    assert all(admits(hosts, text) for text in ("192.0.2.1", "192.0.2.2", "[fe80::1]", "127.0.0.1", "localhost"))
    assert not any(admits(hosts, text) for text in ("192.0.2.3", "[fe80::2]", "[::]"))


@pytest.mark.parametrize(
    ("listen", "external", "helo", "ours", "foreign"),
    [
        ([":10225"], "", "own.example.org", ["own", "OWN.example.org."], ["example.org", "other.example.org"]),
        ([":10225"], "", "forged.example", ["own"], ["forged.example"]),
        (["mx.internal:10225"], "", "", ["mx.internal:80"], ["internal"]),
        ([":1"], "https://Mail.example.org/mx/", "", ["mail.example.org"], ["mail.example.org.evil.example"]),
        (["[::1]:1"], "http://user@[2001:db8::1]:80/", "", ["[2001:db8::1]", "[::1]"], ["[2001:db8::2]"]),
    ],
)
def test_what_the_flags_and_the_machine_say_is_ours(
    listen: Sequence[str],
    external: str,
    helo: str,
    ours: Sequence[str],
    foreign: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Own")
    hosts = WebOptions(listen, external_url=external).hosts(["127.0.0.1"], helo)
    assert [text for text in ours if not admits(hosts, text)] == []
    assert [text for text in foreign if admits(hosts, text)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MX-Exporter:10225", "mx-exporter"),
        ("mx_exporter.", "mx_exporter"),
        (".Example.org", ".example.org"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:DB8::1]:80", "2001:db8::1"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_an_allowed_host_is_taken_as_people_write_it(text: str, expected: str) -> None:
    assert parse_allowed_host(text) == expected


def test_an_allowed_host_is_ours_and_a_suffix_what_is_below_it() -> None:
    hosts = AllowedHosts([], [], map(parse_allowed_host, ["mx_exporter", "2001:db8::1", ".example.org"]))
    assert all(
        admits(hosts, text) for text in ("mx_exporter:1", "[2001:db8::1]:1", "a.example.org", "a.b.EXAMPLE.org.")
    )
    assert not any(admits(hosts, text) for text in ("example.org", "aexample.org", "example.org.evil.example"))


@pytest.mark.parametrize(
    "text", ["", ".", "..example", "*.example.org", "http://a", "a/b", ".192.0.2.1", "a:b", "[::1"]
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a host name"):
        parse_allowed_host(text)
