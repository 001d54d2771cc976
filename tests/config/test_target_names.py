"""Names as a person types them."""

from __future__ import annotations

import pytest

from exporter.config.target_names import parse_host, parse_target
from exporter.model.target import Settings, TargetKind


@pytest.mark.parametrize(
    ("text", "kind", "name", "host", "port"),
    [
        ("Example.com", TargetKind.DOMAIN, "example.com", "example.com", 25),
        (" straße.de ", TargetKind.DOMAIN, "xn--strae-oqa.de", "xn--strae-oqa.de", 25),
        ("mx.example.com:2525", TargetKind.HOST, "mx.example.com:2525", "mx.example.com", 2525),
        ("localhost:25", TargetKind.HOST, "localhost:25", "localhost", 25),
        ("192.0.2.1", TargetKind.HOST, "192.0.2.1", "192.0.2.1", 25),
        ("192.0.2.1:587", TargetKind.HOST, "192.0.2.1:587", "192.0.2.1", 587),
        ("2001:db8::1", TargetKind.HOST, "2001:db8::1", "2001:db8::1", 25),
        ("[2001:db8::1]:465", TargetKind.HOST, "[2001:db8::1]:465", "2001:db8::1", 465),
    ],
)
def test_what_a_person_may_name(text: str, kind: TargetKind, name: str, host: str, port: int) -> None:
    target = parse_target(text, Settings())
    assert (target.kind, target.name, target.host, target.settings.port) == (kind, name, host, port)


@pytest.mark.parametrize(
    "text", ["", "localhost", "a b.example", "192.0.2.256", "a.example:99999", "[x]:25", "a@b.example"]
)
def test_what_a_person_may_not_name(text: str) -> None:
    with pytest.raises(ValueError) as error:
        parse_target(text, Settings())
    assert str(error.value)


def test_where_a_host_is_meant_it_needs_no_port() -> None:
    assert parse_host("mx.example.com", Settings()).kind is TargetKind.HOST
    assert parse_host(" mx.example.com:26 ", Settings()).settings.port == 26
