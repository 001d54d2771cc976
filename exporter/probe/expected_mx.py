"""The MX hosts of a domain beside those that `expect_mx` of its target or module describes. Pure.

An entry is the name of a host, or a suffix such as `.mail.example`, which stands for any host below it. An MX name that
is an alias counts as the host that it leads to, too: mail arrives there, though RFC 5321 5.1 forbids the record.
"""

from __future__ import annotations

from typing import Final

from exporter.model.failure import Failure, FailureClass
from exporter.model.result import DomainResult, MxDifferences, MxHost, MxLookup
from exporter.model.warning import DomainWarning

AS_EXPECTED: Final = MxDifferences()
_WARNINGS: Final = frozenset({DomainWarning.MX_UNEXPECTED, DomainWarning.MX_MISSING})
# Failures of a lookup that say that there is no MX record. Others say nothing.
_NO_MX: Final = frozenset({FailureClass.DNS_NULL_MX, FailureClass.DNS_NO_ADDRESS, FailureClass.DNS_NXDOMAIN})
# Failures of the lookup of a host after which it is not known whether its name is an alias.
_NOT_KNOWN: Final = frozenset(
    {
        *(FailureClass.DNS_SERVFAIL, FailureClass.DNS_BOGUS, FailureClass.DNS_REFUSED, FailureClass.DNS_TIMEOUT),
        FailureClass.RESOLVER_FAILING,
    }
)


def mx_differences(expected: tuple[str, ...], lookup: MxLookup, failure: Failure | None) -> MxDifferences:
    """The differences that the lookup shows; `failure`: of the domain, as it is judged."""
    hosts = lookup.hosts
    if hosts:
        others = [host for host in hosts if not any(_is_for(entry, host.name, host.alias_of) for entry in expected)]
        unexpected = [host.name for host in others if not _may_be_alias(host)]
        # Hosts that were not looked up may be those that seem to be missing.
        wanted = () if lookup.more or len(unexpected) < len(others) else expected
        missing = [entry for entry in wanted if not any(_is_for(entry, host.name, host.alias_of) for host in hosts)]
        return MxDifferences(tuple(unexpected), tuple(missing)) if unexpected or missing else AS_EXPECTED
    if failure is not None and failure.failure_class in _NO_MX:
        return MxDifferences(missing=expected)
    return AS_EXPECTED


def warnings_of(differences: MxDifferences) -> tuple[DomainWarning, ...]:
    """The warnings about them."""
    unexpected = (DomainWarning.MX_UNEXPECTED,) if differences.unexpected else ()
    return (*unexpected, DomainWarning.MX_MISSING) if differences.missing else unexpected


def compared_anew(result: DomainResult, expected: tuple[str, ...]) -> DomainResult:
    """The result of a turn that knew another `expect_mx`, or none."""
    lookup = result.lookup
    differences = AS_EXPECTED
    if expected and lookup is not None:
        differences = mx_differences(expected, lookup, result.failure)
    if differences == result.mx_differences:
        return result
    others = [each for each in result.warnings if each not in _WARNINGS]
    return result._replace(warnings=(*others, *warnings_of(differences)), mx_differences=differences)


def _may_be_alias(host: MxHost) -> bool:
    """True for a host whose lookup failed: it is not known to which name its own may lead."""
    cause = host.cause or (None if host.failure is None else host.failure.failure_class)
    return cause in _NOT_KNOWN and not host.alias_of


def _is_for(entry: str, name: str, alias_of: str) -> bool:
    """True where the entry describes the host of this name, which may be an alias of another."""
    return name.endswith(entry) or alias_of.endswith(entry) if entry.startswith(".") else entry in (name, alias_of)
