"""The host names of a greeting, and the check that one of them is a name of the host that was meant."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final, Protocol

from exporter.diagnosis.networks import organisation
from exporter.model.address import Family
from exporter.model.failure import Stage, Verdict
from exporter.model.result import MxHost
from exporter.probe.session_record import SessionRecord

# Host names of one greeting that are looked up.
_MAX_NAMES: Final = 3
# For these lookups; the answers come from the cache all the other times.
PATIENCE_SECONDS: Final = 2.0
_BANNER: Final = Stage.BANNER
# RFC 5321 4.2: the greeting begins with the server's domain; a name worth looking up has a dot and plain letters.
NAME: Final = re.compile(
    rb"(?=.{4,253}(?:\s|$))((?:[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?\.)+[A-Z][A-Z0-9-]{0,61}[A-Z0-9])\.?(?:\s|$)",
    re.IGNORECASE,
)


class HostResolver(Protocol):
    """The lookup of a host's addresses."""

    async def lookup_host(self, name: str, families: tuple[Family, ...]) -> MxHost:
        """The addresses of a host."""


def greeting(record: SessionRecord) -> tuple[bytes, ...]:
    """The lines of the greeting; none where there was none."""
    return next((reply.lines for stage, reply in record.replies if stage is _BANNER), ())


def greeting_names(record: SessionRecord) -> tuple[str, ...]:
    """The host names with which lines of the greeting begin, lower case: those that can be looked up."""
    found = [NAME.match(line) for line in greeting(record)]
    return tuple(dict.fromkeys([name[1].decode("ascii").lower() for name in found if name]))


def is_of_another(names: Sequence[str], mx: str) -> bool:
    """No name of the greeting is of the organisation that the MX host is named after: its address has to be seen.

    The nodes of a farm greet by their own names, each of the organisation of the mail host.
    """
    if not names:
        return False
    ours = organisation(mx)
    return all(organisation(name) != ours for name in names)


async def is_elsewhere(resolver: HostResolver, names: Sequence[str], address: str) -> bool:
    """No host of the greeting has an address equal to `address`; one that cannot be looked up in time has."""
    family = Family.IPV6 if ":" in address else Family.IPV4
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = [await resolver.lookup_host(name, (family,)) for name in names[:_MAX_NAMES]]
    except TimeoutError:
        return False  # a warning less
    return all(_is_another(each, address) for each in found)


def _is_another(named: MxHost, address: str) -> bool:
    if named.failure is not None:
        return named.failure.verdict is not Verdict.LOCAL
    return address not in named.addresses
