"""A mail provider and its customers: many domains behind two MX names, with two addresses each."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exporter.demo.domain import DemoDomain, DemoHost, works

PROVIDER: Final = "bigmail.example"
_CUSTOMERS: Final = 40


def _host(name: str, address: str) -> DemoHost:
    return replace(works(f"{name}.{PROVIDER}", address), is_one_of_several=True)


PROVIDERS: Final = (
    DemoDomain(
        PROVIDER,
        "provider",
        f"a provider: two MX names with two addresses each, for {_CUSTOMERS} customers",
        hosts=(
            _host("mx1", "127.53.60.1"),
            _host("mx1", "127.53.60.2"),
            _host("mx2", "127.54.60.1"),
            _host("mx2", "127.54.60.2"),
        ),
    ),
    *(
        DemoDomain(
            f"customer{number:02}.example",
            "provider",
            f"a customer of {PROVIDER}",
            exchanges=(f"mx1.{PROVIDER}", f"mx2.{PROVIDER}"),
            expect_mx=(f".{PROVIDER}",),
        )
        for number in range(1, _CUSTOMERS + 1)
    ),
)
