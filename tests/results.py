"""Results as a probe would give them, for tests of what becomes of them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from exporter.model.failure import Failure, FailureClass, Stage
from exporter.model.policy import Dane, DaneState, MtaSts, MtaStsMode, MtaStsProblem, TlsRpt
from exporter.model.result import (
    HostFacts,
    HostIdentity,
    HostOutcome,
    HostResult,
    HostTimings,
    MxHost,
    MxLookup,
    ProbeResult,
    TlsResult,
)
from exporter.model.target import Settings, Target, TargetKind
from exporter.model.warning import HostWarning

AT = 1_700_000_000.25


_GROUPS = {"identity": HostIdentity, "outcome": HostOutcome, "facts": HostFacts, "timings": HostTimings}
_GROUP_OF = {field.name: group for group, kind in _GROUPS.items() for field in fields(kind)}


def changed(host: HostResult, **values: Any) -> HostResult:
    """`host` with other values, each named without its group."""
    for name, value in values.items():
        group = _GROUP_OF.get(name)
        new = {name: value} if group is None else {group: replace(getattr(host, group), **{name: value})}
        host = replace(host, **new)
    return host


def host_of(mx: str, address: str, preference: int | None = None, **values: Any) -> HostResult:
    """The result of one address, its values named without their groups."""
    return changed(HostResult(HostIdentity(mx, address, preference)), **values)


def domain(name: str = "healthy.example", **labels: str) -> Target:
    """A domain as configured."""
    return Target(TargetKind.DOMAIN, name, name, Settings(), tuple(sorted(labels.items())))


def up_host(name: str = "mx1.healthy.example", address: str = "192.0.2.1", preference: int | None = 10) -> HostResult:
    """A host that passed every stage."""
    return host_of(
        mx=name,
        address=address,
        preference=preference,
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
        preference=10,
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
    preference: int | None = 20,
) -> HostResult:
    """A host whose greeting refused us."""
    return host_of(
        mx=name,
        address=address,
        preference=preference,
        failure=Failure(Stage.BANNER, failure_class, 'the server said: 554 5.7.1 "go\naway"'),
        phases=((Stage.CONNECT, 0.02), (Stage.BANNER, 0.03)),
        reply_codes=((Stage.BANNER, 554),),
        enhanced=((Stage.BANNER, "5.7.1"),),
        tcp_rtt=0.019,
        at=AT,
    )


def result(*hosts: HostResult, failure: Failure | None = None, name: str = "healthy.example") -> ProbeResult:
    """A probe of a domain whose lookup gave `hosts`."""
    mx_hosts = tuple(MxHost(host.mx, host.identity.preference or 0, (host.address,)) for host in hosts)
    up = any(host.up for host in hosts)
    return ProbeResult(
        at=AT,
        duration=0.3,
        lookup=MxLookup(name, mx_hosts, mx_records=len(hosts), authenticated=True, duration=0.004),
        hosts=hosts,
        addresses=len(hosts),
        failure=None if up else failure or (hosts[0].failure if hosts else None),
    )


def lookup_failed(failure_class: FailureClass, name: str = "healthy.example") -> ProbeResult:
    """A probe that did not come past the DNS."""
    failure = Failure(Stage.DNS, failure_class, "NXDOMAIN")
    empty = result(name=name, failure=failure)
    return replace(empty, lookup=MxLookup(name, failure=failure, duration=0.002))


def with_policies(probed: ProbeResult) -> ProbeResult:
    """`probed` where policies were looked up: those of the domain, and what they mean for its hosts."""
    states = {True: DaneState.VERIFIED, False: DaneState.UNCHECKED}
    hosts = tuple(
        changed(host, dane=Dane(states[host.up], ("3 1 1 " + "ab" * 32,)), mta_sts_match=host.up)
        for host in probed.hosts
    )
    mta_sts = MtaSts(MtaStsMode.ENFORCE, False, MtaStsProblem.CERTIFICATE, "expired", "1", ("mx.a.example",), 86400)
    return replace(probed, hosts=hosts, mta_sts=mta_sts, tls_rpt=TlsRpt(True, True, rua=("mailto:a@b.example",)))
