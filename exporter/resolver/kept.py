"""The entries of the cache: an answer, and an MX answer together with the whole lookup that was made from it.

A fleet has 100,000 of each, so nothing is kept twice. The records of an ordinary MX answer stand in its lookup, and are
taken from there when the answer is needed again; the addresses stand in their own answers, for they end at other times.
"""

from __future__ import annotations

from typing import Final

from exporter.model.address import Family
from exporter.model.policy import Tlsa
from exporter.model.result import MxHost, MxLookup
from exporter.resolver.answer import DnsAnswer

# Bytes that Python needs (measured with tracemalloc, CPython 3.11): an answer without records and its place; each
# record beside its text; a failure beside its texts.
_ANSWER_BYTES: Final = 400
_RECORD_BYTES: Final = {str: 64, bytes: 48, tuple: 140, Tlsa: 150}
_FAILURE_BYTES: Final = 220
_SIGNATURE_BYTES: Final = 200
# The same for a lookup with its place, a host of it, and the place of an address.
_LOOKUP_BYTES: Final = 500
_HOST_BYTES: Final = 250
_PLACE_BYTES: Final = 8

Hosts = tuple[MxHost, ...]


class KeptAnswer:
    """An answer. `until`: its end by the loop's clock; `digest`: that of the message it was read from, 0: unknown.

    `hosts`: the MX hosts of which the name is the first, as the lookups of its domains share them.
    """

    __slots__ = ("answer", "digest", "hosts", "until")

    def __init__(self, answer: DnsAnswer, until: float, digest: int = 0, hosts: Hosts = ()) -> None:
        self.answer: Final = answer
        self.until: Final = until
        self.digest: Final = digest
        self.hosts: Final = hosts

    @property
    def is_failure(self) -> bool:
        """True if there is nothing but a failure."""
        return self.answer.failure is not None

    def size(self, name: str) -> int:
        """About the bytes that it takes in memory."""
        return size_of(name, self.answer) + sum(map(_host_size, self.hosts))


class KeptLookup:
    """An MX answer, as :class:`KeptAnswer`, and the lookup for these families: it counts until `lookup_until`.

    `lookup_until` 0: the answer is newer than the lookup, of which nothing but its duration counts.
    """

    __slots__ = ("_answer", "_ttl", "digest", "families", "lookup", "lookup_until", "until")

    hosts: Final[Hosts] = ()

    def __init__(
        self, kept: KeptAnswer | KeptLookup, lookup: MxLookup, families: tuple[Family, ...], lookup_until: float
    ) -> None:
        answer = kept.answer
        self.until: float = kept.until
        self.digest: int = kept.digest
        self.lookup: Final = lookup
        self.families: Final = families
        self.lookup_until: Final = lookup_until
        self._answer: Final = None if lookup_until and _tells_all(lookup) else answer
        self._ttl: Final = answer.ttl

    @property
    def answer(self) -> DnsAnswer:
        """The MX answer, its records by preference."""
        if self._answer is not None:
            return self._answer
        lookup = self.lookup
        return DnsAnswer(
            tuple([(host.preference, host.name) for host in lookup.hosts]),
            ttl=self._ttl,
            authenticated=lookup.authenticated,
            is_alias=bool(lookup.alias_of),
            canonical=lookup.alias_of,
            nameserver=lookup.nameserver,
            signature=lookup.mx_signature,
        )

    @property
    def is_failure(self) -> bool:
        """True if the answer is a failure."""
        return self._answer is not None and self._answer.failure is not None

    @property
    def has_failed(self) -> bool:
        """True if the lookup has failed, or that of a host."""
        return self._answer is not None and (
            self.lookup.failure is not None or any(host.failure is not None for host in self.lookup.hosts)
        )

    def size(self, name: str) -> int:
        """About the bytes that it takes in memory; each host counts as if no other domain had it."""
        own = _LOOKUP_BYTES + len(name) + len(self.lookup.alias_of) + sum(map(_host_size, self.lookup.hosts))
        own += 0 if self.lookup.mx_signature is None else _SIGNATURE_BYTES
        return own if self._answer is None else own + size_of(name, self._answer)


class KeptHost:
    """The addresses of a host that is looked up by its own name; they count until `until`."""

    __slots__ = ("host", "until")

    def __init__(self, host: MxHost, until: float) -> None:
        self.host: Final = host
        self.until: Final = until

    def size(self, name: str) -> int:
        """About the bytes that it takes in memory."""
        return _host_size(self.host) + len(name)


def _tells_all(lookup: MxLookup) -> bool:
    """The lookup has all of its MX answer: each record is a host, none is left out, and nothing has failed.

    See exporter.resolver.mx for what else becomes of records.
    """
    return (
        lookup.failure is None
        and lookup.filtered is None
        and not lookup.null_mx_among_others
        and lookup.mx_records == len(lookup.hosts)
        and all(host.failure is None for host in lookup.hosts)
    )


def _host_size(host: MxHost) -> int:
    signature = 0 if host.signature is None else _SIGNATURE_BYTES
    return _HOST_BYTES + len(host.name) + len(host.alias_of) + _PLACE_BYTES * len(host.addresses) + signature


def size_of(name: str, answer: DnsAnswer) -> int:
    """About the bytes that an answer about `name` takes in memory."""
    size = _ANSWER_BYTES + len(name) + len(answer.canonical)
    if answer.signature is not None:
        size += _SIGNATURE_BYTES
    for record in answer.records:
        size += _RECORD_BYTES[type(record)]
        size += len(record[1] if isinstance(record, tuple) else record.data if isinstance(record, Tlsa) else record)
    for failure in (answer.failure, answer.filtered):
        if failure is not None:
            size += _FAILURE_BYTES + len(failure.detail) + len(failure.about) + sum(map(len, failure.evidence))
    return size
