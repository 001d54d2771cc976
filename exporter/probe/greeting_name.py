"""The host names of a greeting, and the check that one of them is a name of the host that was meant."""

from __future__ import annotations

import re
from typing import Final, Protocol

from exporter.diagnosis.networks import organisation
from exporter.model.address import Family
from exporter.model.failure import Stage, Verdict
from exporter.model.result import MxHost
from exporter.probe.session_record import SessionRecord
from exporter.probe.session_request import TimeBudget

# Host names of one greeting that are looked up.
_MAX_NAMES: Final = 3
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


async def greets_as_another(
    resolver: HostResolver, host: MxHost, address: str, record: SessionRecord, budget: TimeBudget
) -> bool:
    """The greeting's host name has no address equal to `address`; a name that cannot be looked up in time has.

    The nodes of a farm greet by their own names, each of the organisation that the mail host is named after.
    """
    names = greeting_names(record)
    ours = organisation(host.name)
    if not names or any(organisation(name) == ours for name in names):
        return False
    family = Family.IPV6 if ":" in address else Family.IPV4
    try:
        async with budget.timeout():
            found = [await resolver.lookup_host(name, (family,)) for name in names[:_MAX_NAMES]]
    except TimeoutError:
        return False  # a warning less
    return all(_is_another(each, address) for each in found)


def _is_another(named: MxHost, address: str) -> bool:
    if named.failure is not None:
        return named.failure.verdict is not Verdict.LOCAL
    return address not in named.addresses
