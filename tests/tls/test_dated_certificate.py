"""A certificate as OpenSSL reads it, with its dates."""

from __future__ import annotations

from exporter.tls.dated_certificate import certificate_of, dated
from tests.support.certificates import DAY, NOW, issue
from tests.support.der import certificate_with, key_on_own_curve


def test_dates_are_unix_time_and_the_names_are_read_when_asked_for() -> None:
    certificate = dated(issue("mx.example.org", start=-2 * DAY, end=3 * DAY).der)
    assert certificate is not None
    assert certificate.not_after - certificate.not_before == (5 * DAY).total_seconds()
    assert certificate.not_before < NOW.timestamp() < certificate.not_after
    assert certificate.parsed is not None
    assert "mx.example.org" in certificate.parsed.subject.rfc4514_string()


def test_bytes_that_are_no_certificate_and_keys_on_their_own_curve_are_not_read() -> None:
    assert dated(b"no certificate") is None
    assert certificate_of(certificate_with(key_on_own_curve(3))) is None
