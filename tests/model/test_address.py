from __future__ import annotations

import pytest

from exporter.model.address import Family, family_of, is_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("::ffff:192.0.2.1", True),
        ("[2001:db8::1]", False),
        ("192.0.2.1:25", False),
        ("192.0.2", False),
        ("mx.example", False),
        ("", False),
    ],
)
def test_an_address_has_neither_brackets_nor_a_port(text: str, expected: bool) -> None:
    assert is_address(text) is expected


def test_the_family_of_an_address() -> None:
    assert family_of("192.0.2.1") is Family.IPV4
    assert family_of("2001:db8::1") is Family.IPV6
    assert family_of("::ffff:192.0.2.1") is Family.IPV6
