"""One mail host as a sender that honours DANE and MTA-STS judges it. Pure.

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
from exporter.policies.mtasts.policy import MtaStsPolicy

# Records shown to a person.
_SHOWN_RECORDS: Final = 16
_C, _W, _S = FailureClass, HostWarning, DaneState


@dataclass(frozen=True, slots=True)
class TlsSeen:
    """The TLS of a session: the certificates as sent, leaf first, in DER."""

    chain: tuple[bytes, ...]
    faults: tuple[Failure, ...] = ()  # of chain, name or dates by the system's roots
    common_name: bool = False  # the host's name stands in the common name alone


@dataclass(frozen=True, slots=True)
class Demands:
    """The policies that apply to one host. None: the module does not name the policy, or it is not known in time."""

    tlsa: TlsaLookup | None = None
    policy: MtaStsPolicy | None = None  # MTA-STS
    tlsa_awaited: bool = False  # the module names DANE, and the records are not known in time


def judge(
    result: HostResult, demands: Demands, tls: TlsSeen | None, *, asked: bool, require: bool, at: float
) -> HostResult:
    """`result` with the warnings and failures by `demands`.

    `asked`: the session was to use TLS, so that its lack is the host's fault. `require`: a host to which a sender would
    not deliver fails; else it gets a warning. `at`: Unix time of the session.
    """
    dane = None if demands.tlsa is None else judge_dane(demands.tlsa, tls, asked=asked and result.up, at=at)
    matches = None
    if demands.policy is not None and demands.policy.mode != "none":
        matches = demands.policy.matches(result.mx)
    result = replace(result, facts=replace(result.facts, dane=dane, mta_sts_match=matches))
    if not result.up:
        return result
    warnings: list[HostWarning] = []
    failures: list[Failure] = []
    if dane is not None and dane.state in _DANE:
        warning, stage, failure_class = _DANE[dane.state]
        warnings.append(warning)
        if failure_class is not None:
            failures.append(Failure(stage, failure_class, dane.detail))
        elif demands.tlsa is not None and demands.tlsa.failure is not None:
            failures.append(Failure(stage, demands.tlsa.failure.failure_class, dane.detail))
    if matches is not None and demands.policy is not None:
        problem = _mta_sts(result.mx, demands.policy, matches, tls, asked)
        if problem is not None:
            warning, failure = problem
            warnings.append(warning)
            if demands.policy.mode == "enforce":  # RFC 8461 5: testing withholds nothing
                failures.append(failure)
    if tls is not None and (dane is None or dane.state is not _S.VERIFIED) and not demands.tlsa_awaited:
        # RFC 7672 2.2: where TLSA records vouch for a certificate, no authority needs to; and they still may.
        failures += tls.faults
    # The session itself shows this, so it stays whatever the diagnosis finds around the host.
    worst = failures[0] if require and failures else None
    warned = (*result.outcome.warnings, *warnings)
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


def _mta_sts(
    mx: str, policy: MtaStsPolicy, matches: bool, tls: TlsSeen | None, asked: bool
) -> tuple[HostWarning, Failure] | None:
    """The fault of a host by the policy: name, TLS, certificate valid for the MX host (RFC 8461 4.1, 4.2)."""
    mode = f"the policy, in mode {policy.mode},"
    if not matches:
        return _W.MTA_STS_MISMATCH, Failure(Stage.DNS, _C.MTA_STS_MISMATCH, f"{mode} does not name {mx}")
    if not asked:
        return None
    if tls is None:
        failure = Failure(Stage.STARTTLS, _C.MTA_STS_NO_TLS, f"{mode} demands TLS, and {mx} does none")
        return _W.MTA_STS_NO_TLS, failure
    if tls.faults:
        failure = Failure(
            Stage.TLS, _C.MTA_STS_UNTRUSTED, f"{mode} demands a certificate valid for {mx}, and it has none"
        )
        return _W.MTA_STS_UNTRUSTED, failure
    if tls.common_name:  # RFC 8461 4.2: the name is a DNS-ID
        detail = f"{mode} demands {mx} as a subjectAltName, and the certificate has it as its common name alone"
        return _W.MTA_STS_UNTRUSTED, Failure(Stage.TLS, _C.MTA_STS_UNTRUSTED, detail)
    return None
