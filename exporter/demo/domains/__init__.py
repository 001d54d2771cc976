"""The domains of the demo's mail world: a table of the fault of each, and of the class that a probe must find.

Every host has an address of its own, which a Linux loopback interface answers for without being told. They are spread
over eight networks of a size (/16) that the diagnosis takes for unrelated, so that it can judge the egress by them.
A name may have several hosts, and a domain those of another, its provider.
Address records follow from `hosts`, and so do MX records where `records` has none: preference 10, 20, ... in their
order, and none for a host that bears the domain's own name (RFC 5321 5.1: the implicit MX).
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Final

from exporter.demo.domain import DemoDomain
from exporter.demo.domains.dialogue import DIALOGUE
from exporter.demo.domains.greeting import GREETING
from exporter.demo.domains.provider import PROVIDERS
from exporter.demo.domains.unreachable import UNREACHABLE
from exporter.demo.domains.working import WORKING

NETWORK: Final = "127.48.0.0/13"
# Hosts that are expected to answer: on unrelated networks, and none of them one that is broken by hand.
REFERENCES: Final = (
    "mx2.halfdown.example",
    "real.cname.example",
    "mx.halfnull.example",
    "mx.othername.example",
)
_NETWORK: Final = ip_network(NETWORK)


# The order of the page that the demo prints.
DEMO: Final[tuple[DemoDomain, ...]] = (*WORKING, *UNREACHABLE, *GREETING, *DIALOGUE, *PROVIDERS)


def is_of_the_demo(address: str) -> bool:
    """True for an address of one of these hosts: a connection to it counts as one to the outside."""
    return ip_address(address) in _NETWORK
