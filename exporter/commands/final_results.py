"""The results that a path or other targets may still change: one-shot probes report those at the end."""

from __future__ import annotations

from exporter.diagnosis.connect_errors import outcome_of_session
from exporter.diagnosis.fingerprints import is_foreign
from exporter.model.evidence import ConnectOutcome, Evidence
from exporter.model.failure import Stage
from exporter.model.result import DomainResult, HostResult


def is_open(result: DomainResult) -> bool:
    """True if a path or the results of other targets may still change the judgement of a result."""
    if result.failure is not None and result.failure.stage is Stage.DNS:
        return True  # all names at once may be the resolver's doing
    return any(host.evidence is not None and may_change(host, host.evidence) for host in result.hosts)


def may_change(host: HostResult, evidence: Evidence) -> bool:
    """The same of one host."""
    # A server that bears another's name may be answering for others as well.
    if outcome_of_session(evidence) is not ConnectOutcome.ANSWERED:
        return True
    return any(is_foreign(mark, host.mx) for mark in evidence.fingerprints)


def has_timed_out(result: DomainResult) -> bool:
    """True if a host of a target did not answer."""
    return any(
        host.evidence is not None and outcome_of_session(host.evidence) is ConnectOutcome.NO_ANSWER
        for host in result.hosts
    )
