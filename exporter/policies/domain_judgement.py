"""One mail host as the senders of one domain's mail judge it, by the policies of that domain. Pure.

The host's own result says what its session and its TLSA records show. Here follows what only the domain knows: its
MTA-STS policy, and an MX answer without authentication, for which DANE does not apply.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, TlsRpt
from exporter.model.result import HostResult, TlsResult
from exporter.model.target import Module, TlsMode
from exporter.model.warning import DomainWarning, HostWarning
from exporter.model.zone import MxZone
from exporter.policies.mtasts.policy import MtaStsPolicy

_C, _W, _S = FailureClass, DomainWarning, DaneState
# States that the TLSA records of a host give it; the others are those of a host without any.
_BY_RECORDS: Final = frozenset({_S.VERIFIED, _S.MISMATCH, _S.NO_TLS, _S.UNUSABLE, _S.LOOKUP_FAILED, _S.UNCHECKED})
_WARNINGS: Final = frozenset(
    {HostWarning.DANE_MISMATCH, HostWarning.DANE_NO_TLS, HostWarning.DANE_UNUSABLE, HostWarning.DANE_LOOKUP_FAILED}
)
# The class with which a state of DANE fails a host; None: that of the lookup.
_FAILURES: Final = MappingProxyType({_S.MISMATCH: _C.DANE_MISMATCH, _S.NO_TLS: _C.DANE_NO_TLS, _S.LOOKUP_FAILED: None})


@dataclass(frozen=True, slots=True)
class FoundPolicies:
    """The policies of a domain as far as they are known. Empty: none was looked up."""

    mta_sts: MtaSts | None = None
    policy: MtaStsPolicy | None = None  # that holds
    tls_rpt: TlsRpt | None = None
    zone: MxZone | None = None


def judge_for_domain(
    host: HostResult, mx_authenticated: bool, policy: MtaStsPolicy | None, module: Module
) -> tuple[HostResult, DomainWarning | None]:
    """`host` as one of a domain, the same object where the domain's policies change nothing, and what is wrong.

    `mx_authenticated`: the names of the hosts cannot have been forged; True for one named without an MX lookup.
    """
    if not mx_authenticated and host.facts.dane is not None and host.facts.dane.state in _BY_RECORDS:
        host = _without_dane(host, module)
    own = host.outcome.own_failure
    by_policy = own is None or _is_of_dane(host, own) or _is_of_certificate(host, own)
    if policy is None or policy.mode == "none" or not by_policy:
        return host, None
    problem = _mta_sts(host, policy, asks_for_tls(module))
    if problem is None:
        return host, None
    warning, failure = problem
    # RFC 8461 5: testing withholds nothing. DANE's failure comes first: RFC 8461 2 has neither override the other.
    is_failure = module.starttls.verify == "require" and policy.mode == "enforce"
    if is_failure and (own is None or not _is_of_dane(host, own)):
        host = _with_own_failure(host, failure)
    return host, warning


def asks_for_tls(module: Module) -> bool:
    """A session is to use TLS, so that its lack is the host's fault."""
    return module.tls is TlsMode.IMPLICIT or Stage.STARTTLS in module.stages


def _without_dane(host: HostResult, module: Module) -> HostResult:
    """RFC 7672 2.2.1: the records of an MX host that a forger could have chosen make nothing safe."""
    own, tls = host.outcome.own_failure, host.facts.tls
    dane = Dane(_S.INSECURE, detail="the MX answer is not authenticated")
    of_dane = own is not None and _is_of_dane(host, own)
    was_verified = host.facts.dane is not None and host.facts.dane.state is _S.VERIFIED
    warnings = host.outcome.warnings
    if not _WARNINGS.isdisjoint(warnings):
        warnings = tuple(warning for warning in warnings if warning not in _WARNINGS)
    judged = replace(host, facts=replace(host.facts, dane=dane), outcome=replace(host.outcome, warnings=warnings))
    if not of_dane and not (was_verified and own is None):
        return judged
    # No record vouches for the certificate any more, so an authority has to.
    faults = tls.faults if tls is not None and module.starttls.verify == "require" else ()
    return _with_own_failure(judged, faults[0] if faults else None)


def _with_own_failure(host: HostResult, failure: Failure | None) -> HostResult:
    """`host` with another failure of its own; a diagnosis that found another cause stays."""
    outcome = host.outcome
    diagnosed = failure if outcome.failure == outcome.own_failure else outcome.failure
    return replace(host, outcome=replace(outcome, failure=diagnosed, own_failure=failure))


def _is_of_dane(host: HostResult, own: Failure) -> bool:
    """True where the session passed every stage, and the TLSA records alone fail the host."""
    dane = host.facts.dane
    if dane is None or dane.state not in _FAILURES or own.detail != dane.detail:
        return False
    expected = _FAILURES[dane.state]
    return own.failure_class is expected if expected is not None else own.stage is Stage.DNS


def _is_of_certificate(host: HostResult, own: Failure) -> bool:
    """True where the session passed every stage, and its certificate alone fails the host, as DANE has it judged."""
    tls = host.facts.tls
    return host.facts.dane is not None and tls is not None and own in tls.faults


def _mta_sts(host: HostResult, policy: MtaStsPolicy, asked: bool) -> tuple[DomainWarning, Failure] | None:
    """The fault of a host by the policy: name, TLS, certificate valid for the MX host (RFC 8461 4.1, 4.2)."""
    mx, tls = host.mx, host.facts.tls
    mode = f"the policy, in mode {policy.mode},"
    if not policy.matches(mx):
        return _W.MTA_STS_MISMATCH, Failure(Stage.DNS, _C.MTA_STS_MISMATCH, f"{mode} does not name {mx}")
    if not asked:
        return None
    if tls is None:
        failure = Failure(Stage.STARTTLS, _C.MTA_STS_NO_TLS, f"{mode} demands TLS, and {mx} does none")
        return _W.MTA_STS_NO_TLS, failure
    detail = _untrusted(mode, mx, tls)
    return None if detail is None else (_W.MTA_STS_UNTRUSTED, Failure(Stage.TLS, _C.MTA_STS_UNTRUSTED, detail))


def _untrusted(mode: str, mx: str, tls: TlsResult) -> str | None:
    if tls.faults:
        return f"{mode} demands a certificate valid for {mx}, and it has none"
    if tls.common_name:  # RFC 8461 4.2: the name is a DNS-ID
        return f"{mode} demands {mx} as a subjectAltName, and the certificate has it as its common name alone"
    return None
