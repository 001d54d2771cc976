"""Who is related to whom: networks by address, organisations by name. Both are rough on purpose.

Unrelated means that no filter but one near us can stand on the way to both. A network here is a /16 or a /32: a
provider's addresses often lie close together, and one that has several such networks only makes the judgement more
careful, never wrong.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from publicsuffixlist import PublicSuffixList

# Names asked about again and again are those of the hosts that are probed.
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

    Of the list only what registries wrote counts: a name below a company's suffix is taken for one of the company,
    which makes the judgement more careful. A port behind the name does not matter. An address is an organisation of
    its own.
    """
    host = (name.lower().rpartition(":")[0] if _PORT.search(name) else name.lower()).rstrip(".")
    if ":" in host or host.rpartition(".")[2].isdigit():
        return host
    return _suffixes().privatesuffix(host) or host


def registrant(name: str) -> str:
    """The part of a host name (A-labels) that one registrant holds, by the whole list: a company's suffix divides its
    customers, so that no name is taken for a relative of one that it is not."""
    return _all_suffixes().privatesuffix(name) or name


@cache
def _all_suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@cache
def _suffixes() -> PublicSuffixList:
    """The list as it came with its package; read when it is first needed, for that takes a moment."""
    return PublicSuffixList(only_icann=True)
