"""A failed connect and its class: the rows of Linux's error numbers and ICMP codes, each as it is seen on the wire."""

from __future__ import annotations

import errno

import pytest

from exporter.diagnosis.connect_errors import judge_connect
from exporter.model.evidence import ConnectEvidence, ErrorOrigin, IcmpError
from exporter.model.failure import FailureClass as C
from exporter.model.failure import Stage

TARGET, ROUTER = "192.0.2.25", "198.51.100.1"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (None, C.CONNECT_TIMEOUT),
        (errno.ETIMEDOUT, C.CONNECT_TIMEOUT),
        (errno.ECONNREFUSED, C.CONNECT_REFUSED),
        (errno.EPERM, C.LOCAL_FIREWALL),
        (errno.EACCES, C.LOCAL_FIREWALL),
        (errno.ENETUNREACH, C.NO_ROUTE),
        (errno.EHOSTUNREACH, C.NO_ROUTE),
        (errno.EINVAL, C.NO_ROUTE),
        (errno.EMFILE, C.LOCAL_RESOURCE),
        (errno.ENFILE, C.LOCAL_RESOURCE),
        (errno.ENOBUFS, C.LOCAL_RESOURCE),
        (errno.EADDRNOTAVAIL, C.LOCAL_RESOURCE),
        (errno.EAGAIN, C.LOCAL_RESOURCE),
        (errno.EXDEV, C.INTERNAL),
    ],
)
def test_without_an_icmp_error_the_number_decides(number: int | None, expected: C) -> None:
    failure = judge_connect(ConnectEvidence(TARGET, number, elapsed=4.0))
    assert (failure.stage, failure.failure_class) == (Stage.CONNECT, expected)
    assert failure.detail


@pytest.mark.parametrize(
    ("origin", "type_", "code", "number", "sender", "expected"),
    [
        (ErrorOrigin.ICMP, 3, 0, errno.ENETUNREACH, ROUTER, C.CONNECT_UNREACHABLE),
        (ErrorOrigin.ICMP, 3, 1, errno.EHOSTUNREACH, ROUTER, C.CONNECT_UNREACHABLE),
        (ErrorOrigin.ICMP, 3, 2, errno.ENOPROTOOPT, ROUTER, C.CONNECT_UNREACHABLE),
        (ErrorOrigin.ICMP, 3, 3, errno.ECONNREFUSED, ROUTER, C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP, 3, 3, errno.ECONNREFUSED, TARGET, C.CONNECT_REFUSED),
        (ErrorOrigin.ICMP, 3, 9, errno.ENETUNREACH, ROUTER, C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP, 3, 10, errno.EHOSTUNREACH, ROUTER, C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, ROUTER, C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, TARGET, C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP6, 1, 0, errno.ENETUNREACH, "2001:db8::1", C.CONNECT_UNREACHABLE),
        (ErrorOrigin.ICMP6, 1, 3, errno.EHOSTUNREACH, "2001:db8::1", C.CONNECT_UNREACHABLE),
        (ErrorOrigin.ICMP6, 1, 4, errno.ECONNREFUSED, "2001:db8::1", C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP6, 1, 1, errno.EACCES, "2001:db8::1", C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP6, 1, 5, errno.EACCES, "2001:db8::1", C.CONNECT_PROHIBITED),
        (ErrorOrigin.ICMP6, 1, 6, errno.EACCES, "2001:db8::1", C.CONNECT_PROHIBITED),
        # The neighbour did not answer: our own stack says so, nobody on the way.
        (ErrorOrigin.LOCAL, 0, 0, errno.EHOSTUNREACH, "", C.NO_ROUTE),
    ],
)
def test_an_icmp_error_outranks_the_number(
    origin: ErrorOrigin, type_: int, code: int, number: int, sender: str, expected: C
) -> None:
    seen = IcmpError(origin, type_, code, number, sender)
    failure = judge_connect(ConnectEvidence(TARGET, number, seen))
    assert failure.failure_class is expected
    if sender == ROUTER:
        assert ROUTER in failure.detail


def test_an_icmp_error_of_our_own_is_our_own_firewall() -> None:
    seen = IcmpError(ErrorOrigin.ICMP, 3, 13, errno.EHOSTUNREACH, "10.0.0.5")
    failure = judge_connect(ConnectEvidence(TARGET, errno.EHOSTUNREACH, seen, own_sender=True))
    assert failure.failure_class is C.LOCAL_FIREWALL


def test_an_address_that_this_host_has_lost_is_no_want_of_ports() -> None:
    """EADDRNOTAVAIL is the kernel's word for both."""
    lost = judge_connect(ConnectEvidence(TARGET, errno.EADDRNOTAVAIL, lost_source="192.0.2.77"))
    assert lost.failure_class is C.NO_ROUTE
    assert "192.0.2.77" in lost.detail
    assert "source_address" in lost.detail
    off = judge_connect(ConnectEvidence("2001:db8::25", errno.EADDRNOTAVAIL, no_source=True))
    assert off.failure_class is C.NO_ROUTE
    assert "IPv6" in off.detail
    assert judge_connect(ConnectEvidence(TARGET, errno.EADDRNOTAVAIL)).failure_class is C.LOCAL_RESOURCE
