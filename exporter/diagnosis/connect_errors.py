"""A failed connect -> failure: one table of Linux error numbers, one of ICMP codes.

The error queue outranks the errno: Linux reports a router's "port unreachable" as ECONNREFUSED, exactly like a RST from
the host itself, and "network unreachable" from a router exactly like a missing route. Only the queue tells them apart.
"""

from __future__ import annotations

import errno
import os
from types import MappingProxyType
from typing import Final

from exporter.model.evidence import ConnectEvidence, ConnectOutcome, ErrorOrigin, Evidence, IcmpError
from exporter.model.failure import Failure, FailureClass, Stage

_C = FailureClass
_ANSWERED: Final = ConnectOutcome.ANSWERED

# (origin, type, code): "administratively prohibited" (RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1, RFC 4443 3.1).
_PROHIBITED: Final = MappingProxyType(
    {
        (ErrorOrigin.ICMP, 3, 9): "network administratively prohibited",
        (ErrorOrigin.ICMP, 3, 10): "host administratively prohibited",
        (ErrorOrigin.ICMP, 3, 13): "communication administratively prohibited",
        (ErrorOrigin.ICMP6, 1, 1): "communication administratively prohibited",
        (ErrorOrigin.ICMP6, 1, 5): "source address failed the ingress or egress policy",
        (ErrorOrigin.ICMP6, 1, 6): "route rejected",
    }
)
# "Port unreachable": from the host itself a closed port, from another sender the default reject of a firewall.
_PORT_UNREACHABLE: Final = frozenset({(ErrorOrigin.ICMP, 3, 3), (ErrorOrigin.ICMP6, 1, 4)})

# "Host unreachable" from this host: the next hop on its own link does not answer.
_HOST_UNREACHABLE: Final = frozenset({(ErrorOrigin.ICMP, 3, 1), (ErrorOrigin.ICMP6, 1, 3)})
# "Beyond scope of source address" (RFC 4443 3.1): this host has no other IPv6 address than one of its link.
_BEYOND_SCOPE: Final = (ErrorOrigin.ICMP6, 1, 2)
# A packet filter of this host may send the same, but at once; ARP and neighbour discovery try for seconds first.
_AT_ONCE_SECONDS: Final = 0.05

# Without an ICMP error from the network, the errno alone decides (ip(7), tcp(7), connect(2)).
_ERRNO: Final = MappingProxyType(
    {
        errno.ECONNREFUSED: (_C.CONNECT_REFUSED, "the port is closed: the connection was refused (RST)"),
        errno.ECONNRESET: (_C.CONNECT_REFUSED, "the connection was reset during the handshake"),
        errno.ETIMEDOUT: (_C.CONNECT_TIMEOUT, "nothing answered"),
        errno.EPERM: (_C.LOCAL_FIREWALL, "this host forbids the connection (EPERM)"),
        errno.EACCES: (_C.LOCAL_FIREWALL, "this host forbids the connection (EACCES)"),
        errno.ENETUNREACH: (_C.NO_ROUTE, "this host has no route to the network"),
        errno.EHOSTUNREACH: (_C.NO_ROUTE, "this host cannot reach the address or its next hop"),
        errno.EINVAL: (_C.NO_ROUTE, "this host has a blackhole route for the address"),
        errno.ENETDOWN: (_C.NO_ROUTE, "the network interface is down"),
        errno.EAFNOSUPPORT: (_C.NO_ROUTE, "this host does not speak the address family"),
        errno.EADDRNOTAVAIL: (_C.LOCAL_RESOURCE, "no local port is free"),
        errno.EADDRINUSE: (_C.LOCAL_RESOURCE, "no local port is free"),
        errno.EAGAIN: (_C.LOCAL_RESOURCE, "no local port or routing cache entry is free"),
        errno.EMFILE: (_C.LOCAL_RESOURCE, "too many open files in this process"),
        errno.ENFILE: (_C.LOCAL_RESOURCE, "too many open files on this host"),
        errno.ENOBUFS: (_C.LOCAL_RESOURCE, "the kernel is out of buffers"),
        errno.ENOMEM: (_C.LOCAL_RESOURCE, "the kernel is out of memory"),
    }
)

