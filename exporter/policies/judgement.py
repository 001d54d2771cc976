"""One mail host as a sender that honours DANE judges it. Pure.

The session hands over its TLS as :class:`TlsSeen`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, TlsaLookup, TlsaStatus
from exporter.model.printable import printable
from exporter.model.result import HostResult
from exporter.model.warning import HostWarning
from exporter.policies.dane.match import match_chain
from exporter.policies.dane.usability import preferred, unusable

# Records shown to a person.
_SHOWN_RECORDS: Final = 16
_C, _W, _S = FailureClass, HostWarning, DaneState


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """The TLS of a session: the certificates as sent, leaf first, in DER."""

    chain: tuple[bytes, ...]
    faults: tuple[Failure, ...] = ()  # of chain, name or dates by the system's roots
    common_name: bool = False  # the host's name stands in the common name alone


def judge_host(
    result: HostResult, tlsa: TlsaLookup | None, awaited: bool, tls: TlsSeen | None, asked: bool, require: bool
) -> HostResult:
    """`result` with the warnings and failures by the TLSA records of its name; None: none were looked up.

    `awaited`: the records are not known in time. `asked`: the session was to use TLS, so that its lack is the host's
    fault. `require`: a host to which a sender would not deliver fails; else it gets a warning. MTA-STS is a matter of
    each domain: exporter.policies.domain_judgement.
    """
    dane = None if tlsa is None else judge_dane(tlsa, tls, asked=asked and result.up, at=result.timings.at)
    if dane is not None:
        if tlsa is not None and tlsa.signature is not None:
            dane = replace(dane, signature=tlsa.signature)
        result = replace(result, facts=replace(result.facts, dane=dane))
    if not result.up:
        return result
    warned = result.outcome.warnings
    failures: list[Failure] = []
    if dane is not None and tlsa is not None and dane.state in _DANE:
        warning, stage, failure_class = _DANE[dane.state]
        warned = (*warned, warning)
        if failure_class is not None:
            failures.append(Failure(stage, failure_class, dane.detail))
        elif tlsa.failure is not None:
            failures.append(Failure(stage, tlsa.failure.failure_class, dane.detail))
    if tls is not None and (dane is None or dane.state is not _S.VERIFIED) and not awaited:
        # RFC 7672 2.2: where TLSA records vouch for a certificate, no authority needs to; and they still may.
        failures += tls.faults
    # The session itself shows this, so it stays whatever the diagnosis finds around the host.
    worst = failures[0] if require and failures else None
    if worst is None and warned is result.outcome.warnings:
        return result
    return replace(result, outcome=replace(result.outcome, failure=worst, own_failure=worst, warnings=warned))


# The warning, and with `require` the class of the failure; None: that of the lookup, if it failed.
_DANE: Final = MappingProxyType(
    {
        _S.MISMATCH: (_W.DANE_MISMATCH, Stage.TLS, _C.DANE_MISMATCH),
        _S.NO_TLS: (_W.DANE_NO_TLS, Stage.STARTTLS, _C.DANE_NO_TLS),
        _S.UNUSABLE: (_W.DANE_UNUSABLE, Stage.TLS, None),
        _S.LOOKUP_FAILED: (_W.DANE_LOOKUP_FAILED, Stage.DNS, None),
    }
)


def judge_dane(lookup: TlsaLookup, tls: TlsSeen | None, *, asked: bool, at: float) -> Dane:
    """The DANE state of a host by its TLSA records and the TLS of the session, if there was any (RFC 7672 2.2)."""
    records = tuple(map(str, lookup.records[:_SHOWN_RECORDS]))
    match lookup.status:
        case TlsaStatus.INSECURE:
            return Dane(_S.INSECURE, detail=lookup.detail)
        case TlsaStatus.ABSENT:
            return Dane(_S.ABSENT)
        case TlsaStatus.FAILED:
            why = "" if lookup.failure is None else f": {lookup.failure.detail}"
            return Dane(_S.LOOKUP_FAILED, detail=f"the TLSA records cannot be looked up, so mail is held back{why}")
        case TlsaStatus.FOUND:
            pass
    if tls is None:
        if not asked:
            return Dane(_S.UNCHECKED, records)
        return Dane(_S.NO_TLS, records, "there are TLSA records, and the host does no TLS")
    usable = preferred(lookup.records)
    if not usable:
        reasons = sorted({reason for record in lookup.records if (reason := unusable(record)) is not None})
        return Dane(_S.UNUSABLE, records, f"no TLSA record is usable: {', '.join(reasons)}")
    found = match_chain(usable, tls.chain, lookup.names, at)
    if found.record is None:
        return Dane(_S.MISMATCH, records, printable(f"the certificate does not match: {found.reason}"))
    return Dane(_S.VERIFIED, records, f"matched by {found.record}")
