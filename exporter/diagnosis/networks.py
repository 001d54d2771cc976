"""Who is related to whom: networks by address, organisations by name. Both are rough on purpose.

Unrelated means that no filter but one near us can stand on the way to both. A network here is a /16 or a /32: a
provider's addresses often lie close together, and one that has several such networks only makes the judgement more
careful, never wrong.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from exporter.config.model import Family

_IPV4_BITS: Final = 16
_IPV6_BITS: Final = 32
# Second labels that registries put names below, as in example.co.uk. A name below another registry's label is taken
# for one of a larger organisation, which again only makes the judgement more careful.
_REGISTRY_LABELS: Final = frozenset(
    {"ac", "co", "com", "edu", "go", "gob", "gov", "gouv", "mil", "ne", "net", "or", "org"}
)
_PORT: Final = re.compile(r"(?:\]|[^:]):[0-9]+$")


def family_of(address: str) -> Family:
    """The family of an address in canonical form."""
    return Family.IPV6 if ":" in address else Family.IPV4


def network_of(address: str) -> int:
    """The network of `address`: its first 16 or 32 bits. Compare only within a family."""
    if ":" in address:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, address)[: _IPV6_BITS // 8], "big")
    return int.from_bytes(socket.inet_aton(address)[: _IPV4_BITS // 8], "big")


def organisation(name: str) -> str:
    """The part of a host or domain name (A-labels) that one registrant holds, as far as its form tells.

    A port behind the name does not matter. An address is an organisation of its own.
    """
    host = name.lower().rpartition(":")[0] if _PORT.search(name) else name.lower()
    labels = host.rstrip(".").split(".")
    if not labels[-1].strip("[]").isidentifier() and not labels[-1].startswith("xn--"):
        return host
    short = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _REGISTRY_LABELS
    return ".".join(labels[-3 if short else -2 :])
