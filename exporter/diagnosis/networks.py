"""The network of an address and the organisation of a name, by which hosts are related. Both are rough on purpose.

Two hosts are unrelated if only a filter near this exporter can stand on the paths to both. A network here is a /16 or a
/32: the addresses of a provider often lie close together, and a provider with several such networks only makes the
judgement more careful, never wrong.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from sys import intern
from typing import Final

from publicsuffixlist import PublicSuffixList

# The names of the probed hosts come again and again.
_MAX_REMEMBERED: Final = 8192
_PORT: Final = re.compile(r"(?:\]|[^:]):[0-9]+$")


def network_of(address: str) -> int:
    """The first 16 or 32 bits of an address in canonical form, which begin its text. Compare only within a family."""
    if ":" in address:
        first, _, rest = address.partition("::")[0].partition(":")
        return int(first or "0", 16) << 16 | int(rest.partition(":")[0] or "0", 16)
    first, second, _ = address.split(".", 2)
    return int(first) << 8 | int(second)


@lru_cache(maxsize=_MAX_REMEMBERED)
def organisation(name: str) -> str:
    """The part of a host or domain name (A-labels) that one registrant holds, by the Public Suffix List.

    Only the registries' part of the list counts: a name below the suffix of a company belongs to the company, which
    makes the judgement more careful. A port behind the name does not matter. An address is an organisation of its own.
    Equal ones are one object while any is in use: the domains of a provider all keep its name.
    """
    host = (name.lower().rpartition(":")[0] if _PORT.search(name) else name.lower()).rstrip(".")
    if ":" in host or host.rpartition(".")[2].isdigit():
        return intern(host)
    return intern(_suffixes().privatesuffix(host) or host)


def registrant(name: str) -> str:
    """The part of a host name (A-labels) that one registrant holds, by the whole list: the customers below the suffix
    of a company are separate registrants."""
    return _all_suffixes().privatesuffix(name) or name


@cache
def _all_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _suffixes() -> PublicSuffixList:
    """The list of the installed package; read at the first use, which takes a moment."""
    return PublicSuffixList(only_icann=True)
