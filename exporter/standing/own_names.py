"""The names of our address: its PTR records, and the name that we say after EHLO."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Final

from exporter.model.address import Family, family_of
from exporter.model.printable import printable
from exporter.model.standing import AddressName, HeloName, ReverseDns
from exporter.policies.spf.macros import is_name
from exporter.standing.generic_names import generic_reason
from exporter.standing.records import ADDRESS_TYPES, RecordQueries, failure_in, texts_in

# Names of an address that are looked up: receivers look at one, or at a few.
MAX_NAMES: Final = 10
# Addresses of a name that are shown.
_MAX_ADDRESSES: Final = 4
_FAMILIES: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


async def lookup_reverse_dns(queries: RecordQueries, address: str) -> ReverseDns:
    """The PTR records of an address, and what their names resolve to."""
    pointer = ip_address(address).reverse_pointer
    answer = await queries.lookup_records(pointer, "PTR")
    failure = failure_in(answer)
    if failure:
        return ReverseDns(pointer, failure=failure)
    names = texts_in(answer)
    found = await asyncio.gather(*(_name(queries, name, address) for name in names[:MAX_NAMES]))
    more = len(names) - len(found) + answer.more
    # A name that is not looked up may be the one that resolves back.
    left = f"there are {more:,} more names, which are not looked up" if more else ""
    return ReverseDns(pointer, tuple(found), left)


async def lookup_helo(queries: RecordQueries, name: str, address: str) -> HeloName | None:
    """The EHLO name and whether it is, or resolves to, our address; None: a literal of the other family, or none."""
    family = family_of(address)
    if name.startswith("["):
        literal = name.strip("[]")
        literal = literal[5:] if literal.lower().startswith("ipv6:") else literal
        if family_of(literal) is not family:
            return None
        matches = ip_address(literal) == ip_address(address)
        return HeloName(name, matches, "" if matches else f"others see {address}")
    if not name:
        return None
    answer = await queries.lookup_records(name, ADDRESS_TYPES[family])
    failure = failure_in(answer)
    if failure:
        return HeloName(name, None, failure)
    addresses = texts_in(answer)
    if address in addresses:
        return HeloName(name, True)
    if answer.more:
        return HeloName(name, None, f"it has {len(addresses) + answer.more:,} addresses")
    if not addresses:
        return HeloName(name, False, f"it has no {_FAMILIES[family]} address")
    return HeloName(name, False, f"it resolves to {', '.join(addresses[:_MAX_ADDRESSES])}")


async def _name(queries: RecordQueries, name: str, address: str) -> AddressName:
    shown, generic = printable(name or ".", 253), generic_reason(name, address)
    if not is_name(name):
        return AddressName(shown, False, generic=generic)
    answer = await queries.lookup_records(name, ADDRESS_TYPES[family_of(address)])
    addresses = texts_in(answer)
    is_known = address in addresses or not (failure_in(answer) or answer.more)
    return AddressName(shown, address in addresses if is_known else None, addresses[:_MAX_ADDRESSES], generic)
