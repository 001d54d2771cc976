"""The nameservers of resolv.conf, and lines in it that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.resolver.system_nameservers import SystemNameservers


def test_the_systems_nameservers_are_read_again_when_the_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search example.com\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n")
    nameservers = SystemNameservers(path, look_again=0.0)
    assert nameservers() == (("192.0.2.53", 53), ("2001:db8::53", 53))
    path.write_text("nameserver 192.0.2.54\n")
    assert nameservers() == (("192.0.2.54", 53),)
    path.unlink()
    assert nameservers() == (("127.0.0.1", 53),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nameserver 192.0.2.53\nnameserver dns.example\nnameserver 192.0.2.54\n", ("192.0.2.53", "192.0.2.54")),
        ("search a..b \xff\nnameserver 192.0.2.53 # ours\n", ("192.0.2.53",)),
        ("; nameserver 192.0.2.1\n#nameserver 192.0.2.2\n\tnameserver\t2001:db8::53\r\n", ("2001:db8::53",)),
        ("search .\nnameserver fe80::1%lo\nnameserver fe80::1%lo\n", ("fe80::1%lo",)),
        ("nameserver\nnameservers 192.0.2.1\n", ("127.0.0.1",)),
        ("", ("127.0.0.1",)),
    ],
)
def test_a_line_that_makes_no_sense_costs_no_other_nameserver(
    tmp_path: Path, text: str, expected: tuple[str, ...]
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_bytes(text.encode("latin-1"))
    assert SystemNameservers(path)() == tuple((address, 53) for address in expected)