# The outcome of a class, by which the attempts to many addresses are compared. Any other class is a failure of ours.
_OUTCOMES: Final = MappingProxyType(
    {
        _C.CONNECT_REFUSED: ConnectOutcome.RESET,
        _C.CONNECT_TIMEOUT: ConnectOutcome.NO_ANSWER,
        _C.CONNECT_PROHIBITED: ConnectOutcome.PROHIBITED,
        _C.LOCAL_FIREWALL: ConnectOutcome.PROHIBITED,
        _C.CONNECT_UNREACHABLE: ConnectOutcome.UNREACHABLE,
        _C.NO_ROUTE: ConnectOutcome.NO_ROUTE,
    }
)


def outcome_of(evidence: ConnectEvidence | None) -> ConnectOutcome:
    """The outcome of an attempt; without evidence of a failure it was answered."""
    return (
        _ANSWERED if evidence is None else _OUTCOMES.get(judge_connect(evidence).failure_class, ConnectOutcome.FAILED)
    )


def outcome_of_session(evidence: Evidence) -> ConnectOutcome:
    """The outcome of a session: an address that accepts and sends nothing has not answered as a mail host."""
    return evidence.accepted if evidence.connect is None else outcome_of(evidence.connect)


def judge_connect(evidence: ConnectEvidence) -> Failure:
    """The failure by the evidence of the attempt alone; other hosts and ports are judged elsewhere."""
    if evidence.icmp is not None and evidence.icmp.origin is not ErrorOrigin.LOCAL:
        return _failure(*_judge_icmp(evidence, evidence.icmp))
    if evidence.no_source:
        # Linux reports this with net.ipv6.conf.all.disable_ipv6, where a missing route is ENETUNREACH.
        family = "IPv6" if ":" in evidence.address else "IPv4"
        return _failure(_C.NO_ROUTE, f"this host has no {family} address to send from")
    if evidence.errno is None:
        return _failure(_C.CONNECT_TIMEOUT, f"no answer to the SYN within {evidence.elapsed:.1f} s")
    if evidence.lost_source:
        return _failure(_C.NO_ROUTE, f"this host has no address {evidence.lost_source} (source_address)")
    name = errno.errorcode.get(evidence.errno, str(evidence.errno))
    unknown = (_C.INTERNAL, f"connect failed with {name}: {os.strerror(evidence.errno)}")
    return _failure(*_ERRNO.get(evidence.errno, unknown))


def _judge_icmp(evidence: ConnectEvidence, icmp: IcmpError) -> tuple[FailureClass, str]:
    error = (icmp.origin, icmp.type, icmp.code)
    version = "v6" if icmp.origin is ErrorOrigin.ICMP6 else ""
    said = f"ICMP{version} {icmp.type}/{icmp.code} from {icmp.sender or 'an unknown sender'}"
    if evidence.own_sender:
        if error in _HOST_UNREACHABLE and evidence.elapsed > _AT_ONCE_SECONDS:
            return _C.NO_ROUTE, f"the next hop on this host's own link does not answer ({said})"
        return _C.LOCAL_FIREWALL, f"this host's own packet filter rejects the connection ({said})"
    if error == _BEYOND_SCOPE:
        return _C.NO_ROUTE, f"this host has no IPv6 address that is valid beyond its link ({said})"
    if error in _PROHIBITED:
        return _C.CONNECT_PROHIBITED, f"{_PROHIBITED[error]} ({said})"
    if error in _PORT_UNREACHABLE:
        if icmp.sender == evidence.address:
            return _C.CONNECT_REFUSED, f"the port is closed ({said})"
        if icmp.sender:
            return _C.CONNECT_PROHIBITED, f"a firewall on the path rejects the connection ({said})"
        return _C.CONNECT_REFUSED, f"the port is unreachable ({said})"
    return _C.CONNECT_UNREACHABLE, f"a router reports the address unreachable ({said})"


def _failure(failure_class: FailureClass, detail: str) -> Failure:
    return Failure(Stage.CONNECT, failure_class, detail)
