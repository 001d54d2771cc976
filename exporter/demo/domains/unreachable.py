"""Domains without an SMTP dialogue: their DNS is at fault, or no connection succeeds."""

from __future__ import annotations

from typing import Final

from exporter.demo.domain import DemoDomain, DnsFault, Port, alone
from exporter.model.failure import Confidence, FailureClass
from exporter.model.warning import HostWarning

_C, _W = FailureClass, HostWarning

UNREACHABLE: Final = (
    DemoDomain(
        "nullmx.example",
        "dns",
        "a null MX: the domain takes no mail",
        _C.DNS_NULL_MX,
        records=(("nullmx.example", "MX", "0 ."),),
    ),
    DemoDomain("nxdomain.example", "dns", "the domain does not exist", _C.DNS_NXDOMAIN),
    DemoDomain(
        "noaddress.example",
        "dns",
        "neither an MX nor an address",
        _C.DNS_NO_ADDRESS,
        records=(("noaddress.example", "TXT", '"v=spf1 -all"'),),
    ),
    DemoDomain(
        "dangling.example",
        "dns",
        "the MX names a host that does not exist",
        _C.MX_UNRESOLVABLE,
        records=(("dangling.example", "MX", "10 gone.dangling.example."),),
    ),
    DemoDomain(
        "literal.example",
        "dns",
        "the MX is an IP address",
        _C.MX_IS_ADDRESS,
        records=(("literal.example", "MX", "10 127.50.50.1."),),
    ),
    DemoDomain(
        "private.example",
        "dns",
        "the MX has a private address, which is never connected to",
        _C.MX_ADDRESS_FORBIDDEN,
        records=(("private.example", "MX", "10 mx.private.example."), ("mx.private.example", "A", "10.25.25.25")),
    ),
    DemoDomain("servfail.example", "dns", "its name servers fail", _C.DNS_SERVFAIL, fault=DnsFault.SERVFAIL),
    DemoDomain("bogus.example", "dns", "its DNSSEC signatures are wrong", _C.DNS_BOGUS, fault=DnsFault.BOGUS),
    DemoDomain("lost.example", "dns", "the resolver does not answer", _C.DNS_TIMEOUT, fault=DnsFault.SILENT),
    DemoDomain(
        "refused.example",
        "connect",
        "nothing listens on the port",
        _C.CONNECT_REFUSED,
        alone("refused.example", "127.52.20.1", Port.REFUSED),
    ),
    DemoDomain(
        "silent.example",
        "connect",
        "SYNs vanish without an answer, whatever the port: the host is gone",
        _C.CONNECT_TIMEOUT,
        alone("silent.example", "127.53.21.1", Port.GONE),
        confidence=Confidence.LIKELY,  # others answer meanwhile
    ),
    DemoDomain(
        "filtered.example",
        "connect",
        "SYNs to the SMTP port vanish, another port answers: a filter",
        _C.PORT_FILTERED,
        alone("filtered.example", "127.54.22.1", Port.SILENT),
    ),
)
