"""Results as a probe would give them, for tests of what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from exporter.model.address import Family, family_of
from exporter.model.certificate import KeyType, SentCertificate
from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import (
    DomainResult,
    HostFacts,
    HostIdentity,
    HostOutcome,
    HostResult,
    HostTimings,
    MxHost,
    MxLookup,
    TlsResult,
)
from exporter.model.target import Settings, Target, TargetKind
from exporter.model.tls_version import OldVersion, VersionState
from exporter.model.warning import HostWarning
from exporter.model.zone import MxZone, Nameserver, NameserverState, Signature

AT = 1_700_000_000.25


def names_of(kind: Any) -> Iterable[str]:
    """The fields of a part of a result."""
    return kind._fields if issubclass(kind, tuple) else [field.name for field in fields(kind)]


_GROUPS = {"identity": HostIdentity, "outcome": HostOutcome, "facts": HostFacts, "timings": HostTimings}
_GROUP_OF = {name: group for group, kind in _GROUPS.items() for name in names_of(kind)}


def changed(host: HostResult, **values: Any) -> HostResult:
    """`host` with other values, each named without its group."""
    if (phases := values.pop("phases", None)) is not None:
        values |= {"stages": tuple(stage for stage, _ in phases), "seconds": tuple(seconds for _, seconds in phases)}
    for name, value in values.items():
        group = _GROUP_OF.get(name)
        new = {name: value} if group is None else {group: _replaced(getattr(host, group), **{name: value})}
        host = replace(host, **new)
    return host


def _replaced(group: Any, **values: Any) -> Any:
    return group._replace(**values) if hasattr(group, "_replace") else replace(group, **values)


def host_of(mx: str, address: str, **values: Any) -> HostResult:
    """The result of one address, its values named without their groups."""
    return changed(HostResult(HostIdentity(mx, address, 25, "default")), **values)


def domain(name: str = "healthy.example", **labels: str) -> Target:
    """A domain as configured."""
    return Target(TargetKind.DOMAIN, name, name, Settings(), tuple(sorted(labels.items())))


CERTIFICATE: Final = SentCertificate(
    "CN=mx.secure.example", "CN=Authority", AT - 90 * 86400, AT - 86400, "0a" * 32, "0b" * 32, KeyType.RSA, 2048
)
ZONE: Final = MxZone(
    "secure.example",
    (
        Nameserver("ns1.b.example", "192.0.2.53", NameserverState.AGREES, "", ((10, "mx.secure.example"),), 3600),
        Nameserver("ns2.b.example", "2001:db8::53", NameserverState.LAME, "it answers REFUSED"),
    ),
    ttl=3600,
    at=AT,
)


def up_host(name: str = "mx1.healthy.example", address: str = "192.0.2.1") -> HostResult:
    """A host that passed every stage."""
    return host_of(
        mx=name,
        address=address,
        warnings=(HostWarning.STARTTLS_NOT_OFFERED,),
        phases=((Stage.CONNECT, 0.0105), (Stage.BANNER, 0.25), (Stage.EHLO, 0.011), (Stage.QUIT, 0.012)),
        reply_codes=((Stage.BANNER, 220), (Stage.EHLO, 250), (Stage.QUIT, 221)),
        tcp_rtt=0.0101,
        esmtp=True,
        extensions=("PIPELINING", "SIZE"),
        size_limit=10240000,
        at=AT,
    )


def tls_host(name: str = "mx.secure.example", address: str = "192.0.2.3") -> HostResult:
    """A host probed as far as a recipient, over TLS with a certificate that is not right."""
    return host_of(
        mx=name,
        address=address,
        warnings=(HostWarning.TLS_EXPIRED,),
        phases=((Stage.STARTTLS, 0.01), (Stage.TLS, 0.02), (Stage.RCPT, 0.03)),
        reply_codes=((Stage.STARTTLS, 220), (Stage.EHLO_TLS, 250), (Stage.RCPT, 250)),
        esmtp=True,
        extensions=("STARTTLS", "AUTH"),
        at=AT,
        tls=TlsResult(
            version="TLSv1.3",
            cipher="TLS_AES_256_GCM_SHA384",
            verified=False,
            faults=(Failure(Stage.TLS, FailureClass.TLS_EXPIRED, "the server's certificate has expired"),),
            not_before=AT - 90 * 86400,
            not_after=AT - 86400,
            subject=name,
            issuer="CN=Authority",
            chain=(CERTIFICATE,),
        ),
        old_versions=(
            OldVersion("TLSv1.1", VersionState.ACCEPTED, "with AES128-SHA"),
            OldVersion("TLSv1", VersionState.REFUSED, "it accepts no version"),
            OldVersion("SSLv3", VersionState.UNTESTABLE),
        ),
        tls_at=0.05,
        recipients=((f"a@{name}", 250), (f"b@{name}", 250)),
        auth_plaintext=("LOGIN",),
        auth_tls=("PLAIN", "LOGIN"),
    )


def down_host(
    failure_class: FailureClass = FailureClass.REPUTATION_BLOCKED,
    name: str = "mx2.healthy.example",
    address: str = "2001:db8::2",
) -> HostResult:
    """A host whose greeting refused us."""
    return host_of(
        mx=name,
        address=address,
        failure=Failure(Stage.BANNER, failure_class, 'the server said: 554 5.7.1 "go\naway"'),
        phases=((Stage.CONNECT, 0.02), (Stage.BANNER, 0.03)),
        reply_codes=((Stage.BANNER, 554),),
        enhanced=((Stage.BANNER, "5.7.1"),),
        tcp_rtt=0.019,
        at=AT,
    )


def result(*hosts: HostResult, failure: Failure | None = None, name: str = "healthy.example") -> DomainResult:
    """A probe of a domain whose lookup gave `hosts`."""
    mx_hosts = tuple(MxHost(host.mx, 10 * number, (host.address,)) for number, host in enumerate(hosts, 1))
    up = any(host.up for host in hosts)
    return DomainResult(
        at=AT,
        duration=0.3,
        lookup=MxLookup(name, mx_hosts, mx_records=len(hosts), authenticated=True, duration=0.004),
        hosts=hosts,
        found=found_of(hosts),
        failure=None if up else failure or (hosts[0].failure if hosts else None),
    )


def found_of(hosts: Sequence[HostResult]) -> tuple[tuple[Family, int], ...]:
    """The addresses of hosts, by family."""
    counts = Counter(family_of(host.address) for host in hosts if host.address)
    return tuple(sorted(counts.items()))


def lookup_failed(failure_class: FailureClass, name: str = "healthy.example") -> DomainResult:
    """A probe that did not come past the DNS."""
    failure = Failure(Stage.DNS, failure_class, "NXDOMAIN")
    empty = result(name=name, failure=failure)
    return empty._replace(lookup=MxLookup(name, failure=failure, duration=0.002))


def with_policies(probed: DomainResult) -> DomainResult:
    """`probed` where policies were looked up: those of the domain, and what they mean for its hosts."""
    states = {True: DaneState.VERIFIED, False: DaneState.UNCHECKED}
    hosts = tuple(changed(host, dane=Dane(states[host.up], ("3 1 1 " + "ab" * 32,))) for host in probed.hosts)
    mta_sts = MtaSts(MtaStsMode.ENFORCE, False, MtaStsProblem.CERTIFICATE, "expired", "1", ("mx.a.example",), 86400)
    return probed._replace(
        hosts=hosts,
        mta_sts=mta_sts,
        tls_rpt=TlsRpt(True, True, rua=("mailto:a@b.example",)),
        signature=Signature(AT + 86400.0, AT - 86400.0, "MX of secure.example", is_authenticated=True),
        zone=ZONE,
    )
