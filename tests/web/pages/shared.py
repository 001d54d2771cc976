"""A fleet with a provider: hosts that many domains have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.model.failure import FailureClass
from exporter.model.result import DomainResult, HostResult
from exporter.model.target import Target
from exporter.model.warning import DomainWarning
from tests.results import domain, down_host, result, up_host

MX1, MX2 = "mx1.big.example", "mx2.big.example"
ALIVE = (up_host(MX1, "192.0.2.1"), up_host(MX2, "2001:db8::2"))
DEAD = tuple(down_host(FailureClass.CONNECT_REFUSED, host.mx, host.address) for host in ALIVE)


@dataclass(frozen=True)
class Known:
    """A host as the backend tells it."""

    result: HostResult | None
    domains: int | None


def at(provider: str, *hosts: HostResult, warnings: Sequence[DomainWarning] = ()) -> DomainResult:
    return result(*hosts)._replace(providers=(provider,) if provider else (), warnings=tuple(warnings))


def big(count: int, hosts: Sequence[HostResult] = ALIVE, first: int = 0) -> list[tuple[Target, DomainResult | None]]:
    """So many domains of one provider."""
    return [
        (domain(f"t{number:03}.example", team=f"team{number % 2}"), at("big.example", *hosts))
        for number in range(first, first + count)
    ]


def small() -> list[tuple[Target, DomainResult | None]]:
    """Domains of others: one with two providers, one without a host, one not probed yet, one that takes no mail."""
    return [
        (
            domain("two.example"),
            at("", *ALIVE[:1], up_host("mx.other.example", "192.0.2.9"))._replace(
                providers=("big.example", "o.example")
            ),
        ),
        (domain("none.example"), at("", warnings=(DomainWarning.NULL_MX_AMONG_OTHERS,))),
        (domain("new.example"), None),
        (domain("null.example"), at("", down_host(FailureClass.DNS_NULL_MX, "mx.null.example", ""))),
    ]
