"""The MX hosts of a domain beside those that `expect_mx` of its target or module describes. Pure.

An entry is the name of a host, or a suffix such as `.mail.example`, which stands for any host below it. An MX name that
is an alias counts as the host that it leads to, too: mail arrives there, though RFC 5321 5.1 forbids the record.
"""

from __future__ import annotations

from typing import Final

from exporter.model.failure import Failure, FailureClass
from exporter.model.result import MxDifferences, MxLookup
from exporter.model.warning import DomainWarning

AS_EXPECTED: Final = MxDifferences()
# Failures of a lookup that say that there is no MX record. Others say nothing.
_NO_MX: Final = frozenset({FailureClass.DNS_NULL_MX, FailureClass.DNS_NO_ADDRESS, FailureClass.DNS_NXDOMAIN})


def mx_differences(expected: tuple[str, ...], lookup: MxLookup, failure: Failure | None) -> MxDifferences:
    """The differences that the lookup shows; `failure`: of the domain, as it is judged."""
    hosts = [(host.name, host.alias_of) for host in lookup.hosts]
    if hosts:
        unexpected = [host[0] for host in hosts if not any(_is_for(entry, *host) for entry in expected)]
        # Hosts that were not looked up may be those that seem to be missing.
        wanted = () if lookup.more else expected
        missing = [entry for entry in wanted if not any(_is_for(entry, *host) for host in hosts)]
        return MxDifferences(tuple(unexpected), tuple(missing)) if unexpected or missing else AS_EXPECTED
    if failure is not None and failure.failure_class in _NO_MX:
        return MxDifferences(missing=expected)
    return AS_EXPECTED


def warnings_of(differences: MxDifferences) -> tuple[DomainWarning, ...]:
    """The warnings about them."""
    unexpected = (DomainWarning.MX_UNEXPECTED,) if differences.unexpected else ()
    return (*unexpected, DomainWarning.MX_MISSING) if differences.missing else unexpected


def _is_for(entry: str, name: str, alias_of: str) -> bool:
    """True where the entry describes the host of this name, which may be an alias of another."""
    return name.endswith(entry) or alias_of.endswith(entry) if entry.startswith(".") else entry in (name, alias_of)
