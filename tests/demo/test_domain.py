"""The records that follow from the description of a domain, and the verdict that the exporter comes to."""

from __future__ import annotations

import pytest

from exporter.demo.domain import Certificate, DemoDomain, DemoHost, Port, alone, offering, works
from exporter.lab.smtp_script import CLOSE, SmtpScript, reply
from exporter.model.failure import Confidence, FailureClass, Verdict

HOSTS = (works("mx1.a.example", "127.48.0.1"), works("mx2.a.example", "127.48.0.2"))


def test_hosts_have_addresses_and_in_their_order_mx_records() -> None:
    assert DemoDomain("a.example", "works", "", hosts=HOSTS).all_records == (
        ("mx1.a.example", "A", "127.48.0.1"),
        ("mx2.a.example", "A", "127.48.0.2"),
        ("a.example", "MX", "10 mx1.a.example."),
        ("a.example", "MX", "20 mx2.a.example."),
    )


def test_a_host_that_bears_the_name_of_the_domain_has_no_mx_record() -> None:
    """RFC 5321 5.1: the implicit MX."""
    domain = DemoDomain("a.example", "works", "", hosts=(works("a.example", "127.48.0.1"),))
    assert domain.all_records == (("a.example", "A", "127.48.0.1"),)


def test_mx_records_of_its_own_replace_those_and_aliases_are_known() -> None:
    own = (("a.example", "MX", "5 alias.a.example."), ("alias.a.example", "CNAME", "mx1.a.example."))
    domain = DemoDomain("a.example", "works", "", hosts=HOSTS[:1], records=own)
    assert domain.all_records == (("mx1.a.example", "A", "127.48.0.1"), *own)
    assert domain.aliases("mx1.a.example") == ("alias.a.example",)
    assert domain.aliases("alias.a.example") == ()


@pytest.mark.parametrize(
    ("expected", "confidence", "verdict"),
    [
        (None, None, None),
        (FailureClass.CONNECT_REFUSED, None, Verdict.DEAD),
        (FailureClass.REPUTATION_BLOCKED, None, Verdict.BLOCKED),
        (FailureClass.DNS_NXDOMAIN, None, Verdict.MISCONFIGURED),
        (FailureClass.CONNECT_TIMEOUT, Confidence.LIKELY, Verdict.DEAD),
    ],
)
def test_its_verdict_is_that_of_its_class(
    expected: FailureClass | None, confidence: Confidence | None, verdict: Verdict | None
) -> None:
    assert DemoDomain("a.example", "dns", "", expected, confidence=confidence).verdict is verdict


def test_a_domain_alone_has_one_host_called_mx() -> None:
    assert alone("a.example", "127.48.0.1", Port.SILENT) == (DemoHost("mx.a.example", "127.48.0.1", Port.SILENT),)
    assert works("mx.a.example", "127.48.0.1").certificate is Certificate.VALID


def test_a_host_may_offer_tls_and_have_anything_for_an_answer() -> None:
    script = offering("mx.a.example", reply(220, "go"), CLOSE)
    assert isinstance(script, SmtpScript)
    ehlo = script.answer(b"EHLO")
    assert isinstance(ehlo, bytes)
    assert ehlo.endswith(b"250 STARTTLS\r\n")
    assert script.answer(b"STARTTLS") == (b"220 go\r\n", CLOSE)
